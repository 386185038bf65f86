"""Joint drift: two features meet otherwise than they did, though each alone may be as ever.

What the reference's pairs of cells would be under the window's own shares of each feature (iterative proportional
fitting keeps the odds ratios of the reference) is expected; Pearson's statistic says how far the window is from it. So
a change of one feature alone, which its own distance tells, does not count here. The score of a window is that of its
worst pair, as a normal deviate; what is normal is learnt from the reference's own windows, each against the others.
"""

from collections.abc import Sequence
from math import exp, isfinite, pi, sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tocsin_collector.drift.spread import Spread, chance, folds, normal_quantile, spread, strays
from tocsin_collector.profile import ProfileError
from tocsin_collector.profile.pairs import Pairs, merge_pairs, pairs_of
from tocsin_collector.verdict import JointVerdict

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]

FEWEST_ROWS = 200
"""A window with fewer rows has no pair of cells that expects enough of them."""
NAMED_MOST = 3
SHARE = 4
"""Joint drift may cause a quarter of the false alarms that features may, on top of them."""
_ROUNDS, _NEAR_ROWS = 8, 0.5
_EXPECTED_ROWS = 5.0  # a cell that expects fewer varies as one of five does: Pearson's statistic has no tail then


class JointReference(NamedTuple):
    """``process`` is by how much each pair's statistic grows with the rows beyond what chance explains."""

    pool: Pairs
    process: Floats
    spread: Spread
    alpha: float


def fit(windows: Sequence[Pairs]) -> JointReference | None:
    """Learn it from the reference's windows, in order of time. None without a pair, or without rows enough."""
    used = [window for window in windows if window.rows >= FEWEST_ROWS]
    if not used or not len(used[0].counts):
        return None
    pool = used[0]
    for window in used[1:]:
        pool = merge_pairs(pool, window)
    found = np.ones((len(used), len(pool.counts)))
    degrees = _degrees(pool.counts)
    for fold in folds(len(used)):
        rest = pool.counts - np.sum([used[at].counts for at in fold.tolist()], axis=0)
        for at in fold.tolist():
            found[at] = _pearson(used[at].counts, rest) / degrees
    rows = np.array([one.rows for one in used], np.float64)
    process = np.maximum(((found - 1) / rows[:, None]).mean(axis=0), 0.0)
    worst = _deviates(found / (1 + rows[:, None] * process), degrees).max(axis=1)
    alpha = chance(len(used), SHARE)
    usual, scale = _largest_of(len(degrees))
    own = strays((worst - usual)[len(used) < 2 :], np.full(len(used), scale**2)[len(used) < 2 :])
    return JointReference(pool, process, spread(own, alpha), alpha)


def score(reference: JointReference, pairs: Pairs) -> JointVerdict | None:
    """Hold a window against it; None with too few rows. Raises ProfileError for another layout's."""
    if pairs.layout.digest != reference.pool.layout.digest:
        raise ProfileError("the window's pairs were counted under another layout than the reference's")
    if pairs.rows < FEWEST_ROWS:
        return None
    degrees = _degrees(reference.pool.counts)
    found = _pearson(pairs.counts, reference.pool.counts) / degrees / (1 + pairs.rows * reference.process)
    deviates = _deviates(found, degrees)
    usual, scale = _largest_of(len(deviates))
    threshold = max(normal_quantile(reference.alpha / len(deviates)), usual + reference.spread.bound(scale**2))
    worst = np.argsort(-np.nan_to_num(deviates, nan=np.inf), kind="stable")[:NAMED_MOST].tolist()
    names = pairs_of(pairs.layout)
    beyond = tuple((*names[at], float(deviates[at])) for at in worst if not deviates[at] <= threshold)
    reasons = tuple(_sentence(first, second, far, threshold) for first, second, far in beyond)
    return JointVerdict(float(deviates[worst[0]]), threshold, beyond, reasons)


def _sentence(first: str, second: str, found: float, threshold: float) -> str:
    # A NaN here means a damaged reference: it must wake someone, not pass for silence.
    if not (isfinite(found) and isfinite(threshold)):
        return f"{first} and {second}: {found} cannot be held against the bound {threshold}; build the reference again"
    return (
        f"{first} and {second} go together otherwise than in the reference, whatever each is alone "
        f"({found:.1f} standard deviations, bound {threshold:.1f})"
    )


def _largest_of(pairs: int) -> tuple[float, float]:
    """Where the largest of so many normal deviates lies and how it scatters (Gumbel's limit, Euler's constant)."""
    usual = normal_quantile(exp(-0.5772) / pairs) if pairs > 1 else 0.0
    return usual, pi / sqrt(6) / max(usual, 1.0)


def _pearson(window: Counts, pool: Counts) -> Floats:
    """The statistic of each pair, freed of what the margins did."""
    rows, known = window.sum(axis=(1, 2)), pool.sum(axis=(1, 2))
    expected = _fitted(_smoothed(pool), window)
    noise = np.maximum(expected, _EXPECTED_ROWS) * (1 + rows / np.maximum(known, 1))[:, None, None]
    found: Floats = ((window - expected) ** 2 / noise).sum(axis=(1, 2))
    return found


def _smoothed(pool: Counts) -> Floats:
    """The pool and one row more of each pair, spread as if its features were independent: no cell is impossible."""
    total = np.maximum(pool.sum(axis=(1, 2), keepdims=True), 1)
    rows, columns = pool.sum(axis=2, keepdims=True) + 0.5, pool.sum(axis=1, keepdims=True) + 0.5
    found: Floats = pool + rows * columns / total**2
    return found


def _fitted(table: Floats, window: Counts) -> Floats:
    """The table with the window's margins and its own odds ratios (Deming and Stephan 1940)."""
    rows, columns = window.sum(axis=2, keepdims=True), window.sum(axis=1, keepdims=True)
    for _ in range(_ROUNDS):
        table *= rows / np.maximum(table.sum(axis=2, keepdims=True), 1e-9)
        table *= columns / np.maximum(table.sum(axis=1, keepdims=True), 1e-9)
        if np.abs(table.sum(axis=2, keepdims=True) - rows).max() < _NEAR_ROWS:
            break
    return table


def _degrees(pool: Counts) -> Floats:
    cells = [np.maximum((pool.sum(axis=axis) > 0).sum(axis=1) - 1, 1) for axis in (1, 2)]
    found: Floats = (cells[0] * cells[1]).astype(np.float64)
    return found


def _deviates(statistic: Floats, degrees: Floats) -> Floats:
    """The statistic, divided by its degrees, as a normal deviate (Wilson and Hilferty 1931)."""
    part = 2 / (9 * degrees)
    return np.asarray((np.cbrt(statistic) - (1 - part)) / np.sqrt(part))
