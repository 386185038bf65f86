"""Every model that the collector watches: takes frames in journal order, gives verdicts as windows close."""

import time
from collections.abc import Callable, Container, Iterable
from typing import NamedTuple

from tocsin_collector.frame import Frame
from tocsin_collector.monitor.join import Join
from tocsin_collector.monitor.judge import Judge
from tocsin_collector.monitor.model import Model
from tocsin_collector.monitor.reference_file import ReferenceRows
from tocsin_collector.monitor.windows import Calendar
from tocsin_collector.verdict import ModelKey, ModelView, WindowVerdict
from tocsin_schema.block import PREDICTION
from tocsin_schema.receipt import Receipt, read

MODELS_MOST = 1_000
"""Model versions that are watched, and models whose labels are joined. Events of further ones are in the journal, but
not in windows; they are counted. A version that has a reference always has its place."""
TURN_S, REST = 0.05, 9
"""Judging again takes turns of about so long (one window's time at least), and rests so many times as long."""


class Name(NamedTuple):
    """A model whatever its version: labels are joined here, since they do not know which version answered."""

    project: str
    model: str


class Monitor:
    """All models. Single-threaded: ``apply``, ``tick`` and ``set_reference`` are called from one thread.

    ``on_verdict`` is called once for each new or revised verdict of a closed window, oldest first.
    ``clock`` gives seconds since the epoch; None while the journal is replayed, when nobody waits for the present.
    """

    def __init__(
        self,
        calendar: Calendar,
        *,
        keep: int,
        min_rows: int,
        on_verdict: Callable[[WindowVerdict], None],
        clock: Callable[[], float] | None = None,
    ) -> None:
        self.calendar = calendar
        self.clock = clock
        self._keep = keep
        self._min_rows = min_rows
        self._on_verdict = on_verdict
        self._models: dict[ModelKey, Model] = {}
        self._joins: dict[Name, Join] = {}
        self._rests_until_s = 0.0
        self.unwatched_total = 0

    def apply(self, frame: Frame, position: int) -> None:  # noqa: ARG002  the position becomes the snapshot's mark
        """Take one block of accepted events."""
        if not frame.rows:
            return
        if not self._has_room(frame):
            self.unwatched_total += frame.rows
        elif frame.type == PREDICTION:
            self._predictions(frame)
        else:
            if "receipt" in frame.columns:
                self._vouch(frame)
            self._join(frame.key).came(frame)

    def tick(self) -> None:
        """Let live streams' time go on, close what is due, judge again what late labels have changed."""
        for model in list(self._models.values()):
            if self.clock is None:
                self._settle(model)
                continue
            model.watermark.tick(self.clock())
            if model.due():
                self._settle(model)
        if self.clock is not None:
            self._revise()

    def _revise(self) -> None:
        """Judge changed windows again in short turns with rests between: a label a second in each of a day's windows
        would otherwise keep this thread, which also takes the events, busy with nothing else."""
        started = time.monotonic()
        if started < self._rests_until_s:
            return
        for model in sorted(self._models.values(), key=lambda model: model.revised_s):
            left = TURN_S - (time.monotonic() - started)
            if left <= 0:
                break
            for verdict in model.revise(left):
                self._on_verdict(verdict)
        now = time.monotonic()
        self._rests_until_s = now + REST * (now - started)

    def go_live(self, clock: Callable[[], float], on_verdict: Callable[[WindowVerdict], None]) -> None:
        """The journal is told: judge what it left to judge, and from here on follow the clock and tell verdicts."""
        self.tick()
        for model in self._models.values():
            model.watermark.resume(clock())
        self.clock, self._on_verdict = clock, on_verdict

    def set_reference(self, key: ModelKey, rows: ReferenceRows, about: dict[str, object]) -> None:
        """Learn a reference and let it hold."""
        self.set_judge(key, Judge.fit(rows, self.calendar, about))

    def set_judge(self, key: ModelKey, judge: Judge) -> None:
        """Give a model version its reference. Windows count from here on in its cells; the caller replays the journal
        into a new monitor when windows that are open already should be counted so too."""
        self._model(key).judge = judge

    def models(self) -> Iterable[Model]:
        """The models in the order of their names."""
        return [self._models[key] for key in sorted(self._models)]

    def views(self) -> list[ModelView]:
        """What can be told of every model now."""
        return [model.view() for model in self.models()]

    def unmatched(self) -> dict[Name, tuple[int, int]]:
        """Labels and outcomes by model: how many wait for their prediction, how many were given up."""
        return {name: (join.waiting, join.unmatched_total) for name, join in self._joins.items()}

    def _has_room(self, frame: Frame) -> bool:
        known: Container[tuple[str, ...]] = self._models if frame.type == PREDICTION else self._joins
        key = frame.key if frame.type == PREDICTION else Name(frame.key.project, frame.key.model)
        return key in known or max(len(self._models), len(self._joins)) < MODELS_MOST

    def _model(self, key: ModelKey) -> Model:
        if key not in self._models:
            self._models[key] = Model(key, self.calendar, self._join(key), self._keep, self._min_rows)
        return self._models[key]

    def _join(self, key: ModelKey) -> Join:
        return self._joins.setdefault(Name(key.project, key.model), Join())

    def _predictions(self, frame: Frame) -> None:
        model = self._model(frame.key)
        if not model.rows_total:
            self._follow(model, int(frame.time_us.min()) / 1e6)
        model.take(frame, self.clock() if self.clock else None)
        # Windows close here and not only at a tick, so that a replay of the journal seals them at the same events.
        if model.due():
            self._settle(model)

    def _vouch(self, frame: Frame) -> None:
        """Receipts of labels, checked when they came in: each speaks for a row of the version that it names."""
        receipts: dict[str, list[Receipt]] = {}
        for token in frame.columns["receipt"].texts():
            if token is not None:
                said = read(token)
                receipts.setdefault(said.version, []).append(said)
        for version, some in receipts.items():
            key = frame.key._replace(version=version)
            if key in self._models or len(self._models) < MODELS_MOST:
                self._model(key).vouch(some)

    def _follow(self, model: Model, time_s: float) -> None:
        """Where other versions of the model have events: this one follows that which has the newest."""
        others = [one for key, one in self._models.items() if key[:2] == model.key[:2] and one.last_event_s is not None]
        if others:
            earlier = max(others, key=lambda one: (one.last_event_s or 0.0, one.key))
            model.schema.follow(earlier.schema, earlier.key.version, time_s)

    def _settle(self, model: Model) -> None:
        for verdict in model.advance():
            self._on_verdict(verdict)
        if model.watermark.value is not None:
            self._join(model.key).expire(int((model.watermark.value - self.calendar.horizon_s) * 1e6))
