"""How far a window may stray: a bound from the reference's own windows that pays for their being few.

A window's deviation has two parts: sampling noise, which shrinks with its rows, and the process itself (weekday,
weather, a slow state), which does not. ``strays`` estimates the variance of the second from the reference's windows,
each compared with a pool that it is not part of, and divides the deviations by both; ``spread`` asks how large the
largest of the coming windows will be. The answer is predictive (Lomax: an exponential tail whose scale is uncertain),
so ten windows give a wider bound than fifty; see docs/decisions/0040-distances-and-thresholds.md.
"""

from math import exp, isfinite, nan, sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

TARGET = 0.10  # wanted chance of any false alarm while as many windows pass as the reference has
SHORTEST_HORIZON = 30
MOST_FOLDS = 7
PRIOR_WINDOWS, PRIOR_EXCESS = 2.0, 2.0  # two windows' worth of belief in the tail of a squared normal deviate
TAIL_SHARE = 0.25  # a squared normal deviate's tail is exponential from here on, not from its median
LONGEST_LAG = 168  # hours of a week, or half a year of days
FEWEST_INDEPENDENT = 2.0
FEWEST_EXCESSES = 30  # with fewer the prior over shapes would decide alone
SHAPES, PRIORS = (0.0, 0.15, 0.3, 0.45, 0.6), (0.5, 0.2, 0.15, 0.1, 0.05)
BEYOND_WORST = 1.25  # a bound is never nearer than this to the worst window of the reference

Floats = NDArray[np.float64]


class Spread(NamedTuple):
    """``process`` is the variance between windows beyond sampling noise, ``factor`` the bound in deviations."""

    process: float
    factor: float

    def bound(self, noise: float) -> float:
        """The largest deviation that is still normal for a window with this sampling variance."""
        return self.factor * sqrt(self.process + noise)


class Strays(NamedTuple):
    """The windows' squared deviations in units of ``process`` plus noise, 0 where a window is better than the pool."""

    process: float
    squared: Floats
    by_others: Floats
    """The same in units of what the other windows alone show: without this no window of m is beyond the root of m."""
    independent: float
    """How many independent windows these are worth."""


def strays(deviations: Floats, noise: Floats) -> Strays:
    """From deviations out of fold, in order of time, larger is worse, and their sampling variances, all above 0."""
    if not len(deviations):
        return Strays(0.0, np.empty(0), np.empty(0), 0.0)
    beyond = deviations**2 - noise
    process = max(0.0, float(beyond.mean()))
    others = np.maximum(0.0, (beyond.sum() - beyond) / max(len(beyond) - 1, 1))
    worse = np.maximum(deviations, 0.0) ** 2  # keeps a NaN, which a comparison would turn into 0
    squared = worse / (process + noise)
    # Sampling noise is independent between windows by itself; only what goes beyond it can resemble its neighbours.
    dependent = (1 - _independent_share(squared)) * process / (process + float(noise.mean()))
    return Strays(process, squared, worse / (others + noise), len(squared) * (1 - dependent))


def spread(own: Strays, alpha: float, common: float = 0.0) -> Spread:
    """The bound that one normal window exceeds with chance ``alpha``; ``common`` is the ``common_tail`` of its kind."""
    worst = float(own.squared.max()) if len(own.squared) else 0.0
    few = max(own.independent, FEWEST_INDEPENDENT)
    unsure = (few + 1) / (few - 1)  # pool and variance were themselves learned from so few independent windows
    if not isfinite(worst):
        return Spread(own.process, nan)  # nothing is within it: what cannot be calibrated alarms
    return Spread(own.process, sqrt(max(_predictive(own, alpha) * unsure, common, BEYOND_WORST**2 * worst)))


