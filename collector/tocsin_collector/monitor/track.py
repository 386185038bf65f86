"""The calibrated policy's way along one model version's windows: what it decides of each, in order of time.

Late rows can change a window that was decided: then it and all after it are decided again from the state before the
oldest window that can still change. So two states are kept, whatever the number of windows, and the decisions are
those that the same rows would have had in time.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from tocsin_collector.drift.policy import Decision, Policy, State, begin, step
from tocsin_collector.drift.policy.chain import Links
from tocsin_collector.drift.policy.days import Day
from tocsin_collector.drift.policy.innovation import Filter
from tocsin_collector.profile import Profile


class Closed(NamedTuple):
    """A closed window that can still change."""

    number: int
    start_s: float
    profile: Profile


class Track:
    """Windows of fewer than ``min_rows`` are not shown to the policy, nor those that the reference reaches into."""

    def __init__(self, policy: Policy, min_rows: int) -> None:
        self._policy, self._min_rows = policy, min_rows
        self._base = self._head = begin(policy)
        self._rows: dict[int, int] = {}
        self._decisions: dict[int, Decision | None] = {}

    def decision(self, index: int) -> Decision | None:
        """What was decided of a window, None where nothing could be."""
        return self._decisions.get(index)

    @property
    def onsets(self) -> int:
        """Incidents that began in windows that can still change."""
        return sum(len(decision.onsets) for decision in self._decisions.values() if decision)

    def follow(self, closed: Iterable[Closed]) -> list[int]:
        """Decide what closed or changed; ``closed`` has all closed windows that can change, in order of time. Returns
        the windows that were decided before and now otherwise."""
        closed = list(closed)
        before = self._decisions
        known = list(self._rows.items())
        if [(one.number, one.profile.rows) for one in closed[: len(known)]] != known:
            self._head, self._rows, self._decisions = self._base, {}, {}
        for one in closed[len(self._rows) :]:
            self._head, self._decisions[one.number] = self._stepped(self._head, one)
            self._rows[one.number] = one.profile.rows
        return [index for index, told in before.items() if self._decisions.get(index) != told]

    def seal(self, window: Closed) -> None:
        """The oldest window cannot change any more."""
        alone = list(self._rows) == [window.number]
        self._base = self._head if alone else self._stepped(self._base, window)[0]
        self._rows.pop(window.number, None)
        self._decisions.pop(window.number, None)

    def state(self) -> list[Any]:
        """The state before the windows that can still change; ``load`` takes it."""
        return [*_numbers(self._base), *_arrays(self._base)]

    def load(self, state: list[Any], closed: Iterable[Closed]) -> None:
        """Take over what another one knew, and decide its closed windows again."""
        count = len(_numbers(self._base))
        # Copies: what was taken up does not hold the file.
        arrays = [
            np.array(one).reshape(like.shape) for one, like in zip(state[count:], _arrays(self._base), strict=True)
        ]
        self._base = self._head = _state_of(state[:count], arrays)
        self.follow(closed)

    def _stepped(self, state: State, window: Closed) -> tuple[State, Decision | None]:
        if window.profile.rows < self._min_rows or window.start_s <= state.time_s:
            return state, None
        return step(self._policy, state, window.start_s, window.profile)


def _numbers(state: State) -> list[float]:
    return [state.time_s, state.day.number, state.day.gap, state.day.start_s]


def _arrays(state: State) -> list[np.ndarray[Any, Any]]:
    links = [part for one in (state.hourly, state.daily) for part in (*one.filter, one.sums, one.since_s)]
    day = [state.day.total, state.day.windows]
    return [*links, *day, state.told, state.open, state.begun_s, state.most, state.hot_s]


def _state_of(numbers: list[Any], arrays: list[Any]) -> State:
    time_s, *day = numbers
    hourly, daily = (Links(Filter(*own[:2]), *own[2:]) for own in (arrays[:4], arrays[4:8]))
    return State(time_s, hourly, daily, Day(*day, *arrays[8:10]), *arrays[10:])
