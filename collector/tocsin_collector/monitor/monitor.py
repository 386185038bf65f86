"""Every model that the collector watches: takes frames in journal order, gives verdicts as windows close."""

import os
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import astuple
from types import MappingProxyType
from typing import Any, NamedTuple

from tocsin_collector import __version__
from tocsin_collector.frame import Frame
from tocsin_collector.keyedhash import KEY_BYTES, KeyedHash
from tocsin_collector.monitor.beside import Named
from tocsin_collector.monitor.daily import Days, Due
from tocsin_collector.monitor.join import Join
from tocsin_collector.monitor.judge import Judge
from tocsin_collector.monitor.model import Model
from tocsin_collector.monitor.reference_file import ReferenceRows
from tocsin_collector.monitor.traffic import Traffic
from tocsin_collector.monitor.windows import Calendar
from tocsin_collector.profile import FORMAT
from tocsin_collector.quality import Stakes, sample
from tocsin_collector.quality.rules import Rules
from tocsin_collector.quality.text.price import Price
from tocsin_collector.verdict import DailyVerdict, ModelKey, ModelView, SchemaChange, WindowVerdict
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


class Look(NamedTuple):
    """A day to be held against a reference; both are never written to, so any thread may do it."""

    key: ModelKey
    reference: Days
    due: Due


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
        prices: Mapping[Name, Price] = MappingProxyType({}),
        stakes: Mapping[Name, Stakes] = MappingProxyType({}),
    ) -> None:
        self.calendar = calendar
        self.clock = clock
        self._keep = keep
        self._min_rows = min_rows
        self._on_verdict = on_verdict
        self._stakes = stakes
        self._hash = KeyedHash(os.urandom(KEY_BYTES))
        self._models: dict[ModelKey, Model] = {}
        self._joins: dict[Name, Join] = {}
        self._rules: dict[Name, Rules] = {}
        self._prices = prices
        self._traffic: dict[Name, Traffic] = {}
        self._rests_until_s = 0.0
        self._looked: dict[ModelKey, int] = {}
        self.unwatched_total = 0

    def remember(self, verdicts: Iterable[WindowVerdict]) -> None:
        """Take what was told of windows before, where the journal has not all of their events any more."""
        for verdict in verdicts:
            if verdict.key in self._models or len(self._models) < MODELS_MOST:
                self._model(verdict.key).remember(verdict)

    def settle(self) -> None:
        """Count and join what was gathered: until the next event, looking changes nothing."""
        for model in self._models.values():
            model.count()
        for join in self._joins.values():
            join.settle()

    def state(self) -> dict[str, Any]:
        """A copy of all that the events have made of it; ``load`` takes it. The references are not in it."""
        self.settle()
        return {
            "fits": self._fits(),
            "key": self._hash.key.hex(),
            "unwatched": self.unwatched_total,
            "joins": [[*name, join.state()] for name, join in self._joins.items()],
            "traffic": [[*name, traffic.state()] for name, traffic in self._traffic.items()],
            "models": [[*key, model.state()] for key, model in self._models.items()],
        }

    def load(self, state: dict[str, Any]) -> bool:
        """Take over what another one knew; this one must not know anything yet but its references. False, and nothing
        is done, when the other one counted otherwise: under other references, in other windows."""
        if state["fits"] != self._fits():
            return False
        held = {key: (model.judge, model.named) for key, model in self._models.items()}
        self._models, self._joins = {}, {}
        self._hash = KeyedHash(bytes.fromhex(state["key"]))
        self.unwatched_total = state["unwatched"]
        for project, name, told in state["joins"]:
            self._join(ModelKey(project, name, "")).load(told)
        self._traffic = {}
        for project, name, told in state["traffic"]:
            self._traffic_of(Name(project, name)).load(told)
        for *names, told in state["models"]:
            model = self._model(ModelKey(*names))
            judge, named = held.get(model.key, (None, {}))
            model.hold(judge)
            model.hold_beside(named)
            model.load(told)
        return True

    def own(self) -> None:
        """Bring back now what of a loaded state only the next event needs; any thread may, while nothing else comes."""
        for join in list(self._joins.values()):
            join.own()

    def _fits(self) -> list[Any]:
        named = [[*m.key, name, one.digest] for m in self.models() for name, one in m.named.items()]
        judged = [[*m.key, m.judge.digest, m.judge.policy is not None] for m in self.models() if m.judge]
        priced = [[*name, *price] for name, price in sorted(self._prices.items())]
        # Another version may count or judge otherwise, and name its fields otherwise.
        ruled = [[*name, rules.digest] for name, rules in sorted(self._rules.items())]
        stated = [
            [
                [*name],
                [list(floor) for floor in one.floors.items()],
                [[*pair, cost] for pair, cost in one.costs.items()],
            ]
            for name, one in self._stakes.items()
        ]
        return [
            __version__,
            FORMAT,
            sample.FORMAT,
            [*astuple(self.calendar)[:-1], list(self.calendar.holidays)],
            self._keep,
            self._min_rows,
            judged,
            named,
            stated,
            ruled,
            priced,
        ]

    def apply(self, frame: Frame, position: int) -> None:  # noqa: ARG002  as the intake gives it
        """Take the accepted events of a block, or of several."""
        if not frame.rows:
            return
        if not self._has_room(frame):
            self.unwatched_total += frame.rows
        elif frame.type == PREDICTION:
            self._predictions(frame)
        elif "receipt" in frame.columns:
            for block in frame.each():
                self._vouch(block)
                self._join(frame.key).came(block)
        else:
            self._join(frame.key).came(frame)

    def tick(self) -> None:
        """Let live streams' time go on, close what is due, judge again what late labels have changed."""
        for model in list(self._models.values()):
            if self.clock is None:
                self._settle(model)
                continue
            model.count()
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

    def day_due(self) -> Look | None:
        """One day of one model that its second opinion is to be asked about, the model that waits longest first."""
        for model in sorted(self._models.values(), key=lambda model: self._looked.get(model.key, 0)):
            due = model.day_due()
            if due is not None and model.judge is not None and model.judge.days is not None:
                self._looked[model.key] = max(self._looked.values(), default=0) + 1
                return Look(model.key, model.judge.days, due)
        return None

    def tell_day(self, look: Look, found: DailyVerdict | None) -> None:
        """Take what was found, unless the model has another reference by now."""
        model = self._models.get(look.key)
        if model is None or model.judge is None or model.judge.days is not look.reference:
            return
        verdict = model.tell_day(look.due, found)
        if verdict is not None:
            self._on_verdict(verdict)

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
        model = self._model(key)
        model.count()  # what came before is counted in the cells of before
        model.hold(judge)

    def set_named(self, key: ModelKey, named: dict[str, Named]) -> None:
        """Give a model version the references by their names that its windows are compared with, in the place of those
        before."""
        model = self._model(key)
        model.count()
        model.hold_beside(named)

    def set_rules(self, name: Name, rules: Rules) -> None:
        """Give all versions of a model the rules that their data must keep, in the place of those before. Rows count
        from here on; the caller replays the journal where those of open windows should count too."""
        self._rules[name] = rules
        for key, model in self._models.items():
            if key[:2] == name:
                model.set_rules(rules)

    def rules(self, name: Name) -> Rules | None:
        """The rules of a model."""
        return self._rules.get(name)

    def models(self) -> Iterable[Model]:
        """The models in the order of their names."""
        return [self._models[key] for key in sorted(self._models)]

    def views(self) -> list[ModelView]:
        """What can be told of every model now."""
        return [model.view() for model in self.models()]

    def changes(self, key: ModelKey) -> Iterable[SchemaChange]:
        """What changed about the features of a model version."""
        return self._models[key].schema.changes if key in self._models else ()

    def unmatched(self) -> dict[Name, tuple[int, int]]:
        """Labels and outcomes by model: how many wait for their prediction, how many were given up."""
        return {name: (join.waiting, join.unmatched_total) for name, join in self._joins.items()}

    def knows(self, type: str, key: ModelKey) -> bool:
        """Whether events of a type have their place already: predictions by version, labels by model."""
        return key in self._models if type == PREDICTION else Name(key.project, key.model) in self._joins

    def _has_room(self, frame: Frame) -> bool:
        return self.knows(frame.type, frame.key) or max(len(self._models), len(self._joins)) < MODELS_MOST

    def _model(self, key: ModelKey) -> Model:
        if key not in self._models:
            name = Name(key.project, key.model)
            traffic = self._traffic_of(name)
            self._models[key] = Model(
                key,
                self.calendar,
                self._join(key),
                traffic,
                keep=self._keep,
                min_rows=self._min_rows,
                stakes=self._stakes.get(name, Stakes()),
                price=self._prices.get(name),
                rules=self._rules.get(name),
            )
        return self._models[key]

    def _traffic_of(self, name: Name) -> Traffic:
        if name not in self._traffic:
            self._traffic[name] = Traffic(self.calendar)
        return self._traffic[name]

    def _join(self, key: ModelKey) -> Join:
        return self._joins.setdefault(Name(key.project, key.model), Join(self._hash))

    def _predictions(self, frame: Frame) -> None:
        model = self._model(frame.key)
        if not (frame.blocks and model.take_together(frame, self.clock() if self.clock else None)):
            for block in frame.each():
                self._block(model, block)

    def _block(self, model: Model, frame: Frame) -> None:
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
