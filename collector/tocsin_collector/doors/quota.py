"""What a project may send a second: token buckets of events and of bytes, which may go into debt.

How many events a body has is known once it is read, so a request is let in while there is something in its buckets, and
then pays what it was, down below zero. Whoever is below zero is told, before its body is read, after how many seconds
that ends. On average a project gets its rate, and a body larger than a bucket is not refused for ever.

A key of one project says whose request it is before the body does. For any other caller the projects are known when the
body is read: then all of it is refused as long as one of them is over its quota, before anything is stored.
"""

import math
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from tocsin_collector.doors.counts import Counts
from tocsin_collector.ingest.answer import Refusal
from tocsin_schema.block import Block
from tocsin_schema.config import ConfigError

BURST_S = 2.0
"""How many seconds of its rate a project that was silent may send at once."""
MAX_PROJECTS = 10_000
"""Whose buckets are kept; the one that was silent for longest makes room."""
EVENTS, BYTES = "events", "bytes"


class Rates(NamedTuple):
    """A quota a second; 0 is none."""

    events: float
    bytes: float


class Bucket:
    """Tokens that come back at ``rate`` a second; none are taken or missed at a rate of 0."""

    __slots__ = ("_at", "_rate", "_tokens")

    def __init__(self, rate: float, now: float) -> None:
        self._rate = rate
        self._tokens = rate * BURST_S
        self._at = now

    def wait_s(self, now: float) -> float:
        """The seconds until there is something in it, 0 when there is."""
        self._tokens = min(self._tokens + (now - self._at) * self._rate, self._rate * BURST_S)
        self._at = now
        return -self._tokens / self._rate if self._rate and self._tokens <= 0 else 0.0

    def take(self, amount: float) -> None:
        """Pay."""
        self._tokens -= amount


class Quotas:
    """The buckets of all projects, for the event loop's thread; ``values`` are settings. Raises ConfigError."""

    def __init__(self, values: Mapping[str, Any], counts: Counts, clock: Callable[[], float]) -> None:
        self._rates = Rates(values["quota.events_per_s"], values["quota.bytes_per_s"])
        self._projects = dict(map(_project, values["quota.projects"]))
        self._counts = counts
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[Bucket, Bucket]] = OrderedDict()

    def admit(self, projects: Iterable[str]) -> None:
        """Raises Refusal 429 when one of the projects is over its quota."""
        now = self._clock()
        for project in projects:
            rates = self._projects.get(project, self._rates)
            waits = [bucket.wait_s(now) for bucket in self._of(project, now)] if any(rates) else [0.0]
            if max(waits):
                quota = EVENTS if waits[0] == max(waits) else BYTES
                self._counts.over_quota(project, quota)
                rate = getattr(rates, quota)
                reason = f"more than the {rate:g} {quota} a second of this project; keep the events and send them again"
                raise Refusal(429, "over_quota", reason, retry_after_s=math.ceil(max(waits)) or 1)

    def charge(self, blocks: Sequence[Block], size_bytes: int) -> None:
        """Pay for a body that was read, each project for its share of the rows."""
        now = self._clock()
        rows = sum(block.rows for block in blocks) or 1
        for block in blocks:
            if any(self._projects.get(block.project, self._rates)):
                events, volume = self._of(block.project, now)
                events.take(block.rows)
                volume.take(size_bytes * block.rows / rows)

    def _of(self, project: str, now: float) -> tuple[Bucket, Bucket]:
        found = self._buckets.get(project)
        if found is None:
            rates = self._projects.get(project, self._rates)
            found = self._buckets[project] = Bucket(rates.events, now), Bucket(rates.bytes, now)
            if len(self._buckets) > MAX_PROJECTS:
                self._buckets.popitem(last=False)
        self._buckets.move_to_end(project)
        return found


def _project(text: str) -> tuple[str, Rates]:
    """``shop 5000 20000000``: a project, its events and its bytes a second. Raises ConfigError."""
    try:
        name, events_text, volume_text = text.rsplit(maxsplit=2)
        events, volume = float(events_text), float(volume_text)
    except ValueError:
        events = volume = -1.0
    if not (0 <= events < math.inf and 0 <= volume < math.inf):
        raise ConfigError([f"quota.projects: {text!r:.80}: PROJECT EVENTS BYTES expected, as in 'shop 5000 20000000'"])
    return name, Rates(events, volume)
