"""The distances, each with its sampling noise: Kolmogorov-Smirnov for numbers, Jensen-Shannon for categories,
Hotelling's for embeddings.

The first two compare counts ``current`` with counts ``reference`` over the same cells, the third moments. ``noise`` is
the mean of the squared distance when nothing has changed, ``floor`` what is exceeded with probability alpha then: no
threshold is lower.
"""

from math import log, pi, sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tocsin_collector.drift.location import located
from tocsin_collector.drift.spread import normal_quantile
from tocsin_collector.profile.embedding import Space

Counts = NDArray[np.int64]
Shares = NDArray[np.float64]

_KOLMOGOROV_SECOND_MOMENT = pi * pi / 12
_BITS = 8 * log(2)  # near 0, Jensen-Shannon in bits is chi-squared over 8 ln 2
_EXPECTED_ROWS = 5  # cells that expect fewer rows of the window are taken together, as in Pearson's test


class Distance(NamedTuple):
    """``score`` is in 0..1. ``cell`` is where the two differ most, with the shares ``now`` and ``before`` there."""

    score: float
    noise: float
    cell: int
    now: float
    before: float
    degrees: int = 1

    def floor(self, method: str, alpha: float) -> float:
        """The score that sampling alone exceeds with probability alpha."""
        if method == HOTELLING:
            beyond = sqrt(self.noise * self.degrees / 2) * (_chi_squared(self.degrees, alpha) / self.degrees - 1)
            return beyond / (1 + beyond)
        if method == KS:
            return sqrt(self.noise / _KOLMOGOROV_SECOND_MOMENT * -log(alpha / 2) / 2)
        return sqrt(self.noise / self.degrees * _chi_squared(self.degrees, alpha))


KS, JS, HOTELLING = "ks", "js", "hotelling"


def ks(current: Counts, reference: Counts) -> Distance:
    """The largest difference of the shares below an edge; ``cell`` is the last one below it."""
    rows, pool = int(current.sum()), int(reference.sum())
    q, p = np.cumsum(current) / rows, np.cumsum(reference) / pool
    cell = int(np.abs(q - p).argmax())
    noise = _KOLMOGOROV_SECOND_MOMENT * (1 / rows + 1 / pool)
    return Distance(abs(float(q[cell] - p[cell])), noise, cell, float(q[cell]), float(p[cell]))


def js(current: Counts, reference: Counts) -> Distance:
    """The Jensen-Shannon distance (square root of the divergence in bits); ``cell`` moved most, -1 is all rare ones."""
    rows, pool = int(current.sum()), int(reference.sum())
    kept = reference * rows >= _EXPECTED_ROWS * pool
    q, p = _with_rest(current / rows, kept), _with_rest(reference / pool, kept)
    degrees = max(int(np.count_nonzero(kept)) - int(p[-1] == 0.0), 1)
    moved = int(np.abs(q - p).argmax())
    cell = int(np.flatnonzero(kept)[moved]) if moved < len(p) - 1 else -1
    noise = degrees / _BITS * (1 / rows + 1 / pool)
    return Distance(_jensen_shannon(q, p), noise, cell, float(q[moved]), float(p[moved]), degrees)


def hotelling(space: Space, current: Counts, reference: Counts) -> Distance:
    """The squared distance ``d`` of the means without what chance brings, as ``d / (1 + d)``, never below 0. ``now`` is
    how far their directions are apart, ``before`` 0; ``cell`` is none."""
    found = located(space, current, reference)
    beyond, degrees = max(float(found.squared), 0.0), len(space.sums)
    return Distance(beyond / (1 + beyond), float(found.noise) ** 2, -1, float(found.cosine), 0.0, degrees)


def _with_rest(shares: Shares, kept: NDArray[np.bool_]) -> Shares:
    return np.append(shares[kept], shares[~kept].sum())


def _jensen_shannon(q: Shares, p: Shares) -> float:
    middle = (q + p) / 2
    bits = sum(float(np.sum(side[side > 0] * np.log2(side[side > 0] / middle[side > 0]))) for side in (q, p)) / 2
    return sqrt(max(bits, 0.0))


def _chi_squared(degrees: int, alpha: float) -> float:
    """Its upper quantile by Wilson and Hilferty's cube root, within 2 % here (one degree: the exact normal square)."""
    if degrees == 1:
        return normal_quantile(alpha / 2) ** 2
    part = 2 / (9 * degrees)
    return float(degrees * (1 - part + normal_quantile(alpha) * sqrt(part)) ** 3)
