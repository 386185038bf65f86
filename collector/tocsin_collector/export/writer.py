"""Columns as bytes in one format. What stands around the values is made once, a column when one of them has changed."""

from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Any, TypeAlias

from tocsin_collector.export.exposition import AnyColumn
from tocsin_schema.metric import Metric

Fill: TypeAlias = Callable[[Any], bytes]
"""Gives the bytes of a column that has the series which it was made for."""
Rows: TypeAlias = Callable[[Metric, AnyColumn], Fill]
"""A format's way to write the series of a column."""


class _Written:
    """A column and its bytes, and how they are made as long as the series stay the same."""

    __slots__ = ("column", "data", "fill")

    def __init__(self, column: AnyColumn, fill: Fill) -> None:
        self.column = column
        self.fill = fill
        self.data = fill(column)

    def renew(self, column: AnyColumn) -> bool:
        """Take a column of the same series. False when it has the same values too."""
        before, self.column = self.column, column
        if before.values == column.values:
            return False
        self.data = self.fill(column)
        return True


class Writer:
    """Remembers what it has written, by family and owner."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._families: dict[str, dict[Hashable, _Written]] = {}

    def family(
        self, metric: Metric, columns: Sequence[tuple[Hashable, AnyColumn]], into: list[bytes]
    ) -> Iterator[None]:
        """Append the bytes of each column, and yield after each that had to be written.

        Owners that have none any more are forgotten.
        """
        known = self._families.setdefault(metric.name, {})
        for owner, column in columns:
            written = known.get(owner)
            if written is None or (written.column is not column and not _same_series(written.column, column)):
                written = known[owner] = _Written(column, self._rows(metric, column))
                anew = True
            else:
                anew = written.column is not column and written.renew(column)
            into.append(written.data)
            if anew:  # last: another scrape may write meanwhile
                yield
        if len(known) > len(columns):
            self._families[metric.name] = {owner: known[owner] for owner, _ in columns if owner in known}


def _same_series(one: AnyColumn, other: AnyColumn) -> bool:
    keys = one.keys is other.keys or one.keys == other.keys
    return keys and one.by == other.by and one.labels == other.labels
