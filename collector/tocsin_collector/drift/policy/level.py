"""How much evidence an alarm needs, so that chance alone brings one in a month as often as was asked for."""

import numpy as np

from tocsin_collector.drift.policy.normal import Floats

INTERNAL = 0.6
"""Share of the stated rate that is spent: what the null models leave out takes the rest."""
WAYS = 8
"""Ways in which one stream can alarm: two sides, slopes and the window alone, with their dependence."""
BLOCK = 12
"""Windows of which the largest evidence is taken as one draw."""
PRIOR_EXCESS = 2.0
_POINTS = 96


def level(path: Floats, streams: int, horizon: float, rate: float) -> float:
    """The larger of theory's level and of the one that the reference's own evidence, window by window, asks for."""
    target = INTERNAL * rate
    theory = float(np.log(horizon * max(streams, 1) * WAYS / -np.log1p(-target)))
    return max(theory, predictive(path, horizon, target))


def predictive(path: Floats, horizon: float, target: float) -> float:
    """The level that the coming ``horizon`` windows exceed with chance ``target``, averaged over what the reference
    leaves uncertain about the rate and the scale of an exponential tail (both gamma)."""
    highest = np.array([block.max() for block in np.array_split(path, max(2, len(path) // BLOCK))])
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
