"""One version of one model: its windows, its reference, its verdicts."""

import time
from bisect import bisect
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import accumulate
from typing import Any

import numpy as np

from tocsin_collector.frame import Frame, Values
from tocsin_collector.monitor import daily
from tocsin_collector.monitor.beside import Named
from tocsin_collector.monitor.join import Join
from tocsin_collector.monitor.judge import Judge
from tocsin_collector.monitor.judging import Judging
from tocsin_collector.monitor.latency import Latency
from tocsin_collector.monitor.rolling import Rolling
from tocsin_collector.monitor.schema import Schema
from tocsin_collector.monitor.track import Closed, Track
from tocsin_collector.monitor.traffic import Traffic
from tocsin_collector.monitor.verdicts import Verdicts
from tocsin_collector.monitor.watermark import Watermark
from tocsin_collector.monitor.window import Window, present
from tocsin_collector.monitor.windows import Calendar
from tocsin_collector.profile import Layout
from tocsin_collector.quality import Stakes
from tocsin_collector.quality.rules import Rules
from tocsin_collector.quality.text.price import Price
from tocsin_collector.verdict import (
    DailyVerdict,
    ModelKey,
    ModelView,
    QualityVerdict,
    WindowVerdict,
)
from tocsin_schema.receipt import Receipt

OPEN_WINDOWS_MOST = 16_384
GATHER = 16_384
"""Rows that are gathered before they are counted, unless someone looks: of few rows most of the cost is that of the
columns. Counting so many takes about ten milliseconds. A tick counts them too, so that they do not lie about."""
DAYS_SHOWN = 2
"""So many days later what was found of a day is not what is so now."""
SILENT_MOST = 168
"""Windows without a row that are opened at once, after a gap."""
AHEAD_WINDOWS_MOST, AHEAD_ROWS_MOST = 64, 1_000_000
"""Of the open windows those that begin ahead of what the watermark believes, and their rows: what is on trial."""

_PLAIN = (
    "rows_total", "late_total", "early_total", "alarms_total", "verdicts_total", "first_event_s", "last_event_s",
    "_revised", "_passed", "_labels_sealed", "_outcomes_sealed",
)  # fmt: skip


