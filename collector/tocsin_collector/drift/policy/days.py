"""The slow way: what windows leave over a day, for shifts too small to be seen in hours beside a state of the stream's.

A filter takes a small lasting step for its state within hours, but not wholly: it leaves a little of one sign in each
window. The mean over a day is followed as windows are: its noise is known (one over the windows), its state is what
the windows' models leave at the frequencies of days, and the reference's own mean is known to one over its days only.
Days are followed whole, so that what a season leaves within them averages out, and no day counts for more than
MOST_A_DAY, so that a shock of hours cannot alarm here: only days in a row can.
"""

from typing import NamedTuple

import numpy as np

from tocsin_collector.drift.policy import tail
from tocsin_collector.drift.policy.chain import Chain
from tocsin_collector.drift.policy.innovation import Models, innovations, plausible
from tocsin_collector.drift.policy.normal import Floats
from tocsin_collector.drift.policy.statistics import Measured, Places

MOST_A_WINDOW, MOST_A_DAY = 4.0, 3.5
"""Normal scores beyond which a window, a day tell no more."""
FEWEST_HOURS, FEWEST_DAYS = 4, 10
"""A day of fewer windows has nothing of its own to tell, and a stream that fewer days show is not followed."""
LASTING = 0.99


class Day(NamedTuple):
    """The day that is being followed: its number, how many days after the last one, where its first window begins, and
    by stream the sum of its windows' scores and their count."""

    number: int
    gap: int
    start_s: float
    total: Floats
    windows: Floats


def begun(number: int, gap: int, start_s: float, streams: int) -> Day:
    """A day of which nothing was seen."""
    return Day(number, gap, start_s, np.zeros(streams), np.zeros(streams))


def added(day: Day, score: Floats) -> Day:
    """With one more window: the scores of each stream's likeliest model, NaN where it was not seen."""
    seen = ~np.isnan(score)
    capped = np.where(seen, np.clip(score, -MOST_A_WINDOW, MOST_A_WINDOW), 0.0)
    return day._replace(total=day.total + capped, windows=day.windows + seen)


def measured(day: Day, windows: int) -> Measured:
    """The day as a chain takes it; ``windows`` are those of a whole day, and half of them are enough."""
    count = np.maximum(day.windows, 1)
    return Measured(day.total / count, 1 / count, (day.windows >= windows / 2) & (windows >= FEWEST_HOURS))


def fitted(score: Floats, number: Places, windows: int, kinds: Places) -> tuple[Chain, Floats]:
    """The chain of days, from the reference's scores by window and stream and each window's day; and the scores by day,
    model and stream."""
    days = []
    for at in np.unique(number).tolist():
        day = begun(at, 1, 0.0, score.shape[1])
        for own in score[number == at]:
            day = added(day, own)
        days.append(measured(day, windows))
    every = Measured(*(np.array(part) for part in zip(*days, strict=True)))
    followed = every.seen.sum(axis=0) >= FEWEST_DAYS
    every = every._replace(seen=every.seen & followed)
    present = np.unique(number)
    gaps = np.maximum(1, np.diff(present, prepend=present[0] - 1))
    models = _no_surer(plausible(every, gaps, kinds), every)
    raw, end = innovations(every, gaps, models)
    scale = tail.scales(raw, kinds)
    chain = Chain(models, scale, tail.capped(score.shape[1], MOST_A_DAY), followed, end)
    return chain, tail.scored(chain.tails, raw / scale)


def _no_surer(models: Models, every: Measured) -> Models:
    """The reference's mean is itself known from so many days only: what it is off by lasts."""
    count = np.maximum(every.seen.sum(axis=0), 1)
    least = np.where(every.seen, every.noise, 0.0).sum(axis=0) / count**2
    sure = models.variance < least
    return Models(np.where(sure, LASTING, models.rho), np.where(sure, least, models.variance))
