"""A bounded ring of scrapes: one row a series, one column a scrape, one time a column.

All series of an agent come with the same scrape, so they share their times; a series that a scrape lacks has NaN there
and an absent value stays absent. A row whose series was not seen for a whole turn is given to the next newcomer.
"""

import threading
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tocsin_alerts.alert import Match
from tocsin_collector.fleet.exposition import Labels, Sample

Floats = NDArray[np.float64]


class Series(NamedTuple):
    """One series, oldest point first; NaN where a scrape had no value. Times are seconds since the Unix epoch."""

    labels: dict[str, str]
    times: Floats
    values: Floats


class Ring:
    """The last ``points`` scrapes of at most ``max_series`` series. Safe to read from other threads."""

    def __init__(self, points: int = 360, max_series: int = 4_000) -> None:
        self._points = points
        self._max_series = max_series
        self._times = np.full(points, np.nan)
        self._values = np.full((64, points), np.nan)
        self._seen = np.zeros(64, np.int64)
        self._rows: dict[str, dict[Labels, int]] = {}
        self._owners: list[tuple[str, Labels]] = []
        self._free: list[int] = []
        self._appended = 0
        self._lock = threading.Lock()
        self.dropped = 0
        """Samples that found no row."""

    def __len__(self) -> int:
        return len(self._owners) - len(self._free)

    def append(self, time_s: float, samples: Iterable[Sample]) -> None:
        """Add one scrape. A sample that stands twice keeps its last value."""
        with self._lock:
            column = self._appended % self._points
            self._appended += 1
            self._times[column] = time_s
            self._values[:, column] = np.nan
            for name, labels, value in samples:
                row = self._row(name, labels)
                if row is None:
                    self.dropped += 1
                    continue
                self._values[row, column] = value
                self._seen[row] = self._appended
            if column == self._points - 1:
                self._release()

    def select(self, name: str, match: Iterable[Match] = ()) -> tuple[list[dict[str, str]], Floats, Floats]:
        """The series of a name whose labels fit: their labels, the times, and the values as series x times."""
        conditions = tuple(match)
        with self._lock:
            chosen = [
                (dict(labels), row)
                for labels, row in self._rows.get(name, {}).items()
                if all(condition.fits(dict(labels)) for condition in conditions)
            ]
            order = self._order()
            rows = np.array([row for _, row in chosen], np.intp)
            return [labels for labels, _ in chosen], self._times[order], self._values[np.ix_(rows, order)]

    def _order(self) -> NDArray[np.int64]:
        held = min(self._appended, self._points)
        return (np.arange(self._appended - held, self._appended)) % self._points

    def _row(self, name: str, labels: Labels) -> int | None:
        rows = self._rows.setdefault(name, {})
        row = rows.get(labels)
        if row is None:
            row = self._new_row()
            if row is None:
                if not rows:
                    del self._rows[name]
                return None
            rows[labels] = row
            self._owners[row] = (name, labels)
        return row

    def _new_row(self) -> int | None:
        if self._free:
            row = self._free.pop()
            self._values[row] = np.nan
            return row
        row = len(self._owners)
        if row >= self._max_series:
            return None
        if row >= len(self._values):
            self._values = np.vstack([self._values, np.full_like(self._values, np.nan)])
            self._seen = np.concatenate([self._seen, np.zeros_like(self._seen)])
        self._owners.append(("", ()))
        return row

    def _release(self) -> None:
        free = set(self._free)
        for row in np.flatnonzero(self._seen[: len(self._owners)] <= self._appended - self._points).tolist():
            if row not in free:
                name, labels = self._owners[row]
                del self._rows[name][labels]
                if not self._rows[name]:
                    del self._rows[name]
                self._free.append(row)