class Model:
    """The state of one model version. Without a reference it counts rows, classes and latency, and judges nothing."""

    def __init__(
        self,
        key: ModelKey,
        calendar: Calendar,
        join: Join,
        traffic: Traffic,
        *,
        keep: int,
        min_rows: int,
        stakes: Stakes,
        price: Price | None,
        rules: Rules | None,
    ) -> None:
        self.key = key
        self.watermark = Watermark(calendar.horizon_s, calendar.past_s)
        self.rows_total = 0
        self.late_total = 0
        self.early_total = 0
        self.alarms_total = 0
        self.verdicts_total = 0
        self.latency = Latency()
        self.first_event_s: float | None = None
        self.last_event_s: float | None = None
        self.schema = Schema()
        self._track: Track | None = None
        self._diary = daily.Diary(calendar)
        self._days_seen = -1
        self.windows: dict[int, Window] = {}
        self._verdicts = Verdicts(keep)
        self._judging = Judging(
            key, calendar, join, traffic, self.windows, self._verdicts, min_rows, stakes, price, rules
        )
        self.revised_s = 0.0
        self._revised = -1
        self._passed: int | None = None
        self._calendar = calendar
        self._join = join
        self._traffic = traffic
        self._labels_sealed = self._outcomes_sealed = 0
        self._gathered = 0
        self._min_rows = min_rows
        self._sealed: deque[int] = deque(maxlen=10 * keep)

    def hold(self, judge: Judge | None) -> None:
        """Judge by this reference from here on."""
        self._judging.judge = judge
        self._judging.rolling = Rolling(judge.layout, self._calendar) if judge else None
        self._track = Track(judge.policy, self._min_rows) if judge and judge.policy else None

    def hold_beside(self, named: dict[str, Named]) -> None:
        """Compare with these references too from the next window on; nothing alarms by them."""
        self._judging.named = named
        for window in self.windows.values():
            window.beside = {}

    @property
    def named(self) -> dict[str, Named]:
        """The references by their names that its windows are compared with."""
        return self._judging.named

    @property
    def judge(self) -> Judge | None:
        """The reference that its windows are judged by."""
        return self._judging.judge

    @property
    def layout(self) -> Layout | None:
        """How rows are counted: the reference's cells."""
        return self.judge.layout if self.judge else None

    def set_rules(self, rules: Rules) -> None:
        """Count by these rules from now on; what was counted by others says nothing of them."""
        self.count()
        self._judging.rules = rules
        for window in self.windows.values():
            window.ruled = None

    @property
    def labels_total(self) -> int:
        """Predictions whose label has come."""
        self._join.settle()
        return self._labels_sealed + sum(window.labelled for window in self.windows.values())

    @property
    def outcomes_total(self) -> int:
        """Outcomes that found their prediction."""
        self._join.settle()
        return self._outcomes_sealed + sum(window.outcomes for window in self.windows.values())

    def state(self) -> dict[str, Any]:
        """A copy of all of it but the reference, when it is settled; ``load`` takes it."""
        return {
            "plain": {name: getattr(self, name) for name in _PLAIN},
            "watermark": self.watermark.state(),
            "latency": self.latency.state(),
            "schema": self.schema.state(),
            "sealed": list(self._sealed),
            "windows": [window.state() for window in self.windows.values()],
            "track": self._track and self._track.state(),
            "diary": self._diary.state(),
            "verdicts": self._verdicts.state(),
            "rolling": self._judging.rolling and self._judging.rolling.state(),
        }

    def load(self, state: dict[str, Any]) -> None:
        """Take over what another one knew under the same reference; the join must have loaded its own."""
        for name, value in state["plain"].items():
            setattr(self, name, value)
        self.watermark.load(state["watermark"])
        self.latency.load(state["latency"])
        self.schema.load(state["schema"])
        self._sealed.extend(state["sealed"])
        self._verdicts.load(state["verdicts"], self._judging.shares())
        for told in state["windows"]:
            window = Window.of(told, self.layout, self._judging.rules, self._cells_beside())
            self.windows[window.index] = window
            self._join.reopen(window, window)
            self._join.reopen(window.vouched, window)
        if self._judging.rolling and state["rolling"]:
            self._judging.rolling.load(state["rolling"])
        if self._track and state["track"]:
            self._track.load(state["track"], self._can_change())
        self._diary.load(state["diary"])

    def _cells_beside(self) -> dict[str, Layout]:
        return {name: one.layout for name, one in self.named.items()}

    def _can_change(self) -> list[Closed]:
        """The closed windows that late rows can still change, in order of time."""
        closed = sorted(index for index, window in self.windows.items() if window.closed and window.profile)
        return [self._closed(self.windows[index]) for index in closed]

    def _closed(self, window: Window) -> Closed:
        assert window.profile is not None  # noqa: S101  a closed window of a model with a reference is counted
        return Closed(window.index, self._calendar.start_s(window.index), window.profile)

    def take(self, frame: Frame, now_s: float | None) -> None:
        """Put a block's rows into their windows. Those that are too late or too far ahead are counted and have none."""
        self.rows_total += frame.rows
        self.latency.add(frame.columns.get("latency_s"))
        kinds: dict[str, str] = {}
        times = []
        known_s = self.watermark.value or 0.0  # no row is late because of one behind it in the same block
        is_given_up = self.watermark.events(frame.time_us, now_s)
        known_s = min(known_s, self.watermark.value or 0.0)
        index = self._calendar.index(frame.time_us)
        numbers = [int(index[0])] if index.min() == index.max() else np.unique(index).tolist()
        for number in numbers:
            part = frame if len(numbers) == 1 else frame.take(np.flatnonzero(index == number))
            window = self._window(number, known_s, part.rows)
            if window is not None:
                features = part.group("feature.")
                counts = present(features)
                self._put(part, window, counts)
                kinds |= _kinds(features, counts)
                times.append(int(part.time_us.min()) / 1e6)
        if times:
            self.schema.see(kinds, min(times))
        if is_given_up:
            self._give_up_ahead()

    def take_together(self, frame: Frame, now_s: float | None) -> bool:
        """Put the rows of several blocks into their window, where that is the same as block by block: no event between
        them begins, closes or forgets anything. False: it is not, and nothing is done."""
        first_us, last_us = int(frame.time_us.min()), int(frame.time_us.max())
        index, last = self._calendar.index(np.array([first_us, last_us])).tolist()
        features = frame.group("feature.")
        counts = present(features)
        kinds = _kinds(features, counts)
        is_usual = index == last and self.rows_total > 0 and not self._is_ahead(index)
        if not (is_usual and self.schema.knows(kinds, first_us / 1e6)):
            return False
        before = self.watermark.state()
        # Of one window, and so never so far apart that a few of a block's times would say nothing.
        newest_us = np.maximum.reduceat(frame.time_us, [0, *accumulate(frame.blocks[:-1])]).tolist()
        if any(self.watermark.block(us / 1e6, us / 1e6, now_s) for us in newest_us) or not self._stays_open(index):
            self.watermark.load(before)
            return False
        self.rows_total += frame.rows
        self.latency.add(frame.columns.get("latency_s"))
        if index not in self.windows:
            self._open(index)
        self._put(frame, self.windows[index], counts)
        return True

    def vouch(self, receipts: Sequence[Receipt]) -> None:
        """Let receipts stand in for predictions that are not there; one whose window is sealed says nothing."""
        index = self._calendar.index(np.array([said.time_us for said in receipts], np.int64))
        known_s = self.watermark.value or 0.0
        for number in np.unique(index).tolist():
            window = self._window(number, known_s, 0)
            if window is None:
                continue
            some = [receipts[row] for row in np.flatnonzero(index == number).tolist()]
            window.vouched.offer(some)
            self._join.vouched(window.vouched, [said.id for said in some])

    def count(self) -> None:
        """Count the rows that were gathered; whoever looks into the windows does it first."""
        if self._gathered:
            self._gathered = 0
            form = self.judge.data.form if self.judge and self.judge.data else None
            sampled = daily.sampled_most(self._calendar) if self.judge and self.judge.days else 0
            estimators = self.judge.estimators if self.judge else None
            rules, beside = self._judging.rules, self._cells_beside()
            for window in self.windows.values():
                window.count(self.layout, estimators, form, rules, sampled, beside)

    def settle(self) -> None:
        """Count and join what was gathered."""
        self.count()
        self._join.settle()

    def advance(self) -> list[WindowVerdict]:
        """Close what the watermark has passed, judge again what has changed since; new verdicts, oldest first."""
        now_s = self.watermark.value
        if now_s is None:
            return []
        self.settle()
        self._open_silent(now_s)
        fresh = []
        for window in sorted(self.windows.values(), key=lambda window: window.index):
            if self._calendar.closes_s(window.index) > now_s:
                continue
            final = self._calendar.final_s(window.index) <= now_s
            if not window.closed or window.changed or final:
                fresh.append(self._close(window, final))
        return fresh

    def latest_quality(self) -> QualityVerdict | None:
        """The quality of the newest window whose labels have come; None before there is one."""
        return self._verdicts.latest_quality()

    def revise(self, limit_s: float) -> list[WindowVerdict]:
        """Judge closed windows again that late rows and labels have changed: in turns, oldest first from where the last
        turn ended, until ``limit_s`` is used up, but one at least."""
        self.settle()
        changed = sorted(index for index, window in self.windows.items() if window.closed and window.changed)
        turn = bisect(changed, self._revised)
        self.revised_s = started = time.monotonic()
        fresh = []
        for index in changed[turn:] + changed[:turn]:
            fresh.append(self._close(self.windows[index], final=False))
            self._revised = index
            if time.monotonic() - started >= limit_s:
                break
        return fresh

    def due(self) -> bool:
        """Whether the watermark has passed a window that is still to close, or to become final."""
        now_s = self.watermark.value
        if now_s is None:
            return False
        has_passed = self._passed is not None and self._calendar.closed(now_s) > self._passed
        return has_passed or any(self._due_s(window) <= now_s for window in self.windows.values())

    def day_due(self) -> daily.Due | None:
        """The oldest day whose second opinion is to be asked for, if there is one."""
        now_s = self.watermark.value
        if now_s is None or self.judge is None or self.judge.days is None or self._days_seen == self.verdicts_total:
            return None
        found = self._diary.due(now_s, (_of_day(window) for window in self.windows.values() if window.closed))
        if found is None:
            self._days_seen = self.verdicts_total  # until a window closes or changes, none will be
        return found

    def tell_day(self, due: daily.Due, found: DailyVerdict | None) -> WindowVerdict | None:
        """Take what was found of a day: it is told with the day's last window, which it returns."""
        self._diary.tell(due)
        of_day = [index for index in self._verdicts if self._calendar.day(index) == due.day]
        if found is None or not of_day:
            return None
        index = max(of_day)
        before = self._verdicts[index]
        verdict = replace(before, daily=found, revision=before.revision + 1)
        if index in self.windows:
            self.windows[index].revision = verdict.revision
        self.alarms_total += _raised(verdict, before)
        self.verdicts_total += 1
        self._verdicts.put(index, verdict)
        return verdict

    def latest_day(self) -> WindowVerdict | None:
        """The window with the newest second opinion, while it is of one of the newest two days."""
        told = [index for index in self._verdicts if self._verdicts[index].daily is not None]
        if not told or self._calendar.day(max(self._verdicts)) - self._calendar.day(max(told)) > DAYS_SHOWN:
            return None
        return self._verdicts[max(told)]

    def view(self) -> ModelView:
        """What can be told of it now."""
        return ModelView(
            key=self.key,
            rows_total=self.rows_total,
            labels_total=self.labels_total,
            outcomes_total=self.outcomes_total,
            first_event_s=self.first_event_s,
            last_event_s=self.last_event_s,
            watermark_s=self.watermark.value,
            open_windows=sum(not window.closed for window in self.windows.values()),
            reference=self.judge.about if self.judge else None,
            schema=tuple(self.schema.features.values()),
            changes=tuple(self.schema.changes),
            late_total=self.late_total,
            early_total=self.early_total,
            features={name: known.kind for name, known in self.schema.features.items()},
            verdicts=self._verdicts.ordered(),
        )

    def remember(self, verdict: WindowVerdict) -> None:
        """Take a final window's verdict from the record, where the window was cut as they are now and what is known of
        it here was told from fewer rows: the journal has lost some of its events."""
        index = self._calendar.index_at(verdict.start_s)
        same = (self._calendar.start_s(index), self._calendar.end_s(index)) == (verdict.start_s, verdict.end_s)
        known = self._verdicts.of(index)
        if same and index not in self.windows and (known is None or known.rows < verdict.rows):
            self._verdicts.put(index, verdict)

    def latest(self) -> WindowVerdict | None:
        """The newest closed window's verdict."""
        return self._verdicts.latest()

    def _due_s(self, window: Window) -> float:
        closed = window.closed
        return self._calendar.final_s(window.index) if closed else self._calendar.closes_s(window.index)

    def _open_silent(self, now_s: float) -> None:
        """Windows that have passed without a row, where the weeks before had rows, are windows too: silence is told."""
        newest = self._calendar.closed(now_s)
        if self._passed is not None:
            for index in range(max(self._passed + 1, newest - SILENT_MOST), newest + 1):
                known = index in self.windows or index in self._sealed or index in self._verdicts
                if not known and self._traffic.is_silent(index, self.key.version):
                    self._open(index)
        self._passed = newest if self._passed is None else max(self._passed, newest)

    def _put(self, part: Frame, window: Window, counts: Mapping[str, int]) -> None:
        window.gather(part, counts)
        self._join.predicted(window, part.ids)
        self._traffic.add(window.index, self.key.version, part.rows)
        self._gathered += part.rows
        if self._gathered >= GATHER:
            self.count()
        self._remember_times(part)

    def _remember_times(self, frame: Frame) -> None:
        first, last = int(frame.time_us.min()) / 1e6, int(frame.time_us.max()) / 1e6
        self.first_event_s = first if self.first_event_s is None else min(first, self.first_event_s)
        self.last_event_s = last if self.last_event_s is None else max(last, self.last_event_s)

    def _window(self, index: int, known_s: float, rows: int) -> Window | None:
        """The window of some rows; None, and they are counted, where they come too late or too early."""
        if self._is_late(index, known_s):
            self.late_total += rows
            return None
        if self._is_ahead(index) and not self._has_room_ahead(index):
            self.early_total += rows
            return None
        if index not in self.windows:
            self._open(index)
        return self.windows[index]

    def _stays_open(self, index: int) -> bool:
        """Whether rows of a window are not late and nothing is to be closed, with them and with the watermark as it
        is. What holds now has held since the watermark was behind."""
        now_s = self.watermark.value or 0.0
        closes = index not in self.windows and self._calendar.closes_s(index) <= now_s
        return not (closes or self._is_late(index, now_s) or self.due())

    def _open(self, index: int) -> None:
        window = self.windows[index] = Window(index)
        self._join.open(window, window)
        self._join.open(window.vouched, window)

    def _is_late(self, index: int, known_s: float) -> bool:
        if self._calendar.end_s(index) <= known_s - self._calendar.past_s:
            return True
        if index in self.windows:
            return False
        return (
            index in self._sealed or self._calendar.final_s(index) <= known_s or len(self.windows) >= OPEN_WINDOWS_MOST
        )

    def _is_ahead(self, index: int) -> bool:
        value = self.watermark.value
        return value is not None and self._calendar.start_s(index) > value + self._calendar.future_s

    def _ahead(self) -> list[Window]:
        return [window for window in self.windows.values() if self._is_ahead(window.index)]

    def _has_room_ahead(self, index: int) -> bool:
        ahead = self._ahead()
        is_open = index in self.windows or len(ahead) < AHEAD_WINDOWS_MOST
        return is_open and sum(window.rows for window in ahead) < AHEAD_ROWS_MOST

    def _give_up_ahead(self) -> None:
        for window in self._ahead():
            self.early_total += window.rows
            self._traffic.add(window.index, self.key.version, -window.rows)
            self._forget(window)
            del self.windows[window.index]
        if self.last_event_s is not None and self.watermark.value is not None:
            self.last_event_s = min(self.last_event_s, self.watermark.value)

    def _forget(self, window: Window) -> None:
        self._join.forget(window)
        self._join.forget(window.vouched)

    def _close(self, window: Window, final: bool) -> WindowVerdict:
        first = not window.closed
        if first:
            self.schema.close(self._calendar.start_s(window.index), window.rows, window.present)
        window.revision += not first
        window.closed, window.changed, window.final = True, False, final
        if self._track:
            self._decide(self._track, window)
        verdict = self._judging.verdict(window, self._track.decision(window.index) if self._track else None)
        self.alarms_total += _raised(verdict, self._verdicts.of(window.index))
        self._verdicts.put(window.index, verdict)
        self.verdicts_total += 1
        if final:
            self._seal(window)
        return verdict

    def _decide(self, track: Track, window: Window) -> None:
        before = track.onsets
        for other in track.follow(self._can_change()):
            if other != window.index and other in self.windows:
                self.windows[other].changed = True  # what came late here has changed what was decided there
        self.alarms_total += max(0, track.onsets - before)  # an incident that begins elsewhere now was told before

    def _seal(self, window: Window) -> None:
        if self._track and window.profile is not None:
            self._track.seal(self._closed(window))
        self._diary.seal(_of_day(window))
        rolling = self._judging.rolling
        if rolling is not None and window.profile is not None and window.rows >= self._min_rows:
            closed = self._judging.closed()
            start_s = self._calendar.start_s(window.index)
            rolling.seal(start_s, closed.pop(start_s), closed)
        self._labels_sealed += window.labelled
        self._outcomes_sealed += window.outcomes
        self._forget(window)
        del self.windows[window.index]
        self._sealed.append(window.index)


def _kinds(features: Mapping[str, Values], counts: Mapping[str, int]) -> dict[str, str]:
    """The kinds of the features that have a value."""
    return {name: values.kind for name, values in features.items() if counts[name]}


def _raised(verdict: WindowVerdict, before: WindowVerdict | None) -> bool:
    """Whether a window alarms that did not; of the calibrated policy's incidents the track tells."""
    if verdict.decision is None:
        return bool(verdict.reasons) and not (before and before.reasons)
    return bool(verdict.reasons_beside_features) and not (before and before.reasons_beside_features)


def _of_day(window: Window) -> daily.Closed:
    return daily.Closed(window.index, window.rows, window.sample)
