"""How often the cells of two features meet, for all pairs at once: integers that add up in any order, 12 kB for twenty.

Four cells a feature, cut where the layout's quantiles are; of categories the three most frequent and the rest. A row
counts for a pair where both features are there. A feature is four lines of a bit a row, "is there" and "is at or above
the cut" three times: the bits that two lines have in common are counted 64 at once, and the cells' counts are
differences of that. Features without a gap have the first line in common: there is nearly half as much to count.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from tocsin_collector.frame import Frame, Values
from tocsin_collector.profile.coarse import chosen
from tocsin_collector.profile.layout import FeatureLayout, Layout, ProfileError
from tocsin_collector.verdict import NUMBER

CELLS = 4
_NOTHING, _EVERYTHING = 0, 1  # the lines of what is not told, and of what is always there
_CHUNK = 256  # words of 64 rows: so much of twenty features stays in the cache, and its sums fit into 16 bits
_BLOCK = 4  # lines that are held against all others at once

Counts = NDArray[np.int64]
Lines = NDArray[np.uint8]


@dataclass(frozen=True, eq=False, slots=True)
class Pairs:
    """The counts of some rows: pairs x 4 x 4, in the order of ``pairs_of``."""

    layout: Layout
    rows: int
    counts: Counts


def pairs_of(layout: Layout) -> list[tuple[str, str]]:
    """The names of each pair."""
    names = [feature.name for feature in chosen(layout)]
    return [(names[a], names[b]) for a, b in zip(*np.triu_indices(len(names), 1), strict=True)]


def empty_pairs(layout: Layout) -> Pairs:
    """The counts of no rows."""
    features = len(chosen(layout))
    return Pairs(layout, 0, np.zeros((features * (features - 1) // 2, CELLS, CELLS), np.int64))


def profile_pairs(frame: Frame, layout: Layout) -> Pairs:
    """Count a block's pairs. A column that is absent or of another kind meets nothing: nothing fails."""
    features = chosen(layout)
    columns = frame.group("feature.")
    lines = [np.zeros(-(-frame.rows // 8), np.uint8), np.packbits(np.ones(frame.rows, bool))]
    place = np.full((len(features), CELLS), _NOTHING)
    for own, feature in zip(place, features, strict=True):
        values = columns.get(feature.name)
        if values is not None and values.kind == feature.kind:
            there, cuts = _lines(values, feature)
            own[0] = _EVERYTHING if there is None else len(lines)
            lines += [] if there is None else [there]
            own[1 : 1 + len(cuts)] = range(len(lines), len(lines) + len(cuts))
            lines += cuts
    one, other = (place[side] for side in _sides(len(features)))
    counts = _common(lines)[one[:, :, None], other[:, None, :]]
    counts[:, :-1] -= counts[:, 1:]  # from "at or above" to "in the cell", along both features
    counts[:, :, :-1] -= counts[:, :, 1:]
    return Pairs(layout, frame.rows, counts)


def merge_pairs(a: Pairs, b: Pairs) -> Pairs:
    """The counts of both's rows. Raises ProfileError when their layouts differ."""
    if a.layout is not b.layout and a.layout.digest != b.layout.digest:
        raise ProfileError("pairs of different layouts cannot be added; count the rows again under one")
    return Pairs(a.layout, a.rows + b.rows, a.counts + b.counts)


def _lines(values: Values, feature: FeatureLayout) -> tuple[Lines | None, list[Lines]]:
    """Which rows are there, None where all are, and which of them are at or above each cut; of few edges there are
    fewer cuts, and no row is above those that are not there."""
    valid = values.valid
    if feature.kind == NUMBER:
        finite = np.isfinite(values.data)
        valid = valid if finite.all() else valid & finite
        found = [np.packbits(values.data >= cut) for cut in feature.quarters]
    else:
        cells = feature.cells_of(values.names or [""])[0]
        ranks = np.where((cells < 0) | (cells >= CELLS), CELLS - 1, cells).astype(np.uint8)
        codes = ranks[values.data.astype(np.intp, copy=False)]
        found = [np.packbits(codes >= rank) for rank in range(1, CELLS)]
    if valid.all():
        return None, found
    there = np.packbits(valid)
    return there, [line & there for line in found]


def _common(lines: list[Lines]) -> Counts:
    """How many rows each two lines have in common."""
    room = np.zeros((len(lines), -(-len(lines[0]) // 8)), np.uint64)
    for target, line in zip(room.view(np.uint8), lines, strict=True):
        target[: len(line)] = line
    found = np.zeros((len(lines), len(lines)), np.int64)
    for start in range(0, room.shape[1], _CHUNK):
        words = room[:, start : start + _CHUNK]
        for at in range(0, len(lines), _BLOCK):
            both = words[at : at + _BLOCK, None] & words[at:]
            found[at : at + _BLOCK, at:] += np.bitwise_count(both).sum(axis=2, dtype=np.uint16)
    return np.maximum(found, found.T)


@lru_cache
def _sides(size: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The places of both features of each pair."""
    return np.triu_indices(size, 1)
