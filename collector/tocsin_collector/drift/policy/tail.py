"""How surprising an innovation is: what the reference's own innovations say of their scale and of their far tail.

Beyond the 1.5 % largest (150 at most) the survival is a mixture of a normal-like tail and generalised Pareto ones by
their likelihood, pooled over a group of streams; the likelihood counts for less where exceedances come together. A
heavy tail that 28 days have seen then costs power in one window, not a false alarm. Streams that show no state of
their own are a group apart: their innovations are sampling noise, whose tail is known. Tables, so that a window costs
an interpolation.
"""

from typing import NamedTuple

import numpy as np

from tocsin_collector.drift.policy.normal import Floats, deviate, hazard, nats
from tocsin_collector.drift.policy.statistics import Mask, Places

TAIL_SHARE, TAIL_MOST = 0.015, 150
SHAPES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)
PRIORS = (0.30, 0.25, 0.15, 0.12, 0.08, 0.06, 0.04)
"""Of the normal-like tail, then of each shape."""
STILL_PRIORS = (0.9998, 0.00006, 0.00005, 0.00004, 0.00003, 0.00001, 0.00001)
"""The same for streams without a state."""
TOGETHER = 12
"""Windows within which exceedances are taken for one event in part."""
PRIOR_WINDOWS, PRIOR_OF_KIND = 672, 200
_CUT, _CUT_MEAN = 9.0, 0.9734
"""The mean square of a normal deviate whose square is cut at 9."""
_GRID = np.concatenate([np.linspace(0, 40, 801), np.geomspace(41, 1e6, 100)])
_APART = 1e7


class Tails(NamedTuple):
    """``group`` of each stream (its kind, and whether it has a state); normal ``scores`` at the points of a ``grid``,
    the groups one after the other, each moved so that one interpolation serves all; by group the weight of the
    ``normal``-like tail."""

    group: Places
    grid: Floats
    scores: Floats
    normal: Floats


def scales(innovations: Floats, kinds: Places) -> Floats:
    """The standard deviation of innovations by model and stream, drawn towards their kind's; never below 0.95."""
    seen = np.isfinite(innovations)
    count = seen.sum(axis=0)
    square = np.where(seen, np.minimum(innovations**2, _CUT), 0).sum(axis=0) / np.maximum(count, 1) / _CUT_MEAN
    common = np.ones_like(square)
    for kind in np.unique(kinds):
        own = (kinds == kind) & (count[0] > 0)
        common[:, kinds == kind] = max(1.0, float(square[:, own].mean())) if own.any() else 1.0
    drawn = (count * square + PRIOR_OF_KIND * common) / (count + PRIOR_OF_KIND)
    found: Floats = np.sqrt(np.maximum(drawn, 0.9))
    return found


def tails(innovations: Floats, kinds: Places, still: Mask) -> Tails:
    """Learn the tails from scaled innovations, windows by stream; ``still`` streams show no state."""
    names, group = np.unique(2 * kinds + still, return_inverse=True)
    found = [
        _tail(np.abs(innovations[:, group == at]), STILL_PRIORS if name % 2 else PRIORS)
        for at, name in enumerate(names.tolist())
    ]
    grid = np.concatenate([_GRID + at * _APART for at in range(len(found))])
    scores = np.concatenate([scores for scores, _ in found])
    return Tails(group, grid, scores, np.array([weight for _, weight in found]))


def capped(streams: int, most: float) -> Tails:
    """No tails: scores as they are, none beyond ``most``."""
    return Tails(np.zeros(streams, np.intp), _GRID, np.minimum(_GRID, most), np.ones(1))


def scored(known: Tails, innovation: Floats) -> Floats:
    """Innovations (any leading axes, streams last) as normal scores."""
    size = np.minimum(np.abs(innovation), _GRID[-1])
    score: Floats = np.interp(size + known.group * _APART, known.grid, known.scores)
    return np.copysign(score, innovation)


def _tail(innovation: Floats, priors: tuple[float, ...]) -> tuple[Floats, float]:
    size = innovation[np.isfinite(innovation)]
    if not size.size:
        return _GRID, 1.0
    share = min(TAIL_SHARE, TAIL_MOST / size.size)
    normal_start = float(deviate(np.array(-np.log(share))))
    start = max(float(np.quantile(size, 1 - share)), normal_start)
    excess = size[size > start] - start
    beyond = np.maximum(_GRID - start, 0)
    laws = [_normal_like(excess, start, beyond), *(_pareto(excess, shape, beyond) for shape in SHAPES)]
    likelihood = np.array([law[0] for law in laws])
    power = 1 / _clumping(innovation > start)
    weight = np.array(priors) * np.exp((likelihood - likelihood.max()) * power)
    weight /= weight.sum()
    survival = sum(w * law[1] for w, law in zip(weight, laws, strict=True))
    far = deviate(-np.log(np.maximum(share * survival, 1e-300)))
    return np.where(start >= _GRID, np.minimum(_GRID, normal_start), far), float(weight[0])


def _clumping(beyond: Mask) -> float:
    """How many exceedances come as one: the variance of their number over its mean, in blocks of windows."""
    blocks = np.add.reduceat(beyond.sum(axis=1), np.arange(0, len(beyond), TOGETHER))
    return max(1.0, float(blocks.var() / max(blocks.mean(), 1e-9)))


def _normal_like(excess: Floats, start: float, beyond: Floats) -> tuple[float, Floats]:
    """Exponential in nats; with slope 1 it is the normal law. Log likelihood, and survival at ``beyond``."""
    begins = nats(np.array(start))
    further = nats(start + excess) - begins
    slope = min(1.0, (len(excess) + 10) / (float(further.sum()) + 10))
    likelihood = np.log(slope * hazard(start + excess)) - slope * further
    return float(likelihood.sum()), np.exp(-slope * (nats(start + beyond) - begins))


def _pareto(excess: Floats, shape: float, beyond: Floats) -> tuple[float, Floats]:
    """The same of a generalised Pareto law; its scale by maximum likelihood."""
    if not excess.size:
        return 0.0, np.exp(-beyond)
    scales = np.geomspace(0.15, 2, 24)[:, None] * excess.mean()
    part = excess / scales
    power = part if not shape else (1 + 1 / shape) * np.log1p(shape * part)
    likelihood = -(np.log(scales) + power).sum(axis=1)
    best = int(likelihood.argmax())
    scaled = beyond / scales[best]
    return float(likelihood[best]), np.exp(-scaled) if not shape else (1 + shape * scaled) ** (-1 / shape)