def _predictive(own: Strays, alpha: float) -> float:
    squared, windows = own.squared, len(own.squared)
    start = float(np.quantile(squared, 1 - TAIL_SHARE)) if windows else 1.0
    excess = squared[squared > start] - start
    above = max(len(excess), windows * TAIL_SHARE)  # windows that do not differ at all are evidence too
    kept = own.independent / max(windows, 1)
    weight = above * kept + PRIOR_WINDOWS
    total = float(excess.sum()) * kept + PRIOR_WINDOWS * PRIOR_EXCESS
    share = above / windows if windows else TAIL_SHARE
    return float(start + total * ((share / alpha) ** (1 / weight) - 1))


def _independent_share(series: Floats) -> float:
    """Windows resemble their neighbours and the same weekday: the share that is independent, by the worst lag.

    The correlation is of ranks: two storms a week apart are two windows that agree, not the whole series.
    """
    if len(series) < 4:
        return 1.0
    _, places, ties = np.unique(series, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(ties) - ties / 2)[places]
    centred = ranks - ranks.mean()
    scale = float(centred @ centred)
    if not scale:
        return 1.0
    lags = range(1, min(len(series) // 3, LONGEST_LAG) + 1)
    worst = min(max(0.0, *(float(centred[lag:] @ centred[:-lag]) / scale for lag in lags)), 0.95)
    return (1 - worst) / (1 + worst)


def common_tail(kind: list[Strays], alpha: float) -> float:
    """The squared deviation that a window exceeds with chance ``alpha``, by the tail of all features of one kind.

    Fifty windows of one feature cannot show how heavy its tail is; those of twenty features can. A generalised Pareto
    tail above the 0.9 quantile (or the 150 largest), averaged over its shape by likelihood; the root of the likelihood
    because features move together. 0 where there is too little to see.
    """
    squared = np.concatenate([own.by_others for own in kind]) if kind else np.empty(0)
    share = min(0.1, 150 / max(len(squared), 1))
    start = float(np.quantile(squared, 1 - share)) if len(squared) else 0.0
    excess = squared[squared > start] - start
    if len(excess) < FEWEST_EXCESSES:
        return 0.0
    scales = np.geomspace(0.15, 2, 24) * excess.mean()
    fits = [max((_likelihood(excess, shape, scale), scale) for scale in scales) for shape in SHAPES]
    weights = np.array(PRIORS) * np.exp(0.5 * (np.array([fit[0] for fit in fits]) - max(fit[0] for fit in fits)))
    mixture = [(float(w), shape, fit[1]) for w, shape, fit in zip(weights / weights.sum(), SHAPES, fits, strict=True)]
    return start + _upper_quantile(mixture, alpha * len(squared) / len(excess))


def _likelihood(excess: Floats, shape: float, scale: float) -> float:
    part = excess / scale
    tail = part.sum() if not shape else (1 + 1 / shape) * np.log1p(shape * part).sum()
    return float(-len(excess) * np.log(scale) - tail)


def _upper_quantile(mixture: list[tuple[float, float, float]], chance: float) -> float:
    low, high = 0.0, 1e6
    for _ in range(60):
        middle = (low + high) / 2
        tail = sum(weight * _survival(middle / scale, shape) for weight, shape, scale in mixture)
        low, high = (middle, high) if tail > chance else (low, middle)
    return high


def _survival(excess: float, shape: float) -> float:
    return float((1 + shape * excess) ** (-1 / shape)) if shape else exp(-excess)


def folds(windows: int) -> list[NDArray[np.intp]]:
    """Stretches of neighbouring windows; each is compared with the rest. One window alone has no rest."""
    if windows < 2:
        return []
    return np.array_split(np.arange(windows), min(windows, MOST_FOLDS))


def chance(windows: int, checks: int) -> float:
    """What each check of each window may spend of TARGET."""
    return TARGET / (max(windows, SHORTEST_HORIZON) * max(checks, 1))


def normal_quantile(alpha: float) -> float:
    """The standard normal deviate that is exceeded with probability alpha."""
    from statistics import NormalDist  # with decimal, fractions and random a ninth of what the core's import costs

    return NormalDist().inv_cdf(1 - alpha)
