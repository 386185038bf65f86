"""A number's cells as points: each cell's count at the mean of its values. Distances and moments of the two sides'
points are those of the rows, but for what lies within one cell."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tocsin_collector.profile import FeatureLayout

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]


class Atoms(NamedTuple):
    """``places`` rise; ``shares`` sum to 1. ``within`` is the variance of the values in each cell around its place,
    ``lows`` and ``highs`` are where it begins and ends, both the same edge for the open ones."""

    places: Floats
    shares: Floats
    within: Floats
    lows: Floats
    highs: Floats

    @property
    def mean(self) -> float:
        """The mean of all values."""
        return float(self.shares @ self.places)

    @property
    def variance(self) -> float:
        """The variance of all values."""
        return float(self.shares @ ((self.places - self.mean) ** 2 + self.within))

    def quantile(self, share: float) -> float:
        """The value that so large a share does not exceed, as if each cell's values were spread evenly."""
        below = np.cumsum(self.shares)
        cell = min(int(np.searchsorted(below, share - 1e-12)), len(below) - 1)
        if self.lows[cell] == self.highs[cell]:
            return float(self.places[cell])
        part = 1 - (below[cell] - share) / self.shares[cell]
        return float(self.lows[cell] + part * (self.highs[cell] - self.lows[cell]))


def atoms(feature: FeatureLayout, cells: Counts, sums: Counts) -> Atoms:
    """The points of some counts, one for each cell; that of a cell without a count lies within it and has no share."""
    edges = np.array(feature.edges)
    lows, highs = np.append(edges[0], edges), np.append(edges, edges[-1])
    origins = feature.lows[feature.group_of]
    low, high = lows - origins, highs - origins  # from where the group begins, for the digits of 1.7e9 and 3
    single = np.nextafter(lows, np.inf) == highs
    offsets = np.where(single, low, (low + high) / 2)
    free = np.where(single, 0, cells)
    counted = np.add.reduceat(free, feature.groups)
    with np.errstate(divide="ignore", invalid="ignore"):
        exact = np.where(feature.scales == 0, 0.0, sums / feature.scales)
        moved = (exact - np.add.reduceat(cells * offsets, feature.groups)) / counted
    offsets = np.where(free > 0, offsets + moved[feature.group_of], offsets)
    inner = slice(1, -1)  # the outermost cells are open
    offsets[inner] = offsets[inner].clip(low[inner], high[inner])
    within = np.minimum((high - low) ** 2 / 12, (offsets - low) * (high - offsets)) * (1 - 1 / np.maximum(cells, 1))
    within[[0, -1]] = 0
    return Atoms(origins + offsets, cells / max(int(cells.sum()), 1), within, lows, highs)


def wasserstein(a: Atoms, b: Atoms) -> float:
    """The Wasserstein-1 distance of two sides in the same cells: the area between their cumulative shares."""
    used = (a.shares > 0) | (b.shares > 0)
    shares = np.where(a.places <= b.places, a.shares, -b.shares)[used]
    whole = (a.shares - b.shares)[used]
    places = np.sort([np.where(x.shares > 0, x.places, y.places)[used] for x, y in ((a, b), (b, a))], axis=0)
    above = np.cumsum(whole) - whole
    steps = np.stack([above + shares, above + whole], 1).ravel()[:-1]
    return float(np.abs(steps) @ np.diff(places.T.ravel()))
