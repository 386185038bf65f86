"""What a log store is to those who use it: the embedded one and Elasticsearch are one to route, page and tracing."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from tocsin_collector.export.exposition import Sample
from tocsin_collector.logs.record import Record

COUNT_LIMIT = 10_000
MARK_BEGIN, MARK_END = "\x02", "\x03"
"""Around what was found in ``Row.marked``; a stored message has no control characters of its own."""

ORDER_SLOT = 1 << 20
"""A record's place among all is its millisecond times this plus a count: ``Found.next`` and ``before`` are such."""


class StoreError(Exception):
    """The store cannot be opened, did not take a batch or cannot search now: a sender should come back later."""


class Unusable(StoreError):  # noqa: N818  # it is the configuration's fault, and told as it is
    """The store can never work as it is configured; the message says what to change."""


class Taken(NamedTuple):
    """What became of a batch."""

    accepted: int
    duplicate: int


class State(NamedTuple):
    """Whether the store answers, when it last did (seconds since the Unix epoch), and what is wrong in one line.

    ``error`` may tell of something to be looked at while the store is up; ``version`` is that of a server behind it.
    """

    up: bool
    last_success_s: float | None
    error: str
    version: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """A record that was found. ``marked`` is the message with MARK_BEGIN and MARK_END around what was searched."""

    time_s: float
    level: str
    host: str
    service: str
    message: str
    marked: str
    id: str | None
    fields: dict[str, object]


@dataclass(frozen=True, slots=True)
class Found:
    """One page of a search, newest first. ``total`` counts to COUNT_LIMIT at most; ``next`` is where the next page
    begins, None on the last."""

    rows: list[Row]
    total: int
    capped: bool
    next: int | None


class Logs(Protocol):
    """A log store. Safe from any thread; ``counts`` are added to by those who refuse records before they come here."""

    counts: dict[str, int]

    def add(self, records: Sequence[Record]) -> "Future[Taken]":
        """Hand over a batch; the future is done when the store has it. It fails with StoreError."""

    def search(
        self,
        query: str = "",
        since_s: float | None = None,
        until_s: float | None = None,
        level: str = "",
        host: str = "",
        limit: int = 100,
        before: int | None = None,
    ) -> Found:
        """Records newest first. ``level`` means this one and worse; ``before`` is ``Found.next`` of the page before.

        Raises QueryError for a text without words, ValueError for an unknown level, StoreError.
        """

    def hosts(self) -> list[str]:
        """The hosts that records came from, at most 200, for a form's list."""

    def state(self) -> State:
        """Whether the store answers, at once."""

    def samples(self) -> Iterator[Sample]:
        """The store's own metrics."""

    def close(self) -> None:
        """Write what waits, then stop."""
