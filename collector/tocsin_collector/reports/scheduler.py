"""Reports that are made by themselves: one at a time, in a thread of its own, Evidently's in its child process."""

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from zlib import crc32

from tocsin_collector.export.exposition import Sample
from tocsin_collector.monitor.reference_file import ReferenceFileError
from tocsin_collector.reports.evidently import ReportError
from tocsin_collector.reports.kept import EMPTY, FAILED, MADE, Entry, KeptReports
from tocsin_collector.reports.making import Maker, NoReferenceError
from tocsin_collector.reports.schedule import Plan, Span, due, plan
from tocsin_collector.tables import TableError
from tocsin_collector.verdict import ModelKey
from tocsin_schema.config import ConfigError

_log = logging.getLogger(__name__)


Timed = tuple[ModelKey, float | None, float | None]


class Job(NamedTuple):
    """One report that is due."""

    key: ModelKey
    plan: Plan
    span: Span


class Scheduler:
    """``tick`` gets the models with the time of their first event and their watermark, None before there are any.
    Each report is tried once; why it failed is kept in its place."""

    def __init__(
        self, plans: Sequence[Plan], maker: Maker, kept: KeptReports, offset_s: float, clock: Callable[[], float]
    ) -> None:
        self._plans, self._maker, self._kept, self._offset_s, self._clock = plans, maker, kept, offset_s, clock
        self._thread = ThreadPoolExecutor(1, "tocsin-reports")
        self._making: Future[None] | None = None
        self._followed: dict[tuple[ModelKey, Plan], float | None] = {}
        self._outcomes: Counter[str] = Counter({MADE: 0, EMPTY: 0, FAILED: 0})
        self._seconds = 0.0

    def tick(self, models: Iterable[Timed]) -> None:
        """Begin the next report that is due, when none is being made."""
        if not self._plans or (self._making is not None and not self._making.done()):
            return
        job = next(self._due(models), None)
        if job is not None:
            self._followed[job.key, job.plan] = job.span.end_s
            self._making = self._thread.submit(self._make, job)

    def close(self) -> None:
        """Wait for the report that is being made; the maker's child is ended."""
        self._thread.shutdown(cancel_futures=True)

    def samples(self) -> Iterator[Sample]:
        """Its own metrics."""
        for outcome, count in self._outcomes.items():
            yield Sample("tocsin_reports_total", {"outcome": outcome}, count)
        yield Sample("tocsin_report_seconds_total", {}, self._seconds)

    def _due(self, models: Iterable[Timed]) -> Iterator[Job]:
        for key, first_s, now_s in models:
            for known in self._plans:
                if first_s is not None and now_s is not None and known.is_for(key):
                    spans = due(known, now_s, self._offset_s, self._last(key, known))
                    yield from (Job(key, known, span) for span in spans if span.end_s > first_s)

    def _last(self, key: ModelKey, known: Plan) -> float | None:
        if (key, known) not in self._followed:
            self._followed[key, known] = self._kept.last_end_s(key, known.every, known.by, known.reference)
        return self._followed[key, known]

    def _make(self, job: Job) -> None:
        started = time.monotonic()
        try:
            files, outcome, reason = self._made(job)
            if self._maker.stopping():
                return  # it is due again after the next start
            self._kept.put(job.key, self._entry(job, outcome, reason), files)
        except Exception as error:  # a full disk, a fault of ours: the next report is tried all the same
            outcome, reason = FAILED, str(error)
            _log.exception("report_failed model=%s", "/".join(job.key))
        self._outcomes[outcome] += 1
        self._seconds += time.monotonic() - started
        if outcome == FAILED:
            _log.warning("report_failed model=%s by=%s reason=%s", "/".join(job.key), job.plan.by, reason)

    def _made(self, job: Job) -> tuple[dict[str, bytes], str, str]:
        span = int(job.span.start_s * 1e6), int(job.span.end_s * 1e6)
        make = self._maker.ours if job.plan.by == "tocsin" else self._maker.evidentlys
        try:
            return make(job.key, span, job.plan.reference), MADE, ""
        except ReferenceFileError as error:  # no row lies in the span
            return {}, EMPTY, str(error)
        except (NoReferenceError, TableError, ReportError) as error:
            return {}, FAILED, str(error)

    def _entry(self, job: Job, outcome: str, reason: str) -> Entry:
        first = datetime.fromtimestamp(job.span.start_s, UTC) + timedelta(seconds=self._offset_s)
        words = [f"{first:%Y-%m-%d}", job.plan.every, job.plan.by]
        if job.plan.reference:
            words.append(_file_name(job.plan.reference))
        known = job.plan
        span = (job.span.start_s, job.span.end_s)
        return Entry("-".join(words), known.every, known.by, known.reference, *span, self._clock(), outcome, reason)


def _file_name(name: str) -> str:
    """A reference's name as a part of a file's name: what is not plain goes, a sum tells such names apart."""
    plain = "".join(character for character in name if character.isascii() and character.isalnum())[:40]
    return plain if plain == name else f"{plain}_{crc32(name.encode()):08x}"


def plans(lines: Iterable[str]) -> list[Plan]:
    """The configuration's plans. Raises ConfigError with all faults."""
    found, faults = [], []
    for line in lines:
        try:
            found.append(plan(line))
        except ValueError as error:
            faults.append(f"reports.schedule: {error}")
    if faults:
        raise ConfigError(faults)
    return found
