"""The collector as one service: everything is built here. Data flows from intake to journal, monitor, alarms, page."""

import asyncio
import logging
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import cache
from typing import Any

from tocsin_alerts import alerts
from tocsin_collector.alarms import Alarms
from tocsin_collector.alarms.comparison import compared
from tocsin_collector.audit import Folder, Writer
from tocsin_collector.compaction.compaction import compaction
from tocsin_collector.constraints.store import RuleStore
from tocsin_collector.deployments.store import DeploymentStore
from tocsin_collector.doors import usage
from tocsin_collector.doors.counts import Counts
from tocsin_collector.doors.places import Places
from tocsin_collector.doors.quota import Quotas
from tocsin_collector.export import models
from tocsin_collector.export.budget import Budget
from tocsin_collector.export.exposition import Column, Sample, columns
from tocsin_collector.export.metrics import Metrics, process
from tocsin_collector.export.otlp import Otlp
from tocsin_collector.export.remote_write import RemoteWrite
from tocsin_collector.fleet import Fleet
from tocsin_collector.frame import Frame
from tocsin_collector.ingest.checks import Bounds
from tocsin_collector.ingest.intake import Intake, Memory, Windows
from tocsin_collector.ingest.receiptkeys import receipt_keys
from tocsin_collector.ingest.redact import Redaction, key_of
from tocsin_collector.ingest.stored import owner
from tocsin_collector.journal import open_journal
from tocsin_collector.journal.retention import Retention, limits_of
from tocsin_collector.journal.upkeep import Upkeep
from tocsin_collector.logs import open_logs
from tocsin_collector.monitor.beside import Named
from tocsin_collector.monitor.calendar import calendar
from tocsin_collector.monitor.judge import Judge
from tocsin_collector.monitor.model import Model
from tocsin_collector.monitor.monitor import Monitor, Name
from tocsin_collector.monitor.nightly import Nightly
from tocsin_collector.monitor.past import collect
from tocsin_collector.monitor.record import Record
from tocsin_collector.monitor.reference_file import ReferenceRows
from tocsin_collector.monitor.stakes import stakes
from tocsin_collector.notifications import Inbox
from tocsin_collector.quality.rules import Rules
from tocsin_collector.quality.text.price import Price, price
from tocsin_collector.references.store import ReferenceStore
from tocsin_collector.reports.evidently import ReportError
from tocsin_collector.reports.kept import KeptReports
from tocsin_collector.reports.making import Maker
from tocsin_collector.reports.scheduler import Scheduler, plans
from tocsin_collector.servers import TargetsFile, Watch, configured, own_address
from tocsin_collector.servers.ask import Access
from tocsin_collector.servers.discovery import COLLECTOR_JOB, hostport
from tocsin_collector.tracing import Tracing
from tocsin_collector.verdict import ModelKey, ModelView, WindowVerdict
from tocsin_schema.config import ConfigError

_log = logging.getLogger(__name__)


