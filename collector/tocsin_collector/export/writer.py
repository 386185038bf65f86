"""Columns as bytes in one format. What stands around the values is made once, a column when one of them has changed."""

from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import NamedTuple

from tocsin_collector.export.exposition import Column


class Rows(NamedTuple):
    """How a format writes a column: all that stays while the series stay, and from that and the values its bytes."""

    template: Callable[[Column], bytes]
    fill: Callable[[bytes, Column], bytes]


class _Written:
    """A column, its template and its bytes."""

    __slots__ = ("column", "data", "template")

    def __init__(self, column: Column, rows: Rows) -> None:
        self.column = column
        self.template = rows.template(column)
        self.data = rows.fill(self.template, column)

    def renew(self, column: Column, rows: Rows) -> None:
        """Another column of the same owner."""
        before, self.column = self.column, column
        if not _same_series(before, column):
            self.template = rows.template(column)
        elif before.values == column.values:
            return
        self.data = rows.fill(self.template, column)


class Writer:
    """Remembers what it has written, by family and owner."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._families: dict[str, dict[Hashable, _Written]] = {}

    def family(self, name: str, columns: Sequence[tuple[Hashable, Column]]) -> Iterator[bytes]:
        """The bytes of each column. Owners that have none any more are forgotten."""
        known = self._families.setdefault(name, {})
        for owner, column in columns:
            written = known.get(owner)
            if written is None:
                written = known[owner] = _Written(column, self._rows)
            elif written.column is not column:
                written.renew(column, self._rows)
            yield written.data
        if len(known) > len(columns):
            self._families[name] = {owner: known[owner] for owner, _ in columns if owner in known}


def _same_series(one: Column, other: Column) -> bool:
    keys = one.keys is other.keys or one.keys == other.keys
    return keys and one.by == other.by and one.labels == other.labels
