"""What hour and weekday make of a stream, and what is left without them.

Means by hour of day, then by day of week, then by hour of week of what is left, each shrunk by the share of its spread
that is not noise, which is told by replicates: other days of the same hour, other weeks of the same day. What a
reference leaves is taken out of fold, each week by a season fitted without it: residuals of the weeks that were fitted
are smaller than those of the month to come.
"""

from collections.abc import Callable, Collection

import numpy as np

from tocsin_collector.drift.policy.normal import Floats
from tocsin_collector.drift.policy.statistics import Measured, Places

DAY_S, WEEK_S = 86_400, 604_800
MOST_FOLDS = 4
_SUNDAY = 3
East = Callable[[float], float]


class Clock:
    """Numbers of day, week and of the window within them, in local time, which is ``east_s`` seconds ahead of UTC at a
    time (None: always UTC); ``holidays`` (YYYY-MM-DD) are as Sundays. Windows of a day and longer have no hours.

    Raises ValueError for what is no date."""

    def __init__(self, window_s: float, east_s: East | None = None, holidays: Collection[str] = ()) -> None:
        self._window_s, self._east_s = window_s, east_s
        self._holidays = np.array(list(holidays), "datetime64[D]").astype(np.intp)
        self.hours = max(1, round(DAY_S / window_s))

    def day(self, start_s: Floats) -> Places:
        """Local days since the epoch."""
        found: Places = (self._local(start_s) // DAY_S).astype(np.intp)
        return found

    def weekday(self, day: Places) -> Places:
        """The day within its week, Thursday first."""
        found: Places = np.where(np.isin(day, self._holidays), _SUNDAY, day % 7)
        return found

    def hour(self, start_s: Floats) -> Places:
        """The window within its day."""
        return np.minimum((self._local(start_s) % DAY_S // self._window_s).astype(np.intp), self.hours - 1)

    def hour_of_week(self, start_s: Floats) -> Places:
        """The window within its week."""
        return self.weekday(self.day(start_s)) * self.hours + self.hour(start_s)

    def _local(self, start_s: Floats) -> Floats:
        if self._east_s is None:
            return start_s
        east_s: Floats = np.array([self._east_s(at) for at in start_s.ravel().tolist()])
        local_s: Floats = start_s + east_s.reshape(start_s.shape)
        return local_s


def season(measured: Measured, start_s: Floats, clock: Clock) -> Floats:
    """The expectation by hour of week and stream."""
    weight = _weights(measured)
    mean = (weight * measured.value).sum(axis=0) / np.maximum(weight.sum(axis=0), 1e-30)
    left = measured.value - mean
    day, hour, hour_of_week = clock.day(start_s), clock.hour(start_s), clock.hour_of_week(start_s)
    total = np.tile(mean, (7 * clock.hours, 1))

    by_hour = _table(left, weight, hour, clock.hours)
    left = left - by_hour[hour]
    total += np.tile(by_hour, (7, 1))

    daily, daily_weight, days = _means(left, weight, day)
    by_day = _table(daily, daily_weight, clock.weekday(days), 7)
    left = left - by_day[clock.weekday(day)]
    total += by_day.repeat(clock.hours, axis=0)
    return total + _table(left, weight, hour_of_week, 7 * clock.hours)


def out_of_fold(measured: Measured, start_s: Floats, clock: Clock, fold: Places) -> Floats:
    """What each week is beside a season fitted without it."""
    left = np.empty_like(measured.value)
    for number in range(fold.max() + 1):
        rest, own = fold != number, fold == number
        table = season(Measured(*(part[rest] for part in measured)), start_s[rest], clock)
        left[own] = measured.value[own] - table[clock.hour_of_week(start_s[own])]
    return left


def folds(start_s: Floats) -> Places:
    """Weeks from the first window on, at most four of equal length; what is left of a week goes with the one before."""
    span_s = start_s[-1] - start_s[0]
    count = min(MOST_FOLDS, max(1, int((span_s + DAY_S / 2) // WEEK_S)))
    length_s = max(WEEK_S, span_s / count)
    number: Places = ((start_s - start_s[0]) // length_s).astype(np.intp)
    return np.minimum(number, count - 1)


def _weights(measured: Measured) -> Floats:
    told = measured.seen | ~measured.seen.any(axis=0)
    value = np.where(told, measured.value, np.nan)
    spread = np.nanmedian(np.abs(value - np.nanmedian(value, axis=0)), axis=0)
    noise = np.nanmean(np.where(told, measured.noise, np.nan), axis=0)
    state = 0.3 * np.maximum(0, 2.2 * spread**2 - noise)
    return np.where(measured.seen, 1 / (measured.noise + state), 0.0)


def _table(left: Floats, weight: Floats, cell: Places, cells: int) -> Floats:
    """Means by cell, shrunk as a whole by what of their spread is not noise."""
    order = np.argsort(cell, kind="stable")
    present, starts, count = np.unique(cell[order], return_index=True, return_counts=True)
    w, x = weight[order], left[order]
    total = np.maximum(np.add.reduceat(w, starts, axis=0), 1e-30)
    mean = np.add.reduceat(w * x, starts, axis=0) / total
    scatter = w * (x - mean.repeat(count, axis=0))
    replicates = np.add.reduceat((w > 0).astype(np.int64), starts, axis=0)
    noise = np.add.reduceat(scatter**2, starts, axis=0) / total**2 * replicates / np.maximum(replicates - 1, 1)
    several = total * (replicates > 1)
    spread = (several * mean**2).sum(axis=0)
    kept = np.clip(1 - (several * noise).sum(axis=0) / np.maximum(spread, 1e-30), 0, 1)
    found = np.zeros((cells, left.shape[1]))
    found[present] = kept * mean
    return found


def _means(left: Floats, weight: Floats, cell: Places) -> tuple[Floats, Floats, Places]:
    present, starts = np.unique(cell, return_index=True)
    total = np.add.reduceat(weight, starts, axis=0)
    return np.add.reduceat(weight * left, starts, axis=0) / np.maximum(total, 1e-30), total, present
