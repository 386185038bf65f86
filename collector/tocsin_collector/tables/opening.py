"""A table from what it is given as: a path, the bytes of a file, a data frame, or a dict of arrays."""

import importlib
import io
import os
from collections.abc import Iterator, Mapping, Sequence
from types import ModuleType
from typing import Any, BinaryIO

import numpy as np

from tocsin_collector.frame import Values, category
from tocsin_collector.tables import csvtext
from tocsin_collector.tables.table import BATCH_ROWS, Batch, Column, Moments, Table, TableError, checked_head
from tocsin_collector.verdict import NUMBER

_FORMS = {b"PAR1": "parquet_table", b"ARRO": "ipc_table", b"\xff\xff\xff\xff": "ipc_table"}
"""By a file's first bytes; everything else is CSV."""
_EXTRA = "needs pyarrow: pip install 'tocsin[arrow]'"


def open_table(source: Any, name: str = "") -> Table:
    """The table of a path, of bytes, of a frame (pandas, Polars, pyarrow), or of a mapping of arrays. ``name`` is for
    messages. Raises TableError."""
    if isinstance(source, str | os.PathLike):
        path = os.fspath(source)
        return _of_file(lambda: _open(path), name or path)
    if isinstance(source, bytes):
        return _of_file(lambda: io.BytesIO(source), name or "the file")
    name = name or type(source).__name__
    if isinstance(source, Mapping):
        return _of_arrays(source, name)
    if hasattr(source, "__arrow_c_stream__"):
        arrow = _arrow()
        if arrow is None:
            raise TableError(f"{name}: a data frame {_EXTRA}; or give a dict of arrays")
        table: Table = arrow.frame_table(source, name)
        return table
    raise TableError(f"{name} is no table: a path, a data frame or a dict of arrays is needed")


def is_text(raw: bytes) -> bool:
    """Whether the bytes of a file would be read as CSV."""
    return raw[:4] not in _FORMS


def _open(path: str) -> BinaryIO:
    try:
        return open(path, "rb")
    except OSError as error:
        raise TableError(f"{path}: cannot be read: {error.strerror}") from None


def _of_file(open_file: csvtext.Opener, name: str) -> Table:
    with csvtext.faults_told(name), open_file() as file:
        form = _FORMS.get(file.read(4))
    arrow = _arrow()
    if form is None:
        return csvtext.csv_table(open_file, name) if arrow is None else arrow.csv_table(open_file, name)
    if arrow is None:
        raise TableError(f"{name}: a Parquet or Arrow file {_EXTRA}")
    table: Table = getattr(arrow, form)(open_file, name)
    return table


def _arrow() -> ModuleType | None:
    try:
        return importlib.import_module("tocsin_collector.tables.arrow")
    except ModuleNotFoundError as error:
        if error.name and error.name.startswith("pyarrow"):
            return None
        raise


def _of_arrays(given: Mapping[Any, Any], name: str) -> Table:
    names = checked_head([str(one) for one in given], name)
    arrays = dict(zip(names, map(np.asarray, given.values()), strict=True))
    lengths = {array.shape for array in arrays.values()}
    if len(lengths) != 1 or len(lengths.pop()) != 1:
        raise TableError(f"{name}: arrays of one dimension and one length are needed")
    return Table(name, names, lambda wanted: _array_batches(arrays, wanted))


def _array_batches(arrays: dict[str, Any], wanted: Sequence[str]) -> Iterator[Batch]:
    rows = len(next(iter(arrays.values())))
    for start in range(0, rows, BATCH_ROWS):
        yield {name: _column(arrays[name][start : start + BATCH_ROWS]) for name in wanted}


def _column(array: Any) -> Column:
    if array.dtype.kind in "fiu":
        return Values(NUMBER, array.astype(np.float64), np.ones(len(array), bool))
    if array.dtype.kind == "M":
        valid = ~np.isnat(array)
        return Moments(array.astype("datetime64[us]").astype(np.int64), valid, int(valid.sum()))
    texts = [None if value is None or value != value else _text(value) for value in array.tolist()]  # noqa: PLR0124
    return category(texts)


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
