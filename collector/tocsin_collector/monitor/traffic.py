"""How many rows a model had in each window, all its versions together: what its coming windows should have.

A version that takes over from another changes nothing about it. The version with the most rows of a window tells it.
"""

from collections import Counter
from typing import Any

import numpy as np

from tocsin_collector.monitor.windows import Calendar
from tocsin_collector.quality.data.volume import WEEKS, Expected, compared, expected
from tocsin_collector.verdict import CheckVerdict

WEEK_S = 604_800.0
LONGEST_WEEK = 2_016
"""Windows a week at most: shorter ones than five minutes are not judged by their rows."""


class Traffic:
    """The rows of one model by window. Bounds are learnt when a window is judged first, and stay."""

    def __init__(self, calendar: Calendar) -> None:
        week = WEEK_S / calendar.length_s
        self._week = int(week) if week.is_integer() and week <= LONGEST_WEEK else 0
        self._rows: dict[int, Counter[str]] = {}
        self._bounds: dict[int, Expected | None] = {}
        self._odd: set[int] = set()

    def state(self) -> dict[str, Any]:
        """All of it as plain values; ``load`` takes it."""
        return {
            "rows": [[index, list(counts.items())] for index, counts in self._rows.items()],
            "bounds": [[index, found and list(found)] for index, found in self._bounds.items()],
            "odd": sorted(self._odd),
        }

    def load(self, state: dict[str, Any]) -> None:
        """Take over what another one knew."""
        self._rows = {index: Counter(dict(counts)) for index, counts in state["rows"]}
        self._bounds = {index: found and Expected(*found) for index, found in state["bounds"]}
        self._odd = set(state["odd"])

    def add(self, index: int, version: str, rows: int) -> None:
        """A version got rows in a window; less than none where they are given up."""
        if self._week:
            self._rows.setdefault(index, Counter())[version] += rows

    def judge(self, index: int, version: str) -> CheckVerdict | None:
        """What a window's rows say; None where there is too little to tell, or another version tells it."""
        if version != self._teller(index):
            return None
        if index not in self._bounds:
            self._forget(index - (WEEKS + 2) * self._week)
            self._bounds[index] = self._expected(index)
        found = compared(self._rows.get(index, Counter()).total(), self._bounds[index])
        (self._odd.add if found and found.reason else self._odd.discard)(index)
        return found

    def is_silent(self, index: int, version: str) -> bool:
        """Whether a window has no row at all, should have some, and this version tells it."""
        if +self._rows.get(index, Counter()):
            return False
        found = self.judge(index, version)
        return found is not None and bool(found.reason)

    def _teller(self, index: int) -> str | None:
        """The version with the most rows of a window, or of the newest one before that has any."""
        known = [at for at in self._rows if at <= index and +self._rows[at]]
        if not known:
            return None
        counts = self._rows[max(known)]
        return max(counts, key=lambda name: (counts[name], name))

    def _expected(self, index: int) -> Expected | None:
        first = max(min(self._rows), index - (WEEKS + 1) * self._week)
        span = range(first, index)
        past = np.array([self._rows[at].total() if at in self._rows else 0 for at in span], np.float64)
        return expected(past, self._week, np.array([at in self._odd for at in span], bool))

    def _forget(self, before: int) -> None:
        for known in (self._rows, self._bounds):
            for old in [index for index in known if index < before]:
                del known[old]
        self._odd = {index for index in self._odd if index >= before}
