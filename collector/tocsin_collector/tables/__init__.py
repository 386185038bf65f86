"""Tables of plain columns: CSV, Parquet and Arrow files, data frames, dicts of arrays."""

from tocsin_collector.tables.opening import open_table
from tocsin_collector.tables.table import Table, TableError

__all__ = ["Table", "TableError", "open_table"]
