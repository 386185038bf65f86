"""How often the cells of two features meet, for all pairs at once: integers that add up in any order, 12 kB for twenty.

Four cells a feature, cut where the layout's quantiles are; of categories the three most frequent and the rest. A row
counts for a pair where both features are there. All pairs come from one product of matrices: a feature is four lines of
0 and 1, "is there" and "is at or above the cut" three times, and the cells' counts are differences of what meets.
Features without a gap have the first line in common: the product has nearly half as many terms.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tocsin_collector.frame import Frame, Values
from tocsin_collector.profile.coarse import chosen, cuts
from tocsin_collector.profile.layout import FeatureLayout, Layout, ProfileError
from tocsin_collector.verdict import NUMBER

CELLS = 4
_NOTHING, _EVERYTHING = 0, 1  # the lines of what is not told, and of what is always there
_CHUNK = 4_096  # of float32, 20 features of so many rows stay in the cache, and every sum is exact

Counts = NDArray[np.int64]
Cells = NDArray[np.float32]


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
    known = [(at, feature, columns[feature.name]) for at, feature in enumerate(features) if feature.name in columns]
    told = [(at, *_steps(values, feature)) for at, feature, values in known if values.kind == feature.kind]
    lines = np.full((len(features), CELLS), _NOTHING)
    used = _EVERYTHING + 1
    for at, _, _, valid in told:
        own = CELLS - (valid is None)  # those that are there in every row share the line of it
        lines[at] = _EVERYTHING
        lines[at, CELLS - own :] = np.arange(used, used + own)
        used += own
    met = np.zeros((used, used))
    room = np.zeros((used, min(_CHUNK, frame.rows)), np.float32)
    room[_EVERYTHING] = 1.0
    for start in range(0, frame.rows, _CHUNK):
        here = slice(start, start + _CHUNK)
        chunk = room[:, : min(_CHUNK, frame.rows - start)]
        for at, data, steps, valid in told:
            _fill(chunk, lines[at].tolist(), data[here], steps, None if valid is None else valid[here])
        met += chunk @ chunk.T
    whole = np.rint(met).astype(np.int64)[np.ix_(lines.ravel(), lines.ravel())]
    return Pairs(layout, frame.rows, _cells(whole, len(features)))


def merge_pairs(a: Pairs, b: Pairs) -> Pairs:
    """The counts of both's rows. Raises ProfileError when their layouts differ."""
    if a.layout is not b.layout and a.layout.digest != b.layout.digest:
        raise ProfileError("pairs of different layouts cannot be added; count the rows again under one")
    return Pairs(a.layout, a.rows + b.rows, a.counts + b.counts)


def _steps(values: Values, feature: FeatureLayout) -> tuple[NDArray[np.generic], list[float], NDArray[np.bool_] | None]:
    """What is compared, the three steps, and which rows are there: None where all are."""
    if feature.kind == NUMBER:
        steps = [feature.edges[at] for at in cuts(feature, CELLS)]
        finite = np.isfinite(values.data)
        valid = values.valid if finite.all() else values.valid & finite
        return values.data, steps, None if valid.all() else valid
    cells = feature.cells_of(values.names or [""])[0]
    ranks = np.where((cells < 0) | (cells >= CELLS), CELLS - 1, cells).astype(np.uint8)
    return ranks[values.data.astype(np.intp)], [1.0, 2.0, 3.0], None if values.valid.all() else values.valid


def _fill(
    target: Cells, lines: list[int], data: NDArray[np.generic], steps: list[float], valid: NDArray[np.bool_] | None
) -> None:
    there, *cuts = lines
    if valid is not None:
        target[there] = valid
    for line, step in zip(cuts, steps, strict=False):  # a feature of few edges has fewer steps, and no row above them
        np.greater_equal(data, np.asarray(step, data.dtype), out=target[line])
        if valid is not None:
            target[line] *= target[there]


def _cells(met: Counts, features: int) -> Counts:
    """From "at or above" to "in the cell": differences of neighbours, along both features."""
    table = np.zeros((features, CELLS + 1, features, CELLS + 1), np.int64)
    table[:, :CELLS, :, :CELLS] = met.reshape(features, CELLS, features, CELLS)
    found = -np.diff(-np.diff(table, axis=1), axis=3)
    first, second = np.triu_indices(features, 1)
    return np.ascontiguousarray(found[first, :, second, :])
