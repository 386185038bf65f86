"""The series pushed by Prometheus' remote write, version 1.0 or 2.0.

Series that are gone, and all at the end, get the mark of staleness.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterator, Mapping

import cramjam

from tocsin_collector.export.exposition import Sample
from tocsin_collector.export.metrics import Metrics
from tocsin_collector.export.outbox import Limits, Outbox, Request, number
from tocsin_collector.export.turn import Turn
from tocsin_collector.export.write_request import STALE, VERSIONS, Labels, Point, points
from tocsin_collector.fleet.scrape import Answer
from tocsin_collector.servers.ask import Access

SAMPLES_A_REQUEST = 2_000
WRITTEN = "x-prometheus-remote-write-samples-written"
_RETRIED = frozenset({429, *range(500, 600)})
_log = logging.getLogger(__name__)


class RemoteWrite:
    """Pushes what ``metrics`` shows to ``access``; ``target`` are the labels that a scrape would have given."""

    def __init__(
        self,
        metrics: Metrics,
        access: Access,
        target: Mapping[str, str],
        *,
        version: str,
        clock: Callable[[], float] = time.time,
        limits: Limits = Limits(),
    ) -> None:
        self.outbox = Outbox(access, self._taken, _RETRIED, clock, limits)
        self._metrics = metrics
        self._target = target
        self._version = version
        self._clock = clock
        self._last: dict[Labels, Point] = {}
        self._time_ms = 0

    async def run(self, interval_s: float) -> None:
        """Push at every interval until cancelled."""
        await self.outbox.run(self.snapshot, self._farewell, interval_s)

    async def snapshot(self) -> None:
        """Push what is shown now, and the end of what is shown no more."""
        await self._metrics.refresh()
        turn, found = Turn(), {}
        for point in points(self._metrics.exposition.families(), self._target):
            found[point.labels] = point
            if turn.over:
                await turn.pass_on()
        gone = [point._replace(value=STALE) for labels, point in self._last.items() if labels not in found]
        self._last = found
        await self._put([*found.values(), *gone])

    async def _farewell(self) -> None:
        await self._put([point._replace(value=STALE) for point in self._last.values()])

    async def _put(self, found: list[Point]) -> None:
        # Each snapshot is later than the one before, whatever the clock does: receivers refuse what goes back.
        self._time_ms, version = max(self._time_ms + 1, int(self._clock() * 1000)), VERSIONS[self._version]
        for start in range(0, len(found), SAMPLES_A_REQUEST):
            some = found[start : start + SAMPLES_A_REQUEST]
            body = await asyncio.to_thread(_packed, version.write, some, self._time_ms)
            self.outbox.put(Request(body, version.fields, len(some)))

    def _taken(self, request: Request, answer: Answer) -> int:
        """2.0 tells what was written whatever the status, since it may have been a part."""
        successful = answer.status // 100 == 2
        if request.fields == VERSIONS["1.0"].fields:
            return request.samples if successful else 0
        written = number(answer.headers.get(WRITTEN))
        if answer.status == 415 or (successful and written is None):
            # A receiver of 1.0 that does not look at the type says 2xx and has read nothing (the specification).
            self._version = "1.0"
            _log.warning("remote_write_version reason=the receiver takes no 2.0, going on with 1.0")
        return written or 0

    def samples(self) -> Iterator[Sample]:
        """Its own metrics."""
        return self.outbox.samples()


def _packed(write: Callable[[list[Point], int], bytes], found: list[Point], time_ms: int) -> bytes:
    return bytes(cramjam.snappy.compress_raw(write(found, time_ms)))
