"""Shares of rows (missing, invalid, new), compared on the arcsine scale, where noise does not depend on the share."""

from math import asin, pi, sin, sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tocsin_collector.drift.spread import Spread, Strays, folds, normal_quantile, strays

Counts = NDArray[np.int64]


class RatioReference(NamedTuple):
    """What a share was in the reference: over all rows, in its worst window, and how it strays."""

    ratio: float
    worst: float
    rows: int
    spread: Spread
    alpha: float

    def threshold(self, rows: int) -> float:
        """The largest share that is normal for so many rows; 1.0 where anything would be."""
        noise = _noise(rows) + _noise(self.rows)
        deviation = max(self.spread.bound(noise), normal_quantile(self.alpha) * sqrt(noise))
        angle = min(_angle(self.ratio * rows, rows) + deviation, pi / 2)
        return min(max(((rows + 0.75) * sin(angle) ** 2 - 0.375) / max(rows, 1), self.ratio), 1.0)


class Ratios(NamedTuple):
    """A share in the reference's windows, before its bound is known."""

    ratio: float
    worst: float
    rows: int
    strays: Strays


def ratios(hits: Counts, rows: Counts, *, unseen: Counts | None = None) -> Ratios:
    """Learn a share from windows in order of time: ``hits`` of ``rows`` each.

    ``unseen`` are the hits as they would have been had the window not been part of the reference (a category is new
    only until it has been seen); by default the same.
    """
    used = rows > 0
    total_hits, total = int(hits.sum()), int(rows.sum())
    found = hits if unseen is None else unseen
    worst = float((found[used] / rows[used]).max()) if used.any() else 0.0
    own = strays(*_out_of_fold(found[used], hits[used], rows[used]))
    return Ratios(total_hits / total if total else 0.0, worst, total, own)


def _out_of_fold(found: Counts, hits: Counts, rows: Counts) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    deviations: list[float] = []
    noise: list[float] = []
    for fold in folds(len(rows)):
        pool = int(rows.sum() - rows[fold].sum())
        share = float(hits.sum() - hits[fold].sum()) / pool
        for hit, count in zip(found[fold].tolist(), rows[fold].tolist(), strict=True):
            deviations.append(_angle(hit, count) - _angle(share * count, count))
            noise.append(_noise(count) + _noise(pool))
    return np.array(deviations), np.array(noise)


def _angle(hits: float, rows: int) -> float:
    """Anscombe's variance-stabilised share."""
    return asin(sqrt((hits + 0.375) / (rows + 0.75)))


def _noise(rows: int) -> float:
    return 1 / (4 * rows + 2)
