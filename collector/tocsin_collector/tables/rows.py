"""The rows of a table as typed columns with their times, a batch at a time."""

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tocsin_collector.frame import Values
from tocsin_collector.tables.table import Column, Moments, Table, TableError
from tocsin_collector.tables.times import USUAL, moments
from tocsin_collector.verdict import CATEGORY, NUMBER

_FIRST_ROWS = 1_000


class Rows(NamedTuple):
    """Some rows: microseconds since the epoch, and the columns by name."""

    us: NDArray[np.int64]
    columns: dict[str, Values]


def rows(table: Table, time: str, kinds: dict[str, str]) -> Iterator[Rows]:
    """The columns that ``kinds`` has, those of text files as it says. Rows without a time are left out and told.

    Raises TableError when no row has one.
    """
    any_row = any_time = False
    for batch in table.batches([time, *kinds]):
        when = moments(batch[time])
        any_row |= bool(len(when.valid))
        any_time |= bool(when.valid.any())
        if when.naive:
            table.note("naive", f"times of column {time!r} without an offset are taken for UTC")
        if not when.valid.all():
            table.note("untimed", f"rows without a time in column {time!r} ({USUAL}) are left out")
        columns = {name: typed(batch[name], kind) for name, kind in kinds.items()}
        if not when.valid.all():
            columns = {name: values.take(np.flatnonzero(when.valid)) for name, values in columns.items()}
        yield Rows(when.us[when.valid], columns)
    if any_row and not any_time:
        raise TableError(f"{table.name}: column {time!r} holds no time; {USUAL} would be one")


def numbered(table: Table, kinds: dict[str, str]) -> Iterator[Rows]:
    """The columns that ``kinds`` has; the number of a row stands for its time in seconds."""
    start = 0
    for batch in table.batches(list(kinds)):
        columns = {name: typed(batch[name], kind) for name, kind in kinds.items()}
        rows = len(next(iter(columns.values())).valid)
        yield Rows(np.arange(start, start + rows) * 1_000_000, columns)
        start += rows


def typed(column: Column, kind: str) -> Values:
    """A column as values; a text file's as the kind says, a time as microseconds."""
    if isinstance(column, Values):
        return column
    if isinstance(column, Moments):
        return Values(NUMBER, column.us.astype(np.float64), column.valid)
    return column.category() if kind == CATEGORY else column.number()


def times_among(table: Table, names: Sequence[str]) -> list[str]:
    """The columns that hold times, as their first rows show: a time is no feature, it differs always."""
    batch = next(iter(table.batches(names)), {})
    return [name for name, column in batch.items() if _is_time(column)]


def _is_time(column: Column) -> bool:
    if isinstance(column, Values | Moments):
        return isinstance(column, Moments)
    first = column.sliced(slice(_FIRST_ROWS))
    present = int(first.category().valid.sum())
    return present > 0 and not first.numeric() and int(first.moments().valid.sum()) == present


def must_have(table: Table, name: str) -> None:
    """Raises TableError when there is no such column."""
    if name not in table.columns:
        near = get_close_matches(name, table.columns, 1) or table.columns[:8]
        raise TableError(f"{table.name}: no column {name!r:.80}; there is {', '.join(map(repr, near))}")
