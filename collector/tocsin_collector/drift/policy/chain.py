"""One way to follow all streams in time: what a filter did not foresee, as normal scores that add up to evidence.

The policy has two: one of windows, and one of days for what is too small to be seen in hours.
"""

from typing import NamedTuple

import numpy as np

from tocsin_collector.drift.policy import cusum
from tocsin_collector.drift.policy.innovation import Filter, Models, follow
from tocsin_collector.drift.policy.normal import Floats
from tocsin_collector.drift.policy.statistics import Mask
from tocsin_collector.drift.policy.tail import Tails, scored

LOUDEST = 60.0
"""The score of what cannot be told."""


class Chain(NamedTuple):
    """What is normal: how streams move, how far their innovations spread, and what their tails are like."""

    models: Models
    scale: Floats
    tails: Tails
    followed: Mask
    """Streams that the reference showed often enough."""
    end: Filter


class Links(NamedTuple):
    """Where a chain is: its filter, its sums, and where each sum left 0 the last time."""

    filter: Filter
    sums: Floats
    since_s: Floats


def start(chain: Chain, start_s: float) -> Links:
    """At the end of the reference: the filter knows where it is, nothing is suspected."""
    sums = np.zeros((len(cusum.SLOPES), 2, *chain.models.rho.shape))
    return Links(chain.end, sums, np.full_like(sums, start_s))


def advance(
    chain: Chain, links: Links, value: Floats, noise: Floats, seen: Mask, gap: int, start_s: float, most_nats: float
) -> tuple[Links, Floats, Floats]:
    """One step, ``gap`` after the last, of what began at ``start_s``: the scores by model and stream, and the evidence
    by way, model and stream. Sums rise to ``most_nats``."""
    told = seen & chain.followed
    moved, innovation, total = follow(chain.models, links.filter, value, noise, told.astype(np.float64), gap)
    score = scored(chain.tails, innovation / np.sqrt(total) / chain.scale)
    # A NaN that the rows do not explain must not pass for a stream that was not seen.
    score = np.where(told, np.where(np.isnan(score), LOUDEST, score), np.nan)
    sums = cusum.climb(links.sums, score, most_nats)
    since_s = np.where(links.sums > 0, links.since_s, start_s)
    return Links(moved, sums, since_s), score, cusum.evidence(sums, score)


def since(links: Links, found: Floats, stream: int, start_s: float) -> float:
    """Where the sum that brought a stream's evidence left 0; what began at ``start_s`` where that is alone."""
    way, model = cusum.way(found, stream)
    if way >= len(cusum.SLOPES):
        return start_s
    side = int(links.sums[way, :, model, stream].argmax())
    return float(links.since_s[way, side, model, stream])
