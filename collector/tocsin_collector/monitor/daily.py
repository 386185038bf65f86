"""The nightly second opinion of one model version: which day is due, and the rows that it is told of.

Each window keeps a sample of its rows; a day has those of its windows. It is due when all of them have closed, and once
more when they are final, if rows came late. The look itself (``drift.daily``) is long for the thread that takes events:
whoever asks for what is due does it elsewhere.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from tocsin_collector.drift import daily
from tocsin_collector.frame import Frame
from tocsin_collector.monitor.windows import DAY_S, Calendar
from tocsin_collector.profile import Layout
from tocsin_collector.profile.coarse import Codes, chosen
from tocsin_collector.profile.reservoir import Reservoir, sampled
from tocsin_collector.verdict import DailyVerdict

FEWEST_SAMPLED = 32
REMEMBERED = 8
"""Days that were told, or that wait while nobody looks, the newest: a journal's months are not looked at again."""


def sampled_most(calendar: Calendar) -> int:
    """The rows that a window keeps of its own: as many from each, whatever its traffic, as the reference's do."""
    return max(FEWEST_SAMPLED, round(daily.ROWS_MOST * min(calendar.length_s / DAY_S, 1.0)))


@dataclass(eq=False)
class Days:
    """The reference's days as samples of their rows, in order of time; ``fitted`` is learnt when first asked for."""

    names: tuple[str, ...]
    samples: tuple[Codes, ...]

    @staticmethod
    def of(windows: Sequence[Frame], layout: Layout, calendar: Calendar) -> "Days | None":
        """From the reference's windows. None where there is no pair of features, or no day with rows enough."""
        found: dict[int, list[Codes]] = {}
        for frame, codes in zip(windows, sampled(windows, layout, sampled_most(calendar)), strict=True):
            found.setdefault(calendar.day(int(calendar.index(frame.time_us[:1])[0])), []).append(codes)
        return Days.of_samples([found[day] for day in sorted(found)], layout)

    @staticmethod
    def of_samples(days: Iterable[Sequence[Codes]], layout: Layout) -> "Days | None":
        """From what each day's windows have kept, in order of time."""
        samples = [np.concatenate(day, axis=1) for day in days]
        used = [sample for sample in samples if sample.shape[1] >= daily.FEWEST_ROWS][-daily.DAYS_MOST :]
        names = tuple(feature.name for feature in chosen(layout))
        return Days(names, tuple(used)) if used and len(names) > 1 else None

    @cached_property
    def fitted(self) -> daily.DailyReference | None:
        """What is normal; takes up to a second."""
        return daily.fit(self.samples)

    def judge(self, samples: Sequence[Codes]) -> DailyVerdict | None:
        """The second opinion of one day's samples."""
        return daily.score(self.fitted, np.concatenate(samples, axis=1), self.names) if self.fitted else None


class Due(NamedTuple):
    """A day to be looked at: its ``rows``, which tells whether more have come since, and their samples."""

    day: int
    rows: int
    samples: tuple[Codes, ...]


class Closed(NamedTuple):
    """A closed window as a day sees it."""

    number: int
    rows: int
    sample: Reservoir | None


@dataclass
class Diary:
    """What was told of the days, and what those still need of windows that are sealed."""

    calendar: Calendar
    told: dict[int, int] = field(default_factory=dict)
    """The rows that each had then."""
    sealed: dict[int, list[tuple[int, Codes]]] = field(default_factory=dict)

    def seal(self, window: Closed) -> None:
        """Keep the sample of a window that is being forgotten."""
        if window.sample is not None:
            self.sealed.setdefault(self.calendar.day(window.number), []).append((window.rows, window.sample.codes))
            while len(self.sealed) > REMEMBERED:
                del self.sealed[min(self.sealed)]

    def due(self, now_s: float, closed: Iterable[Closed]) -> Due | None:
        """The oldest day that is to be looked at when the watermark is there; ``closed`` are the windows not sealed."""
        windows: dict[int, list[Closed]] = {}
        for window in closed:
            windows.setdefault(self.calendar.day(window.number), []).append(window)
        for day in sorted(windows.keys() | self.sealed.keys()):
            found = self._due(day, now_s, windows.get(day, ()))
            if found is not None:
                return found
        return None

    def tell(self, due: Due) -> None:
        """It has been looked at."""
        self.told[due.day] = due.rows
        while len(self.told) > REMEMBERED:
            del self.told[min(self.told)]

    def state(self) -> list[Any]:
        """A copy; ``load`` takes it."""
        sealed = [[day, rows, codes.shape[0], codes.ravel()] for day in self.sealed for rows, codes in self.sealed[day]]
        return [list(self.told.items()), sealed]

    def load(self, state: list[Any]) -> None:
        """Take over what another one knew."""
        told, sealed = state
        self.told = dict(told)
        for day, rows, features, codes in sealed:
            self.sealed.setdefault(day, []).append((rows, codes.copy().reshape(features, -1)))

    def _due(self, day: int, now_s: float, windows: Sequence[Closed]) -> Due | None:
        end_s = self.calendar.day_start_s(day) + max(DAY_S, self.calendar.length_s)
        if end_s + self.calendar.lateness_s > now_s or day < min(self.told, default=day):
            return None
        sealed = self.sealed.get(day, [])
        rows = sum(rows for rows, _ in sealed) + sum(window.rows for window in windows)
        is_final = not windows
        if is_final:
            self.sealed.pop(day, None)
        if day in self.told and (not is_final or self.told[day] == rows):
            return None
        samples = [codes for _, codes in sealed] + [window.sample.codes for window in windows if window.sample]
        return Due(day, rows, tuple(samples)) if samples else None
