"""What a project may send a second, and hold: token buckets of events and of bytes, which may go into debt; the disk.

How many events a body has is known once it is read, so a request is let in while there is something in its buckets, and
then pays what it was, down below zero. Whoever is below zero is told, before its body is read, after how many seconds
that ends. On average a project gets its rate, and a body larger than a bucket is not refused for ever. While a body is
on its way, what the project's last one was is held for it: else all that come at once would be let in for one token.
One of which nothing can be taken pays for one event, and its bytes: else a project could send nonsense without an end.

A key of one project says whose request it is before the body does. For any other caller the projects are known when the
body is read: then all of it is refused as long as one of them is over its quota, before anything is stored.

A project that holds its bytes of the journal gets nothing more in until retention has made room. What a quota of series
refuses is in ``places``.
"""

import math
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from tocsin_collector.doors.counts import Counts
from tocsin_collector.ingest.answer import Refusal
from tocsin_collector.ingest.drafts import Draft
from tocsin_collector.projects import figures
from tocsin_schema.block import Block

BURST_S = 2.0
"""How many seconds of its rate a project that was silent may send at once."""
MAX_PROJECTS = 10_000
"""Whose accounts are kept; the one that was silent for longest makes room."""
EVENTS, BYTES, DISK, SERIES = "events", "bytes", "disk", "series"
DISK_AGAIN_S = 60
"""Retention looks once a minute."""
PLACE = "tocsin.hold"
"""Where the scope of a request that was let in has its Hold."""


_EXAMPLE = "shop events=5000 bytes=20000000 disk=10000000000 series=500"


class Quota(NamedTuple):
    """Of a project: events and bytes a second, bytes of the journal, series; 0 is any number."""

    events: float
    bytes: float
    disk: float
    series: float

    @property
    def has_rates(self) -> bool:
        """Whether it is one of anything a second."""
        return bool(self.events or self.bytes)


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
        """Pay; a negative amount is given back."""
        self._tokens -= amount


class Account:
    """The buckets of one project, and what its last request was."""

    __slots__ = ("buckets", "last")

    def __init__(self, quota: Quota, now: float) -> None:
        self.buckets = Bucket(quota.events, now), Bucket(quota.bytes, now)
        self.last = (0.0, 0.0)

    def take(self, events: float, volume: float) -> None:
        """Pay from both."""
        self.buckets[0].take(events)
        self.buckets[1].take(volume)


class Hold:
    """What is held of an account while a body is on its way; ``release`` gives it back, once. ``size_bytes`` is the
    body's, once it is there."""

    def __init__(self, account: Account | None = None) -> None:
        self.size_bytes = 0
        self._account = account
        self._held = account.last if account else (0.0, 0.0)
        if account:
            account.take(*self._held)

    def release(self) -> None:
        """Give it back."""
        if self._account:
            self._account.take(-self._held[0], -self._held[1])
        self._account = None

    def settle(self) -> None:
        """The request is over: one that brought nothing to pay for was read all the same, and pays as one event."""
        account = self._account
        self.release()
        if account:
            account.take(1.0, self.size_bytes)


def hold_of(scope: Mapping[str, Any]) -> Hold:
    """What is held for a request; nothing for one whose projects its body names."""
    found: Hold = scope.get(PLACE) or Hold()
    return found


class Quotas:
    """The accounts of all projects, for the event loop's thread; ``values`` are settings, ``held_bytes`` tells what of
    the journal is a project's. Raises ConfigError."""

    def __init__(
        self,
        values: Mapping[str, Any],
        counts: Counts,
        clock: Callable[[], float],
        held_bytes: Callable[[str], int] = lambda _: 0,
    ) -> None:
        self._quota = Quota(
            *(values[f"quota.{name}"] for name in ("events_per_s", "bytes_per_s", "disk_bytes", "series"))
        )
        own = figures("quota.projects", values["quota.projects"], Quota._fields, _EXAMPLE)
        self._projects = {name: self._quota._replace(**its) for name, its in own.items()}
        self.are_set = any(map(any, (self._quota, *self._projects.values())))
        """Whether any project has one."""
        self._held_bytes = held_bytes
        self._counts = counts
        self._clock = clock
        self._accounts: OrderedDict[str, Account] = OrderedDict()

    def admit(self, projects: Iterable[str]) -> None:
        """Raises Refusal 429 when one of the projects is over its quota."""
        now = self._clock()
        for project in projects:
            quota = self.of(project)
            waits = [bucket.wait_s(now) for bucket in self._account(project, now).buckets] if quota.has_rates else [0.0]
            if max(waits):
                kind = EVENTS if waits[0] == max(waits) else BYTES
                reason = f"more than the {getattr(quota, kind):g} {kind} a second of this project"
                raise self._refusal(project, kind, reason, math.ceil(max(waits)) or 1)
            if quota.disk and self._held_bytes(project) >= quota.disk:
                reason = f"this project holds the {quota.disk:g} bytes of the journal that it may, until old ones go"
                raise self._refusal(project, DISK, reason, DISK_AGAIN_S)

    def _refusal(self, project: str, kind: str, reason: str, retry_after_s: int) -> Refusal:
        self.refused(project, kind)
        return Refusal(429, "over_quota", f"{reason}; keep the events and send them again", retry_after_s)

    def refused(self, project: str, kind: str) -> None:
        """Count a request of which something was refused."""
        self._counts.over_quota(project, kind)

    def of(self, project: str) -> Quota:
        """What a project may."""
        return self._projects.get(project, self._quota)

    def begin(self, project: str) -> Hold:
        """Let a request of a project in, and hold what its last one was. Raises Refusal 429."""
        self.admit((project,))
        return Hold(self._account(project, self._clock()) if self.of(project).has_rates else None)

    def charge(self, blocks: Sequence[Block | Draft], size_bytes: int) -> None:
        """Pay for a body that was read, each project for its share of the rows."""
        now = self._clock()
        rows = Counter[str]()
        for block in blocks:
            rows[block.project] += block.rows
        for project, count in rows.items():
            if self.of(project).has_rates:
                account = self._account(project, now)
                account.last = float(count), size_bytes * count / (rows.total() or 1)
                account.take(*account.last)

    def _account(self, project: str, now: float) -> Account:
        found = self._accounts.get(project)
        if found is None:
            found = self._accounts[project] = Account(self.of(project), now)
            if len(self._accounts) > MAX_PROJECTS:
                self._accounts.popitem(last=False)
        self._accounts.move_to_end(project)
        return found
