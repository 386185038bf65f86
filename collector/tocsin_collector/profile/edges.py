"""Where the cells of a number begin and end, from the reference's values.

Cells by quantile, so that each holds at most ``1 / QUANTILE_CELLS`` of the reference: the Kolmogorov-Smirnov distance
between the edges is the exact one to within that, whatever the window's shape. A value that fills half a quantile gets
a cell of its own. The outermost quantiles are cut again by rank, each cell a quarter fuller than the next: there the
Wasserstein distance of a heavy tail is made. Beyond the reference's range the cells' ends double in two steps.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

QUANTILE_CELLS = 1_024
TAIL_SHARE, TAIL_RATIO = 1 / 128, 1.25
PARTS = 24
BEYOND = 2.0 ** np.arange(-6, 8.5, 0.5)  # ends of the cells beyond the range, in ranges

Floats = NDArray[np.float64]


def edges_of(values: Floats) -> Floats:
    """The inner edges, rising strictly; none where no value is finite. Cell ``i`` holds ``e[i-1] <= value < e[i]``."""
    finite = np.sort(values[np.isfinite(values)] + 0.0)  # the sum turns -0.0 into 0.0: equal values, equal bytes
    rows = len(finite)
    if not rows:
        return finite
    picked = np.unique(finite[_ranks(rows)])
    runs = np.searchsorted(finite, picked, "right") - np.searchsorted(finite, picked)
    # What fills half a quantile, and the largest value, ends where the next float begins.
    closed = picked[(runs > 1) & (2 * QUANTILE_CELLS * runs >= rows) | (picked == picked[-1])]
    with np.errstate(over="ignore"):
        edges = np.concatenate([picked, np.nextafter(closed, np.inf), _beyond(picked[0], picked[-1]), _across(picked)])
    return np.unique(edges[np.isfinite(edges)])


@lru_cache
def cuts(edges: int, groups: int) -> tuple[int, ...]:
    """Which of so many edges part the values into so many groups of about the same share: those of the quantiles, of
    which there are as many in each; the edges beyond the reference's range are none."""
    first, last = len(BEYOND), edges - 1 - len(BEYOND)
    if last - first < groups - 1:
        return tuple(range(max(first, 0), last + 1))
    return tuple(np.rint(np.linspace(first, last, groups + 1)[1:-1]).astype(int).tolist())


def _ranks(rows: int) -> NDArray[np.int64]:
    """Which of the sorted values are edges: quantiles as ``inverted_cdf`` picks them, and the tails."""
    quantiles = -(-np.arange(1, QUANTILE_CELLS) * rows // QUANTILE_CELLS) - 1
    steps = np.arange(np.log(max(rows * TAIL_SHARE, 1)) / np.log(TAIL_RATIO))
    tail = (TAIL_RATIO**steps).astype(np.int64)
    return np.concatenate([[0, rows - 1], quantiles, tail, rows - 1 - tail]).clip(0, rows - 1)


def _across(picked: Floats) -> Floats:
    """A heavy tail's last values lie far apart: no cell is wider than a part of the range."""
    shares = np.arange(1, PARTS) / PARTS
    return np.asarray(picked[0] * (1 - shares) + picked[-1] * shares)


def _beyond(low: float, high: float) -> Floats:
    span = (high - low) or abs(high) or 1.0
    return np.concatenate([low - span * BEYOND, high + span * BEYOND])
