"""Numbers into cells, with the sums of their groups. Two ways to the same integers: many values are sorted and the
edges are looked up among them; few are looked up among the edges."""

import numpy as np
from numpy.typing import NDArray

from tocsin_collector.profile.layout import FeatureLayout

_CHUNK = 32_768  # sorting this much stays in the cache: 15 ns a value with 1,050 cells, the sums included
_MOST_STEPS = 2.0**36  # beyond the outermost edge; a sum of 2^27 such rows still is a whole number

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]


def count_numbers(
    data: NDArray[np.float64] | Counts, feature: FeatureLayout, cells: Counts, sums: Counts
) -> tuple[int, int]:
    """Add the values' counts to ``cells``, their steps to ``sums``; returns how many are infinite and how many NaN."""
    found = np.zeros(len(feature.bounds) + 1, np.int64)  # -inf, the cells, +inf, NaN
    with np.errstate(over="ignore"):
        for start in range(0, len(data), _CHUNK):
            chunk = data[start : start + _CHUNK].astype(np.float64, copy=False)
            count = _count_few if len(chunk) < feature.cells else _count_many
            count(chunk, feature, found, sums)
    cells += found[1:-2]
    return int(found[0] + found[-2]), int(found[-1])


def _count_many(chunk: Floats, feature: FeatureLayout, found: Counts, sums: Counts) -> None:
    # In a sorted chunk -inf stands first, then the cells, then +inf, and NaN last: one search finds every border.
    chunk = np.sort(chunk)
    borders = chunk.searchsorted(feature.bounds)
    found[:-1] += borders
    found[1:] -= borders
    found[-1] += len(chunk)
    ends = borders[feature.group_bounds]
    sizes = ends[1:] - ends[:-1]
    used = sizes.nonzero()[0]
    if len(used):
        sizes = sizes[used]
        steps = chunk[ends[0] : ends[-1]]
        _steps(steps, feature.lows[used].repeat(sizes), feature.scales[used].repeat(sizes), steps)
        if steps[0] > _MOST_STEPS or steps[-1] > _MOST_STEPS:  # none is further away than the first and the last value
            np.minimum(steps, _MOST_STEPS, out=steps)
        sums[used] += np.add.reduceat(steps, ends[used] - ends[0]).astype(np.int64)


def _count_few(chunk: Floats, feature: FeatureLayout, found: Counts, sums: Counts) -> None:
    places = np.searchsorted(feature.bounds, chunk, "right")
    found += np.bincount(places, minlength=len(found))
    is_finite = np.isfinite(chunk)
    groups = feature.group_of[places[is_finite] - 1]
    steps = np.empty(len(groups))
    _steps(chunk[is_finite], feature.lows[groups], feature.scales[groups], steps)
    np.minimum(steps, _MOST_STEPS, out=steps)
    sums += np.bincount(groups, steps, len(sums)).astype(np.int64)


def _steps(values: Floats, lows: Floats, scales: Floats, out: Floats) -> None:
    """How many steps each value is from where its group begins: rounded one by one, so that no order shows in sums."""
    np.subtract(values, lows, out)
    np.multiply(out, scales, out)
    np.rint(out, out)
