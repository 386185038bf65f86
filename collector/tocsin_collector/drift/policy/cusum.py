"""Evidence in nats: minus the logarithm of how often chance alone would bring a stream this far.

Two-sided CUSUMs of normal scores with two slopes, whose rate under the null is Siegmund's approximation, and the last
window alone (Shewhart), which is right for what is large at once.
"""

import numpy as np

from tocsin_collector.drift.policy.normal import Floats, nats

SLOPES = np.array([1.0, 1.5])
OVERSHOOT = 1.166
"""Siegmund's correction for discrete time: 2 x 0.583."""
CERTAIN = 1_800.0
"""Nats of sixty standard deviations, the most that is told."""
_SLOPE = SLOPES[:, None, None, None]
_SIDE = np.array([1.0, -1.0])[:, None, None]
_OFFSET = 2 * SLOPES * OVERSHOOT - np.log(2 * SLOPES**2)


def climb(sums: Floats, score: Floats, most_nats: float) -> Floats:
    """The sums, slope by side by model by stream, one window later; scores that are NaN leave them as they are.

    They rise no further than ``most_nats``, so that what has ended is seen to end.
    """
    moved = np.maximum(0.0, sums + _SIDE * score - _SLOPE)
    most = (most_nats - _OFFSET) / (2 * SLOPES)
    return np.where(np.isnan(score), sums, np.minimum(moved, most[:, None, None, None]))


def evidence(sums: Floats, score: Floats) -> Floats:
    """Nats by way (the slopes, then the window alone), model and stream."""
    far = sums.max(axis=1)
    slow = np.where(far == 0, 0.0, 2 * _SLOPE[:, 0] * far + _OFFSET[:, None, None])
    return np.concatenate([slow, alone(score)[None]])


def alone(score: Floats) -> Floats:
    """Nats of one window by itself."""
    return np.where(np.isnan(score), 0.0, nats(np.abs(score)))


def of_streams(found: Floats) -> Floats:
    """The evidence against every plausible model: the least over models of the most over ways.

    What is not finite must wake someone, not pass for silence: it counts as certain.
    """
    least: Floats = found.max(axis=0).min(axis=0)
    return np.where(np.isfinite(least), least, CERTAIN)


def way(found: Floats, stream: int) -> tuple[int, int]:
    """Which way and model say so of a stream."""
    model = int(found[..., stream].max(axis=0).argmin())
    return int(found[:, model, stream].argmax()), model
