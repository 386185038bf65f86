"""How often a class really came, by its score: the rising step function nearest to what the reference's labels show.

Pool-adjacent-violators (Ayer et al. 1955, as Zadrozny and Elkan 2002 use it to calibrate). Rows are first gathered into
at most ``GROUPS`` groups of neighbouring scores, so that one pass costs the same whatever the rows.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

GROUPS = 1_024


class Grouped(NamedTuple):
    """Rows in order of their score, cut into groups of neighbours: equal scores are never in two groups."""

    order: NDArray[np.intp]
    starts: NDArray[np.intp]
    score: Floats
    """The mean score of each group."""


class Calibration(NamedTuple):
    """Rising ``share`` at rising ``score``; between them a line, outside the first and the last."""

    score: Floats
    share: Floats

    def of(self, scores: Floats) -> Floats:
        """The calibrated probabilities of some scores."""
        return np.interp(scores, self.score, self.share)


def group(scores: Floats) -> Grouped:
    """Gather some scores, at least one."""
    order = np.argsort(scores, kind="stable")
    ordered = scores[order]
    first = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))
    if len(first) > GROUPS:
        wanted = np.linspace(0, len(ordered), GROUPS, endpoint=False).astype(np.intp)
        first = np.unique(first[np.searchsorted(first, wanted, side="right") - 1])
    sizes = np.diff(np.append(first, len(ordered)))
    return Grouped(order, first, np.add.reduceat(ordered, first) / sizes)


def calibrate(rows: Grouped, happened: Floats, weight: Floats) -> Calibration:
    """Fit it: ``happened`` is 0 or 1 a row, ``weight`` above or equal to 0."""
    weights = np.add.reduceat(weight[rows.order], rows.starts)
    hits = np.add.reduceat((weight * happened)[rows.order], rows.starts)
    used = weights > 0
    blocks = _pooled(hits[used].tolist(), weights[used].tolist())
    share = np.repeat([hit / mass for hit, mass, _ in blocks], [count for *_, count in blocks])
    return Calibration(rows.score[used], share)


def _pooled(hits: list[float], weights: list[float]) -> list[tuple[float, float, int]]:
    """Blocks of (hits, weight, groups) whose shares rise."""
    blocks: list[tuple[float, float, int]] = []
    for hit, mass in zip(hits, weights, strict=True):
        block = (hit, mass, 1)
        while blocks and blocks[-1][0] * block[1] >= block[0] * blocks[-1][1]:
            last = blocks.pop()
            block = (last[0] + block[0], last[1] + block[1], last[2] + block[2])
        blocks.append(block)
    return blocks
