"""How a stream moves by itself, a slow state plus sampling noise of known size, and what that did not foresee.

x = state + noise; state(t) = rho state(t-1) + ..., with the stationary variance tau^2. Which rho and tau^2 28 days
cannot tell: up to four plausible pairs are kept, and a window is surprising only if it is so under every one.
A prewhitening by the lag-1 correlation of the sum would understate rho and leave what a CUSUM then adds up.
"""

from typing import NamedTuple

import numpy as np

from tocsin_collector.drift.policy.normal import Floats
from tocsin_collector.drift.policy.statistics import Measured, Places

RHOS = (0.0, 0.5, 0.8, 0.9, 0.96, 0.99)
RATIOS = tuple(0.03 * 1.866**step for step in range(14))
"""Of the state's variance to the noise's, 0.03 to 100. Steps of 3 left the state's variance wrong by up to 1.8."""
KEPT = 4
PLAUSIBLE = 0.05
ROUNDS = 30
_FURTHEST = 50.0**2


class Models(NamedTuple):
    """Kept models by stream, the likeliest first; where fewer are plausible that one is repeated."""

    rho: Floats
    variance: Floats


class Filter(NamedTuple):
    """What is believed of each model's state after a window: its mean and variance."""

    mean: Floats
    variance: Floats


def plausible(measured: Measured, gaps: Places, kinds: Places) -> Models:
    """The models that a reference's residuals leave plausible; the prior is learnt over the streams of a kind."""
    noise = np.where(measured.seen, measured.noise, 0.0).sum(axis=0) / np.maximum(measured.seen.sum(axis=0), 1)
    grid = [(0.0, 0.0), *((rho, ratio) for rho in RHOS for ratio in RATIOS)]
    rho = np.array([point[0] for point in grid])[:, None]
    variance = np.array([point[1] for point in grid])[:, None] * noise
    chance = _posterior(_likelihood(measured, gaps, Models(rho, variance)), kinds)
    best = np.argsort(-chance, axis=0, kind="stable")[:KEPT]
    kept = np.take_along_axis(chance, best, 0) >= PLAUSIBLE * chance.max(axis=0)
    best = np.where(kept, best, best[0])
    return Models(rho[best, 0], np.take_along_axis(variance, best, 0))


def still(models: Models) -> Filter:
    """Before the first window: the state is anywhere in its stationary law."""
    return Filter(np.zeros_like(models.variance), models.variance)


def follow(
    models: Models, state: Filter, value: Floats, noise: Floats, seen: Floats, gap: int
) -> tuple[Filter, Floats, Floats]:
    """One window of a Kalman filter, ``gap`` windows after the last: the state, the innovation and its variance.

    ``seen`` is 1.0 or 0.0 a stream; what is not seen moves the state by the passing of time only.
    """
    kept = models.rho**gap
    mean = kept * state.mean
    variance = kept * kept * state.variance + (1 - kept * kept) * models.variance
    total = variance + noise
    innovation = value - mean
    gain = seen * variance / total
    return Filter(mean + gain * innovation, variance * (1 - gain)), innovation, total


def innovations(measured: Measured, gaps: Places, models: Models) -> tuple[Floats, Filter]:
    """Standardised innovations, windows by model by stream, NaN where nothing was seen; the state after the last."""
    state, found = still(models), []
    for value, noise, seen, gap in zip(*measured, gaps.tolist(), strict=True):
        state, innovation, total = follow(models, state, value, noise, seen.astype(np.float64), gap)
        found.append(np.where(seen, innovation / np.sqrt(total), np.nan))
    return np.array(found), state


def _likelihood(measured: Measured, gaps: Places, models: Models) -> Floats:
    state, found = still(models), np.zeros_like(models.variance)
    for value, noise, seen, gap in zip(*measured, gaps.tolist(), strict=True):
        told = seen.astype(np.float64)
        state, innovation, total = follow(models, state, value, noise, told, gap)
        found -= told * (np.log(total) + np.minimum(innovation**2 / total, _FURTHEST)) / 2
    return found


def _posterior(likelihood: Floats, kinds: Places) -> Floats:
    points = len(likelihood)
    ratio: Floats = np.exp(likelihood - likelihood.max(axis=0))
    chance = np.empty_like(ratio)
    for kind in np.unique(kinds):
        own = ratio[:, kinds == kind]
        prior = np.full(points, 1 / points)
        for _ in range(ROUNDS):
            found = prior[:, None] * own
            prior = 0.98 * (found / found.sum(axis=0)).mean(axis=1) + 0.02 / points
        chance[:, kinds == kind] = prior[:, None] * own
    return chance
