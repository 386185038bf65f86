"""A score with its 95 % interval."""

from math import exp, inf, isfinite, log, sqrt
from typing import NamedTuple

from tocsin_collector.quality.tally import Mean

Z = 1.959963984540054


class Scored(NamedTuple):
    """A value, and where it may be with 95 % confidence; None where no interval is known."""

    value: float
    low: float | None = None
    high: float | None = None


def normal(value: float, noise: float, lowest: float = -inf, highest: float = inf, z: float = Z) -> Scored:
    """By the normal approximation from its sampling variance; the ends stay within what the score can be."""
    reach = z * sqrt(noise)
    return Scored(value, max(value - reach, lowest), min(value + reach, highest))


def of_mean(mean: Mean, lowest: float = -inf, highest: float = inf) -> Scored:
    """That of a mean."""
    return normal(mean.value, mean.noise, lowest, highest)


def wilson(hits: int, rows: int, z: float = Z) -> Scored:
    """A share, by Wilson (1927): holds for few rows and shares near 0 and 1 too. ``rows`` are at least one."""
    share, weight = hits / rows, z * z / rows
    centre = (share + weight / 2) / (1 + weight)
    reach = z * sqrt(share * (1 - share) / rows + weight / (4 * rows)) / (1 + weight)
    return Scored(share, max(centre - reach, 0.0) if hits else 0.0, min(centre + reach, 1.0) if hits < rows else 1.0)


def difference(first: Scored, second: Scored) -> Scored:
    """Of two independent shares with Wilson intervals: Newcombe (1998), method 10."""
    value = first.value - second.value
    ends = (first.low, first.high, second.low, second.high)
    if None in ends:
        return Scored(value)
    low1, high1, low2, high2 = (float(end or 0.0) for end in ends)
    down = sqrt((first.value - low1) ** 2 + (high2 - second.value) ** 2)
    up = sqrt((high1 - first.value) ** 2 + (second.value - low2) ** 2)
    return Scored(value, value - down, value + up)


def logit(value: float, rows: int) -> Scored:
    """An area that is estimated from so many rows of its class: Boyd, Eng and Page (2013), for PR-AUC."""
    if not 0 < value < 1:
        return Scored(value)
    centre, reach = log(value / (1 - value)), Z / sqrt(rows * value * (1 - value))
    ends = (centre - reach, centre + reach)
    low, high = (1 / (1 + exp(-end)) if isfinite(end) and end > -700 else 0.0 for end in ends)
    return Scored(value, low, high)
