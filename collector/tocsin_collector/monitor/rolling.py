"""A stream's own past as references that move along: the same hours of the week before, and the last 28 days.

Windows that had drifted are in them, and are counted. Nothing alarms by a rolling reference, so drift that it has taken
in hides nothing; what it says is whether a change is *new*, and a past from which all that has changed was left out
could not. What is usual is learnt from windows that had not drifted. See docs/decisions/0082-further-references.md.

A window goes in for good when nothing can change it any more; those that closed since are added when one looks.
"""

from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from tocsin_collector.drift.apart import Scores, Usual, distances, scores, usual_of
from tocsin_collector.monitor.windows import Calendar
from tocsin_collector.profile import Layout, Profile, merged

LAST_WEEK, LAST_DAYS = "last-week", "last-28-days"
ROLLING = (LAST_WEEK, LAST_DAYS)
"""Their names, which no other reference may have."""
WEEK_H, DAYS = 168, 28
LEARNT_MOST = 168
"""Windows, the newest, that say what is usual."""
_HOUR_S = 3_600


class Pool(NamedTuple):
    """The rows of some windows together, and how many of these had drifted."""

    profile: Profile
    windows: int
    drifted: int


class _Packed(NamedTuple):
    """An hour as it is kept: a tenth of the memory."""

    raw: bytes
    windows: int
    drifted: int


Closed = Mapping[float, Pool]
"""The windows that have closed and can still change, by their start."""


class Rolling:
    """The past of one model version under one layout."""

    def __init__(self, layout: Layout, calendar: Calendar) -> None:
        self.layout = layout
        self._calendar = calendar
        self._hours: dict[int, _Packed] = {}
        self._days: dict[int, Pool] = {}
        self._history: dict[str, deque[Scores]] = {name: deque(maxlen=LEARNT_MOST) for name in ROLLING}
        self._usual: dict[str, Usual] = {}

    def pools(self, start_s: float, closed: Closed) -> dict[str, Pool]:
        """The references of the window that starts then; without those that have no rows."""
        first = _hour(start_s) - WEEK_H
        hours = range(first, first + max(1, round(self._calendar.length_s / _HOUR_S)))
        week = [self._unpacked(hour) for hour in hours if hour in self._hours]
        week += [pool for at_s, pool in closed.items() if _hour(at_s) in hours]
        days = range(self._calendar.day_at(start_s) - DAYS, self._calendar.day_at(start_s))
        past = [pool for day, pool in self._days.items() if day in days]
        past += [pool for at_s, pool in closed.items() if self._calendar.day_at(at_s) in days]
        found = {LAST_WEEK: _joined(week, self.layout), LAST_DAYS: _joined(past, self.layout)}
        return {name: pool for name, pool in found.items() if pool.profile.rows}

    def usual(self, name: str) -> Usual:
        """How far windows that were well are from one of them."""
        if name not in self._usual:
            self._usual[name] = usual_of(self._history[name], self.layout)
        return self._usual[name]

    def seal(self, start_s: float, window: Pool, closed: Closed) -> None:
        """A window cannot change any more: learn from it, and let it be of the past."""
        if not window.drifted:
            for name, pool in self.pools(start_s, closed).items():
                found = distances(pool.profile, window.profile)
                self._history[name].append(scores(found, self.layout))
                self._usual.pop(name, None)
        hour, day = _hour(start_s), self._calendar.day_at(start_s)
        before = [self._unpacked(hour)] if hour in self._hours else []
        whole = _joined([*before, window], self.layout)
        self._hours[hour] = _Packed(whole.profile.to_bytes(), whole.windows, whole.drifted)
        self._days[day] = _joined([*([self._days[day]] if day in self._days else []), window], self.layout)
        for known, oldest in ((self._hours, hour - WEEK_H), (self._days, day - DAYS)):
            for old in [at for at in known if at < oldest]:
                del known[old]

    def state(self) -> dict[str, Any]:
        """All of it; ``load`` takes it."""
        hours, days = list(self._hours.items()), list(self._days.items())
        return {
            "hours": [[at, len(one.raw), one.windows, one.drifted] for at, one in hours],
            "packed": lambda: np.frombuffer(b"".join(one.raw for _, one in hours), np.uint8),
            # A profile is never written to: it is packed when the file is written.
            "days": [[at, pool.windows, pool.drifted, _packing(pool.profile)] for at, pool in days],
            "history": [[name, np.array(known, np.float64).ravel()] for name, known in self._history.items()],
        }

    def load(self, state: dict[str, Any]) -> None:
        """Take over what another one knew under the same layout."""
        raw, at = bytes(state["packed"]), 0
        for hour, size, windows, drifted in state["hours"]:
            self._hours[hour] = _Packed(raw[at : at + size], windows, drifted)
            at += size
        for day, windows, drifted, packed in state["days"]:
            self._days[day] = Pool(Profile.from_bytes(bytes(packed), self.layout), windows, drifted)
        for name, flat in state["history"]:
            self._history[name].extend(np.array(flat).reshape(-1, len(self.layout.features), 2))

    def _unpacked(self, hour: int) -> Pool:
        raw, windows, drifted = self._hours[hour]
        return Pool(Profile.from_bytes(raw, self.layout), windows, drifted)


def _hour(time_s: float) -> int:
    return int(time_s // _HOUR_S)


def _joined(pools: Iterable[Pool], layout: Layout) -> Pool:
    pools = list(pools)
    if len(pools) == 1:
        return pools[0]
    profile = merged((pool.profile for pool in pools), layout)
    return Pool(profile, sum(pool.windows for pool in pools), sum(pool.drifted for pool in pools))


def _packing(profile: Profile) -> Any:
    return lambda: np.frombuffer(profile.to_bytes(), np.uint8)
