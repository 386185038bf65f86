"""Two versions compared by a confidence sequence: one may look after every window and stop at any of them.

A 95 % confidence sequence contains the true difference at all looks together with 95 % probability, where a t-test that
is looked at again and again errs sooner or later with certainty. Robbins' normal mixture (1970) over the difference of
two means in information time; asymptotic, as the sequences of Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas (2024)
and the mixture test of Johari, Koomen, Pekelis and Walsh (2022). The variance is the larger of the pooled and the
unpooled one: the first holds with few rows of a rare event, the second where a small sample varies more.
"""

from collections.abc import Iterable
from math import log, sqrt
from typing import NamedTuple

from tocsin_collector.quality.interval import Scored
from tocsin_collector.quality.tally import Mean

ALPHA = 0.05
FEWEST_ROWS = 100
"""With fewer rows on either side nothing is said: a mean must be nearly normal first."""
_TUNED = 100.0
"""Where the sequence is narrowest: at 9 times so many rows against as many, as a harmonic mean."""


class Comparison(NamedTuple):
    """The second version's mean less the first's after the last look; ``decided`` is the first look (from 0) whose
    range excluded 0, None while none has. No range while rows are too few."""

    first: Mean
    second: Mean
    difference: Scored
    decided: int | None


def compare(looks: Iterable[tuple[Mean, Mean]]) -> Comparison | None:
    """Compare the means of all rows so far, look by look. None without a look."""
    found, decided = None, None
    for number, (first, second) in enumerate(looks):
        difference = sequence(first, second)
        if decided is None and difference.low is not None and difference.high is not None:
            decided = number if difference.low > 0 or difference.high < 0 else None
        found = Comparison(first, second, difference, decided)
    return found


def sequence(first: Mean, second: Mean) -> Scored:
    """The range of the difference at one look, that holds together with those of all other looks."""
    value = second.value - first.value
    if min(first.rows, second.rows) < FEWEST_ROWS:
        return Scored(value)
    spread = _spread(first, second)
    noise = max(spread * (1 / first.rows + 1 / second.rows), first.noise + second.noise)
    if not noise:
        return Scored(value)  # nothing has varied yet
    rows = spread / noise
    reach = sqrt(spread) / rows * sqrt((rows + _TUNED) * log((rows + _TUNED) / (_TUNED * ALPHA * ALPHA)))
    return Scored(value, value - reach, value + reach)


def _spread(first: Mean, second: Mean) -> float:
    """The variance of a row around the mean of all."""
    rows = first.rows + second.rows
    mean = (first.value * first.rows + second.value * second.rows) / rows
    parts = (one.noise * one.rows * (one.rows - 1) + one.rows * (one.value - mean) ** 2 for one in (first, second))
    return sum(parts) / rows
