"""The collector as one service: everything is built here. Data flows from intake to journal, monitor, alarms, page."""

import os
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from tocsin_collector.alarms import Alarms
from tocsin_collector.export import exposition, models
from tocsin_collector.export.exposition import Sample
from tocsin_collector.fleet import Fleet
from tocsin_collector.frame import Frame, frame
from tocsin_collector.ingest.checks import Bounds
from tocsin_collector.ingest.intake import BLOCK_RECORD, Intake
from tocsin_collector.journal import open_journal
from tocsin_collector.logs import LogStore
from tocsin_collector.monitor.monitor import Monitor
from tocsin_collector.monitor.past import collect
from tocsin_collector.monitor.reference_file import ReferenceRows
from tocsin_collector.monitor.windows import Calendar
from tocsin_collector.references.store import ReferenceStore
from tocsin_collector.tracing import Tracing
from tocsin_collector.verdict import ModelKey, ModelView, WindowVerdict
from tocsin_schema.block import decode


class Service:
    """One collector over one data folder; ``values`` are its settings by path. Used from the event loop's thread."""

    def __init__(self, values: dict[str, Any], page_url: str, clock: Callable[[], float] = time.time) -> None:
        folder = values["data_dir"]
        self.values = values
        self.clock = clock
        self.journal = open_journal(os.path.join(folder, "journal"))
        self.references = ReferenceStore(os.path.join(folder, "references"))
        self.logs = LogStore(os.path.join(folder, "logs"), values["logs.keep_records"])
        self.tracing = Tracing(self.logs)
        self.fleet = Fleet(
            values["agents"],
            values["agents_file"],
            interval_s=values["scrape_interval_s"],
            clock=clock,
            own=self.metrics,
        )
        self.alarms = Alarms(
            os.path.join(folder, "alarms"),
            self.fleet,
            targets_file=values["alerting.targets_file"],
            page_url=values["alerting.page_url"] or page_url,
            utc_offset_s=values["windows.utc_offset_s"],
            clock=clock,
        )
        self.monitor = self._new_monitor()
        self.intake = Intake(
            self.journal, self._apply, bounds=Bounds(values["ingest.past_s"], values["ingest.future_s"]), clock=clock
        )
        self._recovering = True

    def recover(self) -> None:
        """Bring back what was acknowledged: references, then the journal's events through the same way as live ones."""
        with self.tracing.span("recover"):
            for rows, about in self.references.load():
                self.monitor.set_reference(rows.frame.key, rows, about)
            self.intake.recover()
            self._go_live()

    def close(self) -> None:
        """Release files and threads; the intake must have nothing that waits."""
        self.alarms.stop()
        self.tracing.close()
        self.logs.close()
        self.journal.close()

    def tick(self) -> None:
        """Let time pass for every model; the monitor is looked up each time, since a new reference replaces it."""
        self.monitor.tick()

    def views(self) -> list[ModelView]:
        """What can be told of every model now."""
        return self.monitor.views()

    def kinds(self, key: ModelKey) -> dict[str, str]:
        """The kinds of a model version's features as its stream has shown them."""
        return next((view.features for view in self.views() if view.key == key), {})

    def past(self, key: ModelKey, start_us: int, end_us: int) -> ReferenceRows:
        """A span of a model version's own rows, from the journal."""
        return collect(self._journalled(), key, start_us, end_us)

    def take_reference(self, rows: ReferenceRows, source: str) -> dict[str, object]:
        """Make a reference hold, durably. Events that came before are counted anew in its cells."""
        with self.tracing.span("take reference", model="/".join(rows.frame.key), rows=rows.frame.rows):
            about = self.references.put(rows, source)
            if any(view.rows_total for view in self.views() if view.key == rows.frame.key):
                self._rebuild()
            else:
                self.monitor.set_reference(rows.frame.key, rows, about)
        return about

    def metrics(self) -> bytes:
        """The text of /metrics."""
        return exposition.render(self._samples()) + exposition.process()

    def _samples(self) -> Iterable[Sample]:
        yield from (Sample(item.metric.name, item.labels, item.value) for item in self.intake.samples())
        yield from models.samples(self.monitor.models())
        yield from models.joins(self.monitor.unmatched())
        yield from self.fleet.samples()
        yield from self.logs.samples()
        yield from self.alarms.samples()

    def _new_monitor(self) -> Monitor:
        values = self.values
        calendar = Calendar(
            values["windows.length_s"],
            values["windows.utc_offset_s"],
            values["windows.lateness_s"],
            values["windows.label_wait_s"],
        )
        return Monitor(
            calendar,
            keep=values["windows.keep"],
            min_rows=values["drift.min_rows"],
            on_verdict=self._on_verdict,
        )

    def _apply(self, accepted: Frame, position: int) -> None:
        self.monitor.apply(accepted, position)

    def _on_verdict(self, verdict: WindowVerdict) -> None:
        # What the journal tells again was told before; the newest verdicts are handed over once, at the end.
        if not self._recovering:
            name, reasons = "/".join(verdict.key), len(verdict.reasons)
            with self.tracing.span("verdict", model=name, rows=verdict.rows, reasons=reasons):
                self.alarms.verdict(verdict.key, verdict)

    def _go_live(self) -> None:
        self.monitor.tick()
        self.monitor.clock = self.clock
        self._recovering = False
        for model in self.monitor.models():
            latest = model.latest()
            if latest is not None:
                self._on_verdict(latest)

    def _rebuild(self) -> None:
        self._recovering = True
        self.monitor = self._new_monitor()
        for rows, about in self.references.load():
            self.monitor.set_reference(rows.frame.key, rows, about)
        for accepted, position in self._journalled_at():
            self.monitor.apply(accepted, position)
        self._go_live()

    def _journalled(self) -> Iterator[Frame]:
        return (accepted for accepted, _ in self._journalled_at())

    def _journalled_at(self) -> Iterator[tuple[Frame, int]]:
        # What is durable and not applied yet reaches the monitor by the intake, so it must not come from here too.
        for position, kind, payload in self.journal.replay(self.intake.applied):
            if kind == BLOCK_RECORD:
                yield frame(decode(payload)), position
