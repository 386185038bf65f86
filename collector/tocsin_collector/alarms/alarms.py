"""Alarms as a whole: judge, remember, tell. One lock orders judgements; deliveries run beside."""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import tocsin_alerts
from tocsin_alerts import Alert
from tocsin_collector.alarms import messages
from tocsin_collector.alarms.comparison import holding
from tocsin_collector.alarms.delivery import Delivery, Targets
from tocsin_collector.alarms.state import FIRING, PENDING, RESOLVED, Alarm, Key, Labels, step
from tocsin_collector.alarms.store import AlarmStore
from tocsin_collector.alarms.text import Message, body, clock, title
from tocsin_collector.alarms.window import conditions
from tocsin_collector.drift.explain import around, since
from tocsin_collector.drift.standing import standings, told
from tocsin_collector.export.exposition import Sample
from tocsin_collector.fleet.fleet import Fleet
from tocsin_collector.verdict import ModelKey, SchemaChange, WindowVerdict

COLLECTOR = "collector"
"""The judge that sends messages by itself; others send theirs through /v1/notifications."""


@dataclass(frozen=True, slots=True)
class TargetView:
    """One target of messages, without its secrets."""

    shown: str
    delivered: int
    waiting: int
    failed: int
    error: str


class Alarms:
    """The collector's own alarms. ``start`` before use, ``stop`` at the end; everything is safe from any thread."""

    def __init__(
        self,
        data_dir: str,
        fleet: Fleet,
        *,
        targets_file: str = "",
        judge: str = COLLECTOR,
        page_url: str = "",
        utc_offset_s: float = 0.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.judge = judge
        self._alerts = tocsin_alerts.alerts()
        self._fleet = fleet
        self._page_url = page_url.rstrip("/")
        self._utc_offset_s = utc_offset_s
        self._clock = clock
        self._store = AlarmStore(data_dir)
        self._targets = Targets(targets_file)
        self._delivery = Delivery(self._store, self._targets, clock)
        self._lock = threading.RLock()
        self._live = self._store.live()
        self._judged = self._store.judged()
        self._failures = 0
        self._evaluated_s = 0.0

    def start(self) -> None:
        """Begin to deliver."""
        self._delivery.start()

    def stop(self) -> None:
        """Finish the delivery under way and release the files."""
        self._delivery.stop()
        self._store.close()

    async def run(self, interval_s: float = 5.0) -> None:
        """Evaluate the comparisons at every beat until cancelled."""
        while True:
            await asyncio.to_thread(self.evaluate)
            await asyncio.sleep(interval_s)

    # --- judging ------------------------------------------------------------------------------------------------------

    def evaluate(self) -> None:
        """Judge every comparison of the catalogue on what the fleet shows now."""
        for alert in self._alerts.values():
            if alert.comparison is None:
                continue
            try:
                self._judge_comparison(alert)
            except Exception as error:  # one alert's fault must not silence the others
                self._failures += 1
                logging.getLogger(__name__).warning("alert_evaluation_failed alert=%s error=%s", alert.name, error)
        self._evaluated_s = self._clock()

    def _judge_comparison(self, alert: Alert) -> None:
        assert alert.comparison is not None  # noqa: S101  # for the type checker
        seen = {
            (alert.name, labels): Alarm(alert.name, alert.severity, labels, PENDING, 0.0, value=value)
            for labels, value in holding(alert.comparison, self._fleet).items()
        }
        with self._lock:
            silent = self._fleet.gone()
            for key in [key for key in self._live if key[0] == alert.name and key not in seen]:
                # A host that does not answer says nothing of its memory: its alarms wait for it.
                if dict(key[1]).get("instance") not in silent:
                    self._step([(key, None, alert.for_s)])
            for key, alarm in seen.items():
                self._step([(key, alarm, alert.for_s)])

    def verdict(self, view: ModelKey, verdict: WindowVerdict, changes: Iterable[SchemaChange] = ()) -> None:
        """Judge one closed window of a model; older windows than the newest judged one change nothing.

        What begins (or ends) with one window is told in one message, the data's reasons before the model's, with those
        of the changes that happened about then.
        """
        labels = tuple(sorted((name, value) for name, value in view._asdict().items() if value))
        steps: list[tuple[Key, Alarm | None, float]] = []
        judged: list[tuple[Key, float]] = []
        found = conditions(verdict)
        happened = [f"{clock(one.time_s)}: {one.text}" for one in around(changes, since(verdict), verdict)]
        beside = (*map(told, standings(verdict)), *happened)
        with self._lock:
            for alert in self._window_alerts(found):
                key = (alert.name, labels)
                if verdict.end_s < self._judged.get(key, float("-inf")):
                    continue
                reasons, window = found[alert.window], (verdict.start_s, verdict.end_s)
                seen = Alarm(
                    alert.name, alert.severity, labels, PENDING, 0.0, reasons=reasons, window=window, beside=beside
                )
                steps.append((key, seen if reasons else None, alert.for_s))
                if self._judged.get(key) != verdict.end_s:
                    judged.append((key, verdict.end_s))
            self._step(steps, judged)

    def _window_alerts(self, kinds: Iterable[str]) -> list[Alert]:
        wanted = list(kinds)
        found = [alert for alert in self._alerts.values() if alert.window in wanted and alert.window]
        return sorted(found, key=lambda alert: wanted.index(alert.window))

    def _step(self, steps: Sequence[tuple[Key, Alarm | None, float]], judged: Sequence[tuple[Key, float]] = ()) -> None:
        """Take alarms of one subject forward; keep and tell what changed."""
        now = self._clock()
        changed: list[Alarm] = []
        ended: list[Key] = []
        for key, seen, for_s in steps:
            known = self._live.get(key)
            alarm = step(known, seen, now, for_s)
            if alarm is None:
                ended += [key] if known else []
            elif known is None or alarm.state != known.state or alarm.reasons != known.reasons:
                changed.append(alarm)
            else:
                self._live[key] = alarm  # only its value moved: nothing to keep
        if changed or ended or judged:
            self._keep(changed, ended, judged, now)

    def _keep(self, changed: list[Alarm], ended: list[Key], judged: Sequence[tuple[Key, float]], now: float) -> None:
        told = [_written(message) for message in self._messages(changed)] if self.judge == COLLECTOR else []
        self._store.save(changed, ended, judged, told, self._to(told), now)
        for key in ended + [alarm.key for alarm in changed if alarm.state == RESOLVED]:
            self._live.pop(key, None)
        self._live.update((alarm.key, alarm) for alarm in changed if alarm.state != RESOLVED)
        self._judged.update(judged)
        if told:
            self._delivery.wake()

    def _to(self, told: Sequence[tuple[str, str, str]]) -> list[str]:
        return [target.key for target in self._targets.read()] if told else []

    def _messages(self, changed: list[Alarm]) -> list[Message]:
        began = [alarm for alarm in changed if alarm.state == FIRING and not self._fires(alarm.key)]
        over = [alarm for alarm in changed if alarm.state == RESOLVED]
        made: list[Message] = []
        if began:
            made.append(messages.firing(began, self._alerts, self._page_url, self._utc_offset_s))
        if over:
            made.append(messages.resolved(over, self._page_url, self._utc_offset_s))
        return made

    def _fires(self, key: Key) -> bool:
        known = self._live.get(key)
        return known is not None and known.state == FIRING

    # --- what others judged -------------------------------------------------------------------------------------------

    def known(self, key: Key, since_s: float) -> Alarm | None:
        """The collector's own alarm of a key: the one that fires, or else one that was not over at a time."""
        with self._lock:
            live = self._live.get(key)
        if live is not None and live.state == FIRING:
            return live
        ended = self._store.newest(key)
        return ended if ended is not None and (ended.resolved_s or 0.0) >= since_s else None

    def marked(self, marks: Sequence[str]) -> dict[str, float]:
        """When received alerts with these marks were told, if they were."""
        return self._store.marked(marks)

    def post(self, made: Sequence[Message], marks: Sequence[str]) -> None:
        """Put messages into the queue of every target and mark what they tell; durable on return."""
        told = [_written(message) for message in made]
        self._store.save((), messages=told, targets=self._to(told), now=self._clock(), marks=marks)
        if told:
            self._delivery.wake()

    # --- reading ------------------------------------------------------------------------------------------------------

    def firing(self) -> list[Alarm]:
        """Alarms that fire, the worst first, then the newest."""
        return self._sorted(FIRING)

    def pending(self) -> list[Alarm]:
        """Alarms whose condition holds, but not yet long enough."""
        return self._sorted(PENDING)

    def _sorted(self, state: str) -> list[Alarm]:
        with self._lock:
            found = [alarm for alarm in self._live.values() if alarm.state == state]
        return sorted(found, key=lambda alarm: (-messages.SEVERITIES.index(alarm.severity), -alarm.since_s, alarm.key))

    def history(self, limit: int = 100) -> list[Alarm]:
        """Alarms that ended, the newest first."""
        return self._store.history(limit)

    def headline(self, alarm: Alarm) -> str:
        """An alarm in one sentence."""
        return messages.headline(alarm, self._alerts)

    def of(self, labels: Labels) -> list[Alarm]:
        """Firing alarms that have all these labels."""
        return [alarm for alarm in self.firing() if set(labels) <= set(alarm.labels)]

    def targets(self) -> list[TargetView]:
        """Where messages go and how that fares."""
        tallies = self._store.tallies()
        views = []
        for target in self._targets.read():
            counts = tallies.get(target.key, {})
            done, waiting, failed = (counts.get(state, 0) for state in ("delivered", "waiting", "failed"))
            views.append(TargetView(target.shown, done, waiting, failed, self._store.last_error(target.key)))
        return views

    @property
    def targets_fault(self) -> str:
        """Why the targets file cannot be read, or empty."""
        self._targets.read()
        return self._targets.fault

    def samples(self) -> Iterator[Sample]:
        """The alarms' own metrics."""
        with self._lock:
            firing = [alarm.alert for alarm in self._live.values() if alarm.state == FIRING]
        for alert in self._alerts.values():
            if not alert.needs_prometheus:
                labels = {"alertname": alert.name, "severity": alert.severity}
                yield Sample("tocsin_alerts_firing", labels, firing.count(alert.name))
        for outcome, count in self._delivery.counts.items():
            yield Sample("tocsin_notifications_total", {"outcome": outcome}, count)
        waiting = sum(counts.get("waiting", 0) for counts in self._store.tallies().values())
        yield Sample("tocsin_notifications_waiting", {}, waiting)
        yield Sample("tocsin_alert_evaluation_failures_total", {}, self._failures)
        yield Sample("tocsin_alert_evaluation_timestamp_seconds", {}, self._evaluated_s)


def _written(message: Message) -> tuple[str, str, str]:
    return message.kind, title(message), body(message)
