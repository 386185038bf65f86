"""The series pushed to a remote write receiver: at every beat a snapshot goes into a bounded queue, which is sent.

The receiver may be away, slow or broken: nothing waits for it but the queue, whose oldest requests make room when it is
full. Samples of a series go out in their order. Series that are gone, and all at the end, get the mark of staleness.
"""

import asyncio
import contextlib
import logging
import random
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import cramjam

from tocsin_collector.export.exposition import Sample
from tocsin_collector.export.metrics import Metrics
from tocsin_collector.export.turn import Turn
from tocsin_collector.export.write_request import STALE, VERSIONS, Point, points
from tocsin_collector.fleet.scrape import Answer
from tocsin_collector.servers.ask import Access, Unanswered

SAMPLES_A_REQUEST = 2_000
WRITTEN = "x-prometheus-remote-write-samples-written"
_log = logging.getLogger(__name__)


class Limits(NamedTuple):
    """What a receiver that does not answer may cost."""

    queue_bytes: int = 32 << 20
    timeout_s: float = 30.0
    first_wait_s: float = 1.0
    """Before a request is tried again; twice as long each time."""
    longest_wait_s: float = 60.0
    farewell_s: float = 5.0
    """For what is still to be sent at the end."""


class _Request(NamedTuple):
    version: str
    samples: int
    body: bytes


class RemoteWrite:
    """Pushes what ``metrics`` shows to ``access``; ``target`` are the labels that a scrape would have given."""

    def __init__(
        self,
        metrics: Metrics,
        access: Access,
        target: Mapping[str, str],
        *,
        interval_s: float,
        version: str,
        clock: Callable[[], float] = time.time,
        limits: Limits = Limits(),
    ) -> None:
        self._metrics = metrics
        self._access = access
        self._target = target
        self._interval_s = interval_s
        self._version = version
        self._clock = clock
        self._limits = limits
        self._last: dict[tuple[tuple[str, str], ...], Point] = {}
        self._queue: deque[_Request] = deque()
        self._filled, self._emptied = asyncio.Event(), asyncio.Event()
        self._bytes = self._time_ms = 0
        self._samples = Counter({"sent": 0, "refused": 0, "dropped": 0})
        self._requests: Counter[str] = Counter()
        self._success_s = 0.0

    async def run(self) -> None:
        """Push at every beat until cancelled; then end all series, as far as the receiver takes it at once."""
        sender = asyncio.create_task(self._send(), name="remote write")
        try:
            while True:
                started = time.monotonic()
                try:
                    await self.snapshot()
                except Exception:
                    _log.exception("remote_write_snapshot_failed")
                await asyncio.sleep(max(0.05, self._interval_s - (time.monotonic() - started)))
        finally:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._limits.farewell_s):
                    await self._put([point._replace(value=STALE) for point in self._last.values()])
                    await self._emptied.wait()
            sender.cancel()
            await asyncio.gather(sender, return_exceptions=True)

    async def snapshot(self) -> None:
        """Put what is shown now into the queue, and the end of what is shown no more."""
        await self._metrics.refresh()
        turn, found = Turn(), {}
        for point in points(self._metrics.exposition.families(), self._target):
            found[point.labels] = point
            if turn.over:
                await turn.pass_on()
        gone = [point._replace(value=STALE) for labels, point in self._last.items() if labels not in found]
        self._last = found
        await self._put([*found.values(), *gone])

    async def _put(self, found: list[Point]) -> None:
        # Each snapshot is later than the one before, whatever the clock does: receivers refuse what goes back.
        self._time_ms, version = max(self._time_ms + 1, int(self._clock() * 1000)), self._version
        for start in range(0, len(found), SAMPLES_A_REQUEST):
            some = found[start : start + SAMPLES_A_REQUEST]
            body = await asyncio.to_thread(_packed, version, some, self._time_ms)
            self._queue.append(_Request(version, len(some), body))
            self._bytes += len(body)
        while self._bytes > self._limits.queue_bytes and self._queue:
            oldest = self._queue.popleft()
            self._bytes -= len(oldest.body)
            self._samples["dropped"] += oldest.samples
        self._emptied.clear()
        self._filled.set()

    async def _send(self) -> None:
        while True:
            if not self._queue:
                self._filled.clear()
                self._emptied.set()
                await self._filled.wait()
                continue
            request = self._queue.popleft()
            try:
                await self._deliver(request)
            except Exception:  # whatever it was, the next request may go through
                _log.exception("remote_write_failed")
                self._samples["refused"] += request.samples
            self._bytes -= len(request.body)

    async def _deliver(self, request: _Request) -> None:
        """Send a request until the receiver has said what becomes of it."""
        wait_s = self._limits.first_wait_s
        while (asked_s := await self._try(request)) is not None:
            await asyncio.sleep(max(asked_s, wait_s * random.uniform(0.5, 1.0)))
            wait_s = min(2 * wait_s, self._limits.longest_wait_s)

    async def _try(self, request: _Request) -> float | None:
        """None when the receiver has taken or refused it; else the seconds that it wants to be left alone."""
        fields = (*VERSIONS[request.version].fields, "Content-Encoding: snappy")
        try:
            answer = await self._access.post(request.body, fields, self._limits.timeout_s)
        except Unanswered as error:
            self._requests["none"] += 1
            _log.warning("remote_write_unanswered url=%s reason=%s", self._access.shown, error)
            return 0.0
        self._requests[str(answer.status)] += 1
        if answer.status == 429 or answer.status >= 500:
            return float(min(_number(answer.headers.get("retry-after")) or 0, self._limits.longest_wait_s))
        self._settle(request, answer)
        return None

    def _settle(self, request: _Request, answer: Answer) -> None:
        """Count what became of a request; 2.0 tells it whatever the status, since it may have written a part."""
        taken = answer.status // 100 == 2
        sent = request.samples if taken else 0
        if request.version == "2.0":
            written = _number(answer.headers.get(WRITTEN))
            sent = min(written or 0, request.samples)
            if answer.status == 415 or (taken and written is None):
                # A receiver of 1.0 that does not look at the type says 2xx and has read nothing (the specification).
                self._version = "1.0"
                _log.warning("remote_write_version url=%s reason=no 2.0, going on with 1.0", self._access.shown)
        self._samples["sent"] += sent
        self._samples["refused"] += request.samples - sent
        if sent:
            self._success_s = self._clock()
        if sent < request.samples:
            url, status, reason = self._access.shown, answer.status, answer.text.strip()
            lost = request.samples - sent
            _log.error("remote_write_refused url=%s status=%d samples=%d reason=%.300s", url, status, lost, reason)

    def samples(self) -> Iterator[Sample]:
        """Its own metrics."""
        for outcome, count in self._samples.items():
            yield Sample("tocsin_remote_write_samples_total", {"outcome": outcome}, count)
        for code, count in self._requests.items():
            yield Sample("tocsin_remote_write_requests_total", {"code": code}, count)
        yield Sample("tocsin_remote_write_waiting_bytes", {}, self._bytes)
        if self._success_s:
            yield Sample("tocsin_remote_write_last_success_timestamp_seconds", {}, self._success_s)


def _packed(version: str, found: list[Point], time_ms: int) -> bytes:
    return bytes(cramjam.snappy.compress_raw(VERSIONS[version].write(found, time_ms)))


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() and len(text) < 10 else None
