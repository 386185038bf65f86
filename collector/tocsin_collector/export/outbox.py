"""Requests on their way to one receiver: a bounded queue that every beat fills and one sender empties.

The receiver may be away, slow or broken: nothing waits for it but the queue, whose oldest requests make room when it is
full. Requests go out in their order.
"""

import asyncio
import contextlib
import logging
import random
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Container, Iterator
from email.utils import parsedate_to_datetime
from typing import NamedTuple

from tocsin_collector.export.exposition import Sample
from tocsin_collector.fleet.scrape import Answer
from tocsin_collector.servers.ask import Access, Unanswered

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


class Request(NamedTuple):
    """A body, the fields of its header, and how many samples it has."""

    body: bytes
    fields: tuple[str, ...]
    samples: int


class Outbox:
    """The way to ``access``. ``taken`` says of a final answer how many samples the receiver has taken.

    A request is tried again when there was no answer, or one with a status of ``retried``.
    """

    def __init__(
        self,
        access: Access,
        taken: Callable[[Request, Answer], int],
        retried: Container[int],
        clock: Callable[[], float] = time.time,
        limits: Limits = Limits(),
    ) -> None:
        self._access = access
        self._taken = taken
        self._retried = retried
        self._clock = clock
        self._limits = limits
        self._queue: deque[Request] = deque()
        self._filled, self._emptied = asyncio.Event(), asyncio.Event()
        self._bytes = 0
        self._samples = Counter({"sent": 0, "refused": 0, "dropped": 0})
        self._requests: Counter[str] = Counter()
        self._success_s = 0.0

    async def run(
        self, beat: Callable[[], Awaitable[None]], farewell: Callable[[], Awaitable[None]], interval_s: float
    ) -> None:
        """Let ``beat`` put something at every interval until cancelled; then ``farewell``, if it goes out soon."""
        sender = asyncio.create_task(self.send(), name=self._access.name)
        try:
            while True:
                started = time.monotonic()
                try:
                    await beat()
                except Exception:
                    _log.exception("push_beat_failed to=%s", self._access.name)
                await asyncio.sleep(max(0.05, interval_s - (time.monotonic() - started)))
        finally:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._limits.farewell_s):
                    await farewell()
                    await self.emptied()
            sender.cancel()
            await asyncio.gather(sender, return_exceptions=True)

    def put(self, request: Request) -> None:
        """Queue a request; the oldest ones make room for it."""
        self._queue.append(request)
        self._bytes += len(request.body)
        while self._bytes > self._limits.queue_bytes and self._queue:
            oldest = self._queue.popleft()
            self._bytes -= len(oldest.body)
            self._samples["dropped"] += oldest.samples
        self._emptied.clear()
        self._filled.set()

    async def emptied(self) -> None:
        """Wait until nothing waits."""
        if self._bytes:
            await self._emptied.wait()

    async def send(self) -> None:
        """Send what is put, until cancelled."""
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
                _log.exception("push_failed to=%s", self._access.name)
                self._samples["refused"] += request.samples
            self._bytes -= len(request.body)

    async def _deliver(self, request: Request) -> None:
        """Send a request until the receiver has said what becomes of it."""
        wait_s = self._limits.first_wait_s
        while (asked_s := await self._try(request)) is not None:
            await asyncio.sleep(max(asked_s, wait_s * random.uniform(0.5, 1.0)))
            wait_s = min(2 * wait_s, self._limits.longest_wait_s)

    async def _try(self, request: Request) -> float | None:
        """None when the receiver has taken or refused it; else the seconds that it wants to be left alone."""
        try:
            answer = await self._access.post(request.body, request.fields, self._limits.timeout_s)
        except Unanswered as error:
            self._requests["none"] += 1
            _log.warning("push_unanswered to=%s url=%s reason=%s", self._access.name, self._access.shown, error)
            return 0.0
        self._requests[str(answer.status)] += 1
        if answer.status in self._retried:
            asked_s = retry_after_s(answer.headers.get("retry-after", ""), self._clock())
            return min(asked_s, self._limits.longest_wait_s)
        self._settle(request, answer)
        return None

    def _settle(self, request: Request, answer: Answer) -> None:
        sent = min(self._taken(request, answer), request.samples)
        lost = request.samples - sent
        self._samples["sent"] += sent
        self._samples["refused"] += lost
        if sent:
            self._success_s = self._clock()
        if lost:
            to, status, said = self._access.name, answer.status, answer.text.strip()
            _log.error("push_refused to=%s status=%d samples=%d reason=%.300s", to, status, lost, said)

    def samples(self) -> Iterator[Sample]:
        """Its own metrics."""
        to = {"to": self._access.name}
        for outcome, count in self._samples.items():
            yield Sample("tocsin_push_samples_total", to | {"outcome": outcome}, count)
        for code, count in self._requests.items():
            yield Sample("tocsin_push_requests_total", to | {"code": code}, count)
        yield Sample("tocsin_push_waiting_bytes", to, self._bytes)
        if self._success_s:
            yield Sample("tocsin_push_last_success_timestamp_seconds", to, self._success_s)


def retry_after_s(text: str, now_s: float) -> float:
    """The seconds that a ``Retry-After`` asks for, which may say them or a date (RFC 9110, 10.2.3); 0 for none."""
    seconds = number(text)
    if seconds is not None:
        return float(seconds)
    try:
        return max(parsedate_to_datetime(text).timestamp() - now_s, 0.0)
    except (ValueError, OverflowError):
        return 0.0


def number(text: str | None) -> int | None:
    """A count in a header; None for anything else."""
    return int(text) if text and text.isdecimal() and len(text) < 10 else None