class Service:
    """One collector over one data folder; ``values`` are its settings by path.

    Used from the event loop's thread, which alone changes the monitor; ``views``, ``kinds`` and ``past`` from any.
    """

    def __init__(self, values: dict[str, Any], page_url: str, clock: Callable[[], float] = time.time) -> None:
        folder = values["data_dir"]
        self.values = values
        self.clock = clock
        self.journal = open_journal(os.path.join(folder, "journal"), store=values["journal.store"])
        self.references = ReferenceStore(os.path.join(folder, "references"))
        self.constraints = RuleStore(os.path.join(folder, "constraints"))
        self.record = Record(os.path.join(folder, "windows"), values["windows.keep"])
        self.deployments = DeploymentStore(os.path.join(folder, "deployments"))
        self.logs = open_logs(values)
        self.tracing = Tracing(self.logs)
        self.fleet = Fleet(
            values["agents"],
            values["agents_file"],
            interval_s=values["scrape_interval_s"],
            clock=clock,
            own=self._judged_samples,
        )
        self.alarms = Alarms(
            os.path.join(folder, "alarms"),
            self.fleet,
            targets_file=values["alerting.targets_file"],
            judge=values["alerting.judge"],
            page_url=values["alerting.page_url"] or page_url,
            utc_offset_s=values["windows.utc_offset_s"],
            clock=clock,
        )
        self.inbox = Inbox(
            self.alarms,
            page_url=values["alerting.page_url"] or page_url,
            utc_offset_s=values["windows.utc_offset_s"],
            clock=clock,
        )
        self.scraped = TargetsFile(
            values["prometheus.targets_file"],
            own_address(page_url),
            values["agents"],
            values["agents_file"],
        )
        self.servers = Watch(configured(values, self.logs.state), 2 * values["scrape_interval_s"], clock)
        self.doors = Counts()
        self.quotas = Quotas(values, self.doors, time.monotonic, self._held_bytes)
        self.places = Places(self.quotas, lambda: self.monitor)
        self.audit = Writer(Folder(os.path.join(folder, "audit"), clock))
        self.metrics = Metrics(
            self._watched,
            self._counted,
            Budget(values["metrics.series_per_model"], values["metrics.series_per_project"]),
        )
        self.pushes = self._new_pushes(hostport(own_address(page_url)))
        self._lock = threading.Lock()  # the monitor is changed by the loop's thread and seen by the page's
        self._copied = threading.Lock()  # what is being copied for the snapshot is seen meanwhile, and not changed
        self.monitor = self._new_monitor()
        self._taken_up = False  # whether the windows are those of the snapshot
        self.nightly = Nightly()
        self._taking = asyncio.Lock()  # one reference after the other
        self._meanwhile: list[tuple[Frame, int]] | None = None
        bounds = Bounds(values["ingest.past_s"], values["ingest.future_s"], receipt_keys(values["receipts.keys_file"]))
        self._closing = threading.Event()
        self.maker = Maker(self.past, self.references, values["reports.python"], self._closing.is_set)
        self.reports = KeptReports(
            values["reports.dir"] or os.path.join(folder, "reports"), values["reports.keep"], values["reports.keep_s"]
        )
        self.scheduler = Scheduler(
            plans(values["reports.schedule"]), self.maker, self.reports, values["windows.utc_offset_s"], clock
        )
        self.redaction = Redaction(
            values["ingest.drop_features"], values["ingest.hash_features"], key_of(self.journal.folder.parent)
        )
        self.intake = Intake(
            self.journal,
            self._apply,
            bounds=bounds,
            redaction=self.redaction,
            windows=Windows(self._state, self._load, self._own),
            memory=Memory(self.monitor.calendar.horizon_s, values["ingest.ids_memory_bytes"]),
            clock=clock,
        )
        limits = limits_of(values, self.monitor.calendar.horizon_s)
        self.retention = Retention(self.journal.folder, limits, owner, clock)
        self.compaction = compaction(values, self.journal.folder, clock)
        self.upkeep = Upkeep(self._keep_up, clock)

    def recover(self) -> None:
        """Bring back what was acknowledged: references, then the journal's events through the same way as live ones."""
        with self.tracing.span("recover"):
            self._prepare(self.monitor)
            self.intake.recover()
            if not self._taken_up:
                self.monitor.remember(self.record.load())
                self.record.forget_written()
            self.monitor.go_live(self.clock, self._on_verdict)
            self._tell_newest()

    def close(self) -> None:
        """Release files and threads; the intake must have nothing that waits."""
        self._closing.set()
        self.alarms.stop()
        self.tracing.close()
        self.logs.close()
        self.upkeep.close()
        self.record.close()
        self.nightly.close()
        self.scheduler.close()
        self.journal.close()

    def tick(self) -> None:
        """Let time pass for every model; the monitor is looked up each time, since a new reference replaces it."""
        if self._copied.acquire(blocking=False):  # else the next one does: the loop waits for no copy
            try:
                with self._lock:
                    self.monitor.tick()
                    self.nightly.tick(self.monitor)
                    times = [(one.key, one.first_event_s, one.watermark.value) for one in self.monitor.models()]
                self.scheduler.tick(times)
            finally:
                self._copied.release()
        self.upkeep.tick(self.intake.kept)
        self.intake.holdings.forget(self.retention.first)
        while self.retention.erased:
            self.intake.holdings.erase(*self.retention.erased.popleft())

    def views(self) -> list[ModelView]:
        """What can be told of every model now."""
        with self._lock:
            views = self.monitor.views()
        return [replace(view, deployments=self.deployments.changes(Name(*view.key[:2]))) for view in views]

    def kinds(self, key: ModelKey) -> dict[str, str]:
        """The kinds of a model version's columns as its stream has shown them, by the columns' names."""
        found = next((view.features for view in self.views() if view.key == key), {})
        return {f"feature.{name}": kind for name, kind in found.items()}

    def past(self, key: ModelKey, start_us: int, end_us: int) -> ReferenceRows:
        """A span of a model version's own rows, from the journal: reads all of it, so give it a thread."""
        return collect(self._until_closed(), key, start_us, end_us)

    def _until_closed(self) -> Iterator[Frame]:
        for accepted, _ in self.intake.journalled():
            if self._closing.is_set():
                raise ReportError("it was ended: the collector stops")
            yield accepted

    async def keep_reference(self, rows: ReferenceRows, name: str, source: str) -> dict[str, object]:
        """Keep a reference to compare with, durably; windows alarm as before, and are compared with it."""
        key = rows.frame.key
        rows = replace(rows, frame=self.redaction.frame(rows.frame))
        async with self._taking:
            about = await asyncio.to_thread(self.references.keep, rows, name, source)
            await self._compare(key)
        return about

    async def remove_reference(self, key: ModelKey, name: str) -> bool:
        """Drop the references of a name, durably; False where there are none."""
        async with self._taking:
            found = await asyncio.to_thread(self.references.remove, key, name)
            if found:
                await self._compare(key)
        return found

    def _has_rows(self, is_meant: Callable[[ModelKey], bool]) -> bool:
        """Whether events of such a model version came: what holds anew counts them anew."""
        return any(model.rows_total for model in self.monitor.models() if is_meant(model.key))

    async def _compare(self, key: ModelKey) -> None:
        """Compare windows with what has a name now: those that came before, too, as after a restart."""
        if self._has_rows(lambda one: one == key):
            await self._rebuild()
        else:
            named = await asyncio.to_thread(self._named, key)
            with self._copied, self._lock:
                self.monitor.set_named(key, named)

    async def take_reference(self, rows: ReferenceRows, source: str) -> dict[str, object]:
        """Make a reference hold, durably. Events that came before are counted anew in its cells."""
        key = rows.frame.key
        rows = replace(rows, frame=self.redaction.frame(rows.frame))
        async with self._taking:
            with self.tracing.span("take reference", model="/".join(key), rows=rows.frame.rows):
                held, about = await asyncio.to_thread(self.references.put, rows, source)
                judge = await asyncio.to_thread(self._judge, held, about)
                if self._has_rows(lambda one: one == key):
                    await self._rebuild()
                else:
                    with self._copied, self._lock:
                        self.monitor.set_judge(key, judge)
        return judge.about

    def _keep_up(self, until: int) -> Iterator[None]:
        for view in self.views():  # first: what goes after it must be on record
            yield from self.record.put(view.verdicts)
        if self.compaction is not None:
            yield from self.compaction.look()
            until = min(until, self.compaction.until)
        yield from self.retention.look(until)

    async def take_rules(self, name: Name, raw: bytes) -> Rules:
        """Make a file of rules hold for all versions of a model, durably. Events that came before are counted anew.
        Raises RuleError."""
        async with self._taking:
            with self.tracing.span("take rules", model="/".join(name), bytes=len(raw)):
                rules = await asyncio.to_thread(self.constraints.put, name, raw)
                if self._has_rows(lambda one: one[:2] == name):
                    await self._rebuild()
                else:
                    with self._copied, self._lock:
                        self.monitor.set_rules(name, rules)
        return rules

    def rules(self, name: Name) -> Rules | None:
        """The rules of a model."""
        return self.monitor.rules(name)

    def _new_pushes(self, instance: str) -> dict[str, RemoteWrite | Otlp]:
        """The pushes that are configured, by their tables."""
        values, found = self.values, dict[str, RemoteWrite | Otlp]()
        if values["remote_write.url"]:
            target = {"job": COLLECTOR_JOB, "instance": instance}
            access, version = self._access("remote_write"), values["remote_write.version"]
            found["remote_write"] = RemoteWrite(self.metrics, access, target, version=version, clock=self.clock)
        if values["otlp.url"]:
            resource = {"service.name": COLLECTOR_JOB, "service.instance.id": instance}
            found["otlp"] = Otlp(self.metrics, self._access("otlp"), resource, clock=self.clock)
        return found

    def _access(self, name: str) -> Access:
        keys = ("url", "token_file", "username", "password_file", "ca_file")
        return Access(name, **{key: self.values[f"{name}.{key}"] for key in keys})

    def _held_bytes(self, project: str) -> int:
        return self.intake.holdings.size_bytes()[project]

    def _watched(self) -> Iterable[Model]:
        return self.monitor.models()  # of the monitor that is there now

    async def _judged_samples(self) -> Iterable[Sample]:
        return await self.metrics.samples(_judged())

    def _counted(self) -> Iterable[Column]:
        with self._lock:
            found = [*models.totals(self.monitor.models()), *models.joins(self.monitor.unmatched())]
        yield from found
        yield from columns(self._samples())

    def _samples(self) -> Iterable[Sample]:
        yield from self.intake.samples()
        yield Sample("tocsin_journal_size_bytes", {}, self.retention.size_bytes)
        yield Sample("tocsin_journal_dropped_bytes_total", {}, self.retention.dropped_bytes_total)
        yield Sample("tocsin_journal_upkeep_errors_total", {}, self.upkeep.failed_total)
        if self.compaction is not None:
            yield from self.compaction.samples()
        yield Sample("tocsin_events_unwatched_total", {}, self.monitor.unwatched_total)
        yield from self.nightly.samples()
        yield from self.scheduler.samples()
        yield from self.doors.samples()
        yield from usage.samples(self.quotas, self.intake.holdings.size_bytes(), self.places.used())
        yield from self.audit.samples()
        yield from self.fleet.samples()
        yield from self.logs.samples()
        yield from self.tracing.samples()
        yield from self.alarms.samples()
        yield from self.inbox.samples()
        yield from self.servers.samples()
        for push in self.pushes.values():
            yield from push.samples()
        yield from process()

    def _new_monitor(self) -> Monitor:
        values = self.values
        return Monitor(
            calendar(values),
            keep=values["windows.keep"],
            min_rows=values["drift.min_rows"],
            prices=prices(values["text.prices"]),
            on_verdict=_tell_nobody,  # what the journal tells again was told before
            stakes=stakes(values),
        )

    def _apply(self, accepted: Frame, position: int) -> None:
        if self._meanwhile is not None:
            self._meanwhile.append((accepted, position))
        with self._lock:
            self.monitor.apply(accepted, position)

    def _state(self) -> dict[str, Any]:
        monitor = self.monitor
        with self._copied:
            with self._lock:
                monitor.settle()
            return monitor.state()

    def _load(self, state: dict[str, Any]) -> bool:
        self._taken_up = self.monitor.load(state)  # not before its references
        return self._taken_up

    def _own(self) -> None:
        with self._copied:
            self.monitor.own()

    def _on_verdict(self, verdict: WindowVerdict) -> None:
        name, reasons = "/".join(verdict.key), len(verdict.reasons)
        with self.tracing.span("verdict", model=name, rows=verdict.rows, reasons=reasons):
            changes = [*self.monitor.changes(verdict.key), *self.deployments.changes(Name(*verdict.key[:2]))]
            self.alarms.verdict(verdict.key, verdict, changes)

    def _tell_newest(self) -> None:
        """What the journal's end left to tell. Newest first: of data, drift and quality the newest window that can tell
        counts, older ones change nothing; labels come late, so that is not the same window for all three."""
        for view in self.views():
            for verdict in reversed(view.verdicts):
                self.alarms.verdict(verdict.key, verdict, [*view.changes, *view.deployments])

    async def _rebuild(self) -> None:
        """Count everything anew in a thread, while the monitor that is there goes on; then take its place."""
        self._meanwhile = []
        try:
            # What is durable and not applied yet is still to come: it must not be found in the journal too.
            fresh = await asyncio.to_thread(self._counted_anew, self.intake.applied)
            for accepted, position in self._meanwhile:
                _apply_to(fresh, accepted, position)
        finally:
            self._meanwhile = None
        fresh.go_live(self.clock, self._on_verdict)
        with self._lock:
            self.monitor = fresh
        self.record.forget_written()
        self._tell_newest()

    def _counted_anew(self, until: int) -> Monitor:
        fresh = self._new_monitor()
        self._prepare(fresh)
        for accepted, position in self.intake.journalled(until):
            _apply_to(fresh, accepted, position)
        fresh.remember(self.record.load())  # what the journal cannot tell any more
        return fresh

    def _prepare(self, monitor: Monitor) -> None:
        """Give a new monitor what its models are held against."""
        for name, rules in self.constraints.load():
            monitor.set_rules(name, rules)
        for rows, about in self.references.load():
            monitor.set_judge(rows.frame.key, self._judge(rows, about))
        for key in self.references.models():
            monitor.set_named(key, self._named(key))

    def _named(self, key: ModelKey) -> dict[str, Named]:
        return {name: Named.of(hours, self.monitor.calendar) for name, hours in self.references.compared(key).items()}

    def _judge(self, rows: ReferenceRows, about: dict[str, object]) -> Judge:
        calibrated = self.values["drift.policy"] == "calibrated"
        return Judge.fit(rows, self.monitor.calendar, about, calibrated=calibrated)


@cache
def _judged() -> frozenset[str]:
    return frozenset(compared(alerts().values()))


def prices(lines: Iterable[str]) -> dict[Name, Price]:
    """The prices of the configuration by model. Raises ConfigError."""
    try:
        return {Name(*name): found for name, found in map(price, lines)}
    except ValueError as error:
        raise ConfigError([f"text.prices: {error}"]) from None


def _tell_nobody(verdict: WindowVerdict) -> None:
    del verdict


def _apply_to(monitor: Monitor, accepted: Frame, position: int) -> None:
    try:
        monitor.apply(accepted, position)
    except Exception:  # as when it came first: counted then, and nothing else suffers
        _log.exception("apply_failed position=%d model=%s", position, "/".join(accepted.key))
