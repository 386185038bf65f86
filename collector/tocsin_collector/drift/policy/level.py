"""How much evidence an alarm needs, so that chance alone brings one in a month as often as was asked for."""

from typing import NamedTuple

import numpy as np

from tocsin_collector.drift.policy.normal import Floats

OF_WINDOWS, OF_DAYS, OF_SPREAD = 0.6, 0.1, 0.15
"""Shares of the stated rate that each way may spend: what the null models leave out takes the rest."""
WAYS = 8
"""Ways in which one stream can alarm: two sides, slopes and the window alone, with their dependence."""
BLOCK = 12
"""Windows of which the largest evidence is taken as one draw."""
PRIOR_EXCESS = 2.0
_POINTS = 96


class Levels(NamedTuple):
    """Nats that an alarm needs of windows, of days (which are fewer), and of the spread in one window alone."""

    windows: float
    days: float
    spread: float


def level(path: Floats, streams: int, horizon: float, target: float, *, ways: int = WAYS, block: int = BLOCK) -> float:
    """The larger of theory's level and of the one that the reference's own evidence asks for, step by step, of which
    ``block`` are one draw; ``target`` is the chance of any alarm in ``horizon`` steps, in each of which a stream can
    alarm in so many ``ways``."""
    theory = float(np.log(horizon * max(streams, 1) * ways / -np.log1p(-target)))
    return max(theory, predictive(path, horizon, target, block))


def predictive(path: Floats, horizon: float, target: float, block: int) -> float:
    """The level that the coming ``horizon`` steps exceed with chance ``target``, averaged over what the reference
    leaves uncertain about the rate and the scale of an exponential tail (both gamma)."""
    highest = np.array([block.max() for block in np.array_split(path, max(2, len(path) // block))])
    start = float(np.median(highest))
    excess = highest[highest > start] - start
    slope, slope_weight = _gamma(len(excess) + PRIOR_EXCESS, float(excess.sum()) + PRIOR_EXCESS)
    rate, rate_weight = _gamma(len(excess) + 0.5, float(len(path)))
    low, high = 0.0, 1_000.0
    for _ in range(50):
        middle = (low + high) / 2
        chance = -np.expm1(-horizon * rate[:, None] * np.exp(-slope * middle))
        low, high = (middle, high) if rate_weight @ chance @ slope_weight > target else (low, middle)
    return start + high


def _gamma(shape: float, rate: float) -> tuple[Floats, Floats]:
    """Points and weights of a gamma law, even in the logarithm."""
    wide = 8 / shape**0.5
    log_x = np.log(shape / rate) + np.linspace(-1.5 * wide, wide, _POINTS)
    density = np.exp(shape * (log_x - np.log(shape / rate)) - rate * np.exp(log_x) + shape)
    return np.exp(log_x), density / density.sum()
