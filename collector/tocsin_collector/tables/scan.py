"""A first look at a whole table: what kind each column is, and a sample that shows what values it has.

Memory stays the same however many rows there are: of the rows every second, fourth, … is kept, and of names each once,
so that a rare one is known too.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tocsin_collector.frame import Values, category
from tocsin_collector.profile.layout import MAX_NAMES
from tocsin_collector.tables.rows import typed
from tocsin_collector.tables.table import Batch, Column, Moments, Table
from tocsin_collector.verdict import CATEGORY, NUMBER

MOST_ROWS = 262_144
"""A quantile of so many rows is off by 0.001 of the rows."""
MOST_VECTOR_BYTES = 128 << 20
"""Of the sample's embeddings."""
_ENOUGH_NAMES = 2 * MAX_NAMES
"""A layout lists no more than half as many."""


class Scan(NamedTuple):
    """``kinds`` by column, and ``sample``: parts of columns, which need not be of one length."""

    rows: int
    kinds: dict[str, str]
    sample: list[dict[str, Values]]


class _Part(NamedTuple):
    first: int
    """The number of its first row; of the others each is ``step`` further."""
    rows: int
    columns: Batch


def scan(table: Table, wanted: Sequence[str]) -> Scan:
    """Look through some columns. A text file's column is of numbers when each of its cells is one, or missing."""
    kinds = dict.fromkeys(wanted, NUMBER)
    names: dict[str, dict[str, None]] = {name: {} for name in wanted}
    parts: list[_Part] = []
    rows, step = 0, 1
    for batch in table.batches(wanted):
        length = _length(next(iter(batch.values())))
        for name, column in batch.items():
            kinds[name] = _kind(column, kinds[name])
            if kinds[name] == CATEGORY and len(names[name]) < _ENOUGH_NAMES:
                names[name] |= dict.fromkeys(_present(typed(column, CATEGORY)))
        parts.append(_every(_Part(rows, length, batch), -rows % step, step, step))
        rows += length
        most = min(MOST_ROWS, MOST_VECTOR_BYTES // max(sum(map(_vector_bytes, batch.values())), 1))
        while sum(part.rows for part in parts) > most:
            parts = [_every(part, part.first // step % 2, 2, 2 * step) for part in parts]
            step *= 2
    sample = [{name: typed(column, kinds[name]) for name, column in part.columns.items()} for part in parts]
    return Scan(rows, kinds, [*sample, *({name: category(found)} for name, found in names.items() if found)])


def _every(part: _Part, start: int, by: int, step: int) -> _Part:
    """Every so many rows of a part; ``step`` is how far apart they are in the table."""
    columns = {name: _sliced(column, slice(start, None, by)) for name, column in part.columns.items()}
    return _Part(part.first + start * (step // by), len(range(start, part.rows, by)), columns)


def _sliced(column: Column, rows: slice) -> Column:
    """Some rows of a column, which let go of the others."""
    if isinstance(column, Values):
        part = column.take(rows)
        vectors = None if part.vectors is None else part.vectors.copy()
        return Values(part.kind, part.data.copy(), part.valid.copy(), part.names, vectors)
    if isinstance(column, Moments):
        return Moments(column.us[rows].copy(), column.valid[rows].copy(), column.naive)
    return column.sliced(rows)


def _length(column: Column) -> int:
    return len(column.valid) if isinstance(column, Values | Moments) else len(column)


def _vector_bytes(column: Column) -> int:
    """Of a row."""
    return 4 * column.vectors.shape[1] if isinstance(column, Values) and column.vectors is not None else 0


def _kind(column: Column, known: str) -> str:
    if isinstance(column, Values):
        return column.kind if column.valid.any() else known
    if isinstance(column, Moments):
        return NUMBER
    return NUMBER if known == NUMBER and column.numeric() else CATEGORY


def _present(values: Values) -> list[str]:
    used = np.unique(values.data[values.valid]).tolist()
    return [values.names[code] for code in used]
