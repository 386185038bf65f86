"""What a project may send a second: token buckets of events and of bytes, which may go into debt.

How many events a body has is known once it is read, so a request is let in while there is something in its buckets, and
then pays what it was, down below zero. Whoever is below zero is told, before its body is read, after how many seconds
that ends. On average a project gets its rate, and a body larger than a bucket is not refused for ever. While a body is
on its way, what the project's last one was is held for it: else all that come at once would be let in for one token.

A key of one project says whose request it is before the body does. For any other caller the projects are known when the
body is read: then all of it is refused as long as one of them is over its quota, before anything is stored.
"""

import math
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from tocsin_collector.doors.counts import Counts
from tocsin_collector.ingest.answer import Refusal
from tocsin_collector.projects import figures
from tocsin_schema.block import Block

BURST_S = 2.0
"""How many seconds of its rate a project that was silent may send at once."""
MAX_PROJECTS = 10_000
"""Whose accounts are kept; the one that was silent for longest makes room."""
EVENTS, BYTES = "events", "bytes"
PLACE = "tocsin.hold"
"""Where the scope of a request that was let in has its Hold."""


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
        """Pay; a negative amount is given back."""
        self._tokens -= amount


class Account:
    """The buckets of one project, and what its last request was."""

    __slots__ = ("buckets", "last")

    def __init__(self, rates: Rates, now: float) -> None:
        self.buckets = Bucket(rates.events, now), Bucket(rates.bytes, now)
        self.last = (0.0, 0.0)

    def take(self, events: float, volume: float) -> None:
        """Pay from both."""
        self.buckets[0].take(events)
        self.buckets[1].take(volume)


class Hold:
    """What is held of an account while a body is on its way; ``release`` gives it back, once."""

    def __init__(self, account: Account | None = None) -> None:
        self._account = account
        self._held = account.last if account else (0.0, 0.0)
        if account:
            account.take(*self._held)

    def release(self) -> None:
        """Give it back."""
        if self._account:
            self._account.take(-self._held[0], -self._held[1])
        self._account = None


def hold_of(scope: Mapping[str, Any]) -> Hold:
    """What is held for a request; nothing for one whose projects its body names."""
    found: Hold = scope.get(PLACE) or Hold()
    return found


class Quotas:
    """The accounts of all projects, for the event loop's thread; ``values`` are settings. Raises ConfigError."""

    def __init__(self, values: Mapping[str, Any], counts: Counts, clock: Callable[[], float]) -> None:
        self._rates = Rates(values["quota.events_per_s"], values["quota.bytes_per_s"])
        own = figures("quota.projects", values["quota.projects"], "PROJECT EVENTS BYTES", "shop 5000 20000000")
        self._projects = {name: Rates(*rates) for name, rates in own.items()}
        self._counts = counts
        self._clock = clock
        self._accounts: OrderedDict[str, Account] = OrderedDict()

    def admit(self, projects: Iterable[str]) -> None:
        """Raises Refusal 429 when one of the projects is over its quota."""
        now = self._clock()
        for project in projects:
            rates = self._rates_of(project)
            waits = [bucket.wait_s(now) for bucket in self._of(project, now).buckets] if any(rates) else [0.0]
            if max(waits):
                quota = EVENTS if waits[0] == max(waits) else BYTES
                self._counts.over_quota(project, quota)
                rate = getattr(rates, quota)
                reason = f"more than the {rate:g} {quota} a second of this project; keep the events and send them again"
                raise Refusal(429, "over_quota", reason, retry_after_s=math.ceil(max(waits)) or 1)

    def begin(self, project: str) -> Hold:
        """Let a request of a project in, and hold what its last one was. Raises Refusal 429."""
        self.admit((project,))
        return Hold(self._of(project, self._clock()) if any(self._rates_of(project)) else None)

    def charge(self, blocks: Sequence[Block], size_bytes: int) -> None:
        """Pay for a body that was read, each project for its share of the rows."""
        now = self._clock()
        rows = Counter[str]()
        for block in blocks:
            rows[block.project] += block.rows
        for project, count in rows.items():
            if any(self._rates_of(project)):
                account = self._of(project, now)
                account.last = float(count), size_bytes * count / (rows.total() or 1)
                account.take(*account.last)

    def _rates_of(self, project: str) -> Rates:
        return self._projects.get(project, self._rates)

    def _of(self, project: str, now: float) -> Account:
        found = self._accounts.get(project)
        if found is None:
            found = self._accounts[project] = Account(self._rates_of(project), now)
            if len(self._accounts) > MAX_PROJECTS:
                self._accounts.popitem(last=False)
        self._accounts.move_to_end(project)
        return found
