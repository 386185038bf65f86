"""Rows in any order become the profiles of their windows."""

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tocsin_collector.frame import Frame, Values, joined_vectors
from tocsin_collector.monitor.windows import Calendar
from tocsin_collector.profile import Layout, Profile, merge, profile
from tocsin_collector.tables.rows import Rows
from tocsin_collector.tables.table import TableError
from tocsin_collector.verdict import ModelKey

MOST_COUNTS = 1 << 28
"""Counts of all windows together, eight bytes each."""
NOBODY = ModelKey("", "", "")


class Part(NamedTuple):
    """The rows of one window out of one batch."""

    start_s: float
    columns: dict[str, Values]
    rows: int


def cut(batches: Iterable[Rows], calendar: Calendar) -> Iterator[Part]:
    """The batches' rows by window. A window may come again, with rows of a later batch."""
    for batch in batches:
        index, columns = calendar.index(batch.us), batch.columns
        if (np.diff(index) < 0).any():
            order = np.argsort(index, kind="stable")
            index, columns = index[order], {name: values.take(order) for name, values in columns.items()}
        starts = np.flatnonzero(np.diff(index, prepend=index[:1] - 1)).tolist()
        for start, end in pairwise([*starts, len(index)]):
            part = {name: _between(values, start, end) for name, values in columns.items()}
            yield Part(calendar.start_s(int(index[start])), part, end - start)


def profiled(parts: Iterable[Part], layout: Layout) -> dict[float, Profile]:
    """The profile of each window by its start, in order of time. Raises TableError for too many."""
    found: dict[float, Profile] = {}
    for part in parts:
        counted = profile(frame_of(part.columns, part.rows), layout)
        found[part.start_s] = merge(found[part.start_s], counted) if part.start_s in found else counted
        if len(found) * sum(layout.sizes) > MOST_COUNTS:
            raise TableError(f"more than {len(found)} windows of {len(layout.features)} features: take longer windows")
    return dict(sorted(found.items()))


def frame_of(columns: dict[str, Values], rows: int = 0) -> Frame:
    """Plain columns as the features of a frame of so many rows."""
    named = {f"feature.{name}": values for name, values in columns.items()}
    return Frame("prediction", NOBODY, np.zeros(rows, np.int64), [""] * rows, named)


def _between(values: Values, start: int, end: int) -> Values:
    return values.take(slice(start, end))


def joined(parts: list[Values]) -> Values:
    """A column out of its parts, all of one kind; where that is vectors, a part may have none at all."""
    if any(part.vectors is not None for part in parts):
        return joined_vectors(
            [part if part.vectors is not None else None for part in parts], [len(part.valid) for part in parts]
        )
    codes: dict[str, int] = {}
    data: list[NDArray[Any]] = []
    for part in parts:
        own = np.array([codes.setdefault(name, len(codes)) for name in part.names], np.int64)
        data.append(own[part.data] if part.names else part.data)
    return Values(parts[0].kind, np.concatenate(data), np.concatenate([part.valid for part in parts]), list(codes))
