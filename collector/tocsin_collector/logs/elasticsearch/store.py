"""Log records in Elasticsearch. A batch waits in memory, within bounds, until the server has it or its time is over.

Threads: one watches the server and installs what it needs, some send. Nobody else waits for the server but a search,
which is bounded in number and time. While the server is away for longer than a short break, batches are refused at
once: their senders have them still, and come back.
"""

import itertools
import logging
import random
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass

from tocsin_collector.export.exposition import Sample
from tocsin_collector.logs.contract import ORDER_SLOT, Found, State, StoreError, Taken
from tocsin_collector.logs.elasticsearch import search
from tocsin_collector.logs.elasticsearch.answer import DUPLICATE
from tocsin_collector.logs.elasticsearch.connection import Access, Connection, Trouble
from tocsin_collector.logs.elasticsearch.deadfile import DeadFile
from tocsin_collector.logs.elasticsearch.rollover import Rollover
from tocsin_collector.logs.elasticsearch.shipment import Document, Shipping
from tocsin_collector.logs.elasticsearch.stream import cleaned, stream
from tocsin_collector.logs.elasticsearch.templates import Templates
from tocsin_collector.logs.record import Record
from tocsin_schema.metrics.elasticsearch import OUTCOMES

CHUNK_RECORDS, CHUNK_BYTES = 4_000, 4 << 20
WAITING_BYTES = 64 << 20
SENDERS = 2
SEARCHES = 4
_RECORD_BYTES = 400  # of a record beside its texts, in memory and in the request
_HOSTS_S = 30.0
_CLOSE_S = 10.0
_LOST = (None, 401, 502, 503, 504)
"""The statuses after which the server counts as away until it has answered the watch; None: no answer."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Pace:
    """How long what may take, in seconds.

    ``patience_s``: how long a batch waits for the server before its sender is asked to come back; ``grace_s``: how long
    the server may be away before batches are refused at once.
    """

    request_s: float = 15.0
    look_s: float = 8.0
    search_s: float = 5.0
    patience_s: float = 18.0  # an agent waits for 20
    grace_s: float = 5.0
    retry_s: float = 1.0
    watch_s: float = 5.0
    first_pause_s: float = 0.1
    longest_pause_s: float = 2.0


class _Batch:
    """A caller's records and what became of those parts that are done."""

    def __init__(self, records: Sequence[Record], size_bytes: int, deadline: float) -> None:
        self.future: Future[Taken] = Future()
        self.future.set_running_or_notify_cancel()  # a sender that goes away does not take its records with it
        self.left = len(records)
        self.duplicate = 0
        self.size_bytes = size_bytes
        self.deadline = deadline
        self.failed = ""
        self.records = records


class _Part:
    """Some records of a batch, as many as go into one request."""

    def __init__(self, batch: _Batch, records: Sequence[Record], size_bytes: int) -> None:
        self.batch = batch
        self.records = records
        self.size_bytes = size_bytes
        self.settled = False


class ElasticsearchStore:
    """Logs in an Elasticsearch (contract.Logs). It need not be there yet. ``folder`` takes what even it refuses."""

    def __init__(
        self,
        access: Access,
        namespace: str,
        folder: str,
        *,
        pace: Pace | None = None,
        waiting_bytes: int = WAITING_BYTES,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.counts = dict.fromkeys(("accepted", "duplicate", "rejected", "failures"), 0)
        self.version = ""
        self._pace = pace or Pace()
        self._clock = clock
        self._namespace = cleaned(namespace) or "default"
        self._connection = Connection(access, clock)
        self._templates = Templates(self._connection, self._namespace)
        self._outcomes: Counter[str] = Counter()
        self._shipping = Shipping(
            self._connection, self._templates, DeadFile(folder), Rollover(self._connection), self._count
        )
        self._lock = threading.Lock()
        self._work = threading.Condition(self._lock)
        self._parts: deque[_Part] = deque()
        self._most_waiting_bytes = waiting_bytes
        self._waiting_bytes = 0
        self._closed = False
        self._ready = threading.Event()
        self._doubt = threading.Event()
        """Set to let the watch look at once."""
        self._away_since: float | None = time.monotonic()
        self._fault = f"{access.shown} was not reached yet"
        self._trouble = ""
        self._prefix = f"{random.getrandbits(64):016x}"
        self._number = itertools.count(random.getrandbits(20))
        self._searches = threading.BoundedSemaphore(SEARCHES)
        self._hosts: tuple[float, list[str]] = (float("-inf"), [])
        self._threads = [threading.Thread(target=self._watch, name="elasticsearch-watch", daemon=True)]
        self._threads += [
            threading.Thread(target=self._send_all, name=f"elasticsearch-send-{number}", daemon=True)
            for number in range(SENDERS)
        ]
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Send what waits as far as the server takes it now, then stop."""
        with self._lock:
            self._closed = True
            self._work.notify_all()
        self._doubt.set()
        limit = time.monotonic() + _CLOSE_S
        for thread in self._threads:
            thread.join(max(0.0, limit - time.monotonic()))
        self._connection.close()

    def state(self) -> State:
        """Whether the server answers, as the last look or request has shown; ``error`` also tells what it refuses."""
        up = self._ready.is_set()
        error = (self._trouble or self._templates.remark) if up else self._fault
        return State(up, self._connection.last_success_s, error, self.version)

    # --- the way in ---------------------------------------------------------------------------------------------------

    def add(self, records: Sequence[Record]) -> "Future[Taken]":
        """Hand over a batch; the future is done when the server has it. It fails with StoreError."""
        sizes = [len(record.message) + len(record.fields) + _RECORD_BYTES for record in records]
        batch = _Batch(records, sum(sizes), time.monotonic() + self._pace.patience_s)
        with self._lock:
            refusal = self._refusal(batch.size_bytes)
            self.counts["failures"] += bool(refusal)
            if not refusal and records:
                self._waiting_bytes += batch.size_bytes
                self._parts.extend(_parts(batch, sizes))
                self._work.notify(SENDERS)
        if refusal:
            batch.future.set_exception(StoreError(refusal))
        elif not records:
            batch.future.set_result(Taken(0, 0))
        return batch.future

    def _refusal(self, size_bytes: int) -> str:
        """Why a batch is not even tried, or nothing."""
        away_since = self._away_since
        if self._closed:
            return "the log store is closed"
        if away_since is not None and time.monotonic() - away_since > self._pace.grace_s:
            return self._fault
        if self._waiting_bytes and self._waiting_bytes + size_bytes > self._most_waiting_bytes:
            return f"{self._waiting_bytes >> 20} MiB of records wait for Elasticsearch already"
        return ""

    # --- sending ------------------------------------------------------------------------------------------------------

    def _send_all(self) -> None:
        while parts := self._next_parts():
            try:
                self._send(parts)
            except Exception as error:  # whatever it was, senders must hear of it and the thread must live
                _log.exception("elasticsearch_send_failed")
                self._give_up(parts, f"the log store tripped up: {error!r:.200}")

    def _next_parts(self) -> list[_Part]:
        """What waits, as much as fits one request; nothing when the store is closed and empty."""
        with self._work:
            while not self._parts and not self._closed:
                self._work.wait()
            taken: list[_Part] = []
            records = size = 0
            while self._parts:
                part = self._parts[0]
                if taken and (records + len(part.records) > CHUNK_RECORDS or size + part.size_bytes > CHUNK_BYTES):
                    break
                taken.append(self._parts.popleft())
                records, size = records + len(part.records), size + part.size_bytes
            return taken

    def _send(self, parts: list[_Part]) -> None:
        self._give_up([part for part in parts if part.batch.failed], "")
        live = [part for part in parts if not part.settled]
        documents = {id(part): [self._document(record) for record in part.records] for part in live}
        pause_s, why = self._pace.first_pause_s, ""
        while live := self._in_time(live, why):
            if self._ready.wait(min(0.1, self._pace.retry_s)):
                waiting = [document for part in live for document in documents[id(part)] if not document.outcome]
                why = self._attempt(waiting)
                live = [part for part in live if not self._finished(part, documents[id(part)])]
                if live:
                    time.sleep(pause_s * (0.75 + random.random() / 2))
                    pause_s = min(2 * pause_s, self._pace.longest_pause_s)
            else:
                why = self._fault

    def _attempt(self, waiting: list[Document]) -> str:
        """One request; why some of its documents must be sent again, or nothing."""
        try:
            late, why = self._shipping.attempt(waiting, self._pace.request_s, int(self._clock() * 1e6))
        except Trouble as error:
            if error.status in _LOST:
                self._lost(str(error))
            self._trouble = str(error)
            return self._trouble
        if late and "(404)" in why:
            self._templates.forget()  # somebody removed them
        self._trouble = f"{self._connection.access.shown} does not take records: {why}" if late else ""
        return self._trouble

    def _in_time(self, parts: list[_Part], why: str) -> list[_Part]:
        now = time.monotonic()
        # What waits for a server that is away when we are closed has no time left.
        over = [part for part in parts if now >= part.batch.deadline or (self._closed and why)]
        self._give_up(over, why)
        return [part for part in parts if part not in over]

    def _finished(self, part: _Part, documents: list[Document]) -> bool:
        if not all(document.outcome for document in documents):
            return False
        duplicate = sum(document.outcome == DUPLICATE for document in documents)
        batch = part.batch
        with self._lock:
            self._settle(part)
            batch.left -= len(documents)
            batch.duplicate += duplicate
            self.counts["accepted"] += len(documents) - duplicate
            self.counts["duplicate"] += duplicate
            whole = not batch.left and not batch.failed
        if whole:
            batch.future.set_result(Taken(len(batch.records) - batch.duplicate, batch.duplicate))
        return True

    def _give_up(self, parts: list[_Part], why: str) -> None:
        """Tell the batches of these parts, once each, that they must come again."""
        for part in parts:
            batch = part.batch
            with self._lock:
                if part.settled:  # what tripped up came after it
                    continue
                first = not batch.failed
                self._settle(part)
                batch.failed = batch.failed or why or "Elasticsearch takes too long"
                self.counts["failures"] += first
            if first:
                batch.future.set_exception(StoreError(batch.failed))

    def _settle(self, part: _Part) -> None:
        if not part.settled:
            part.settled = True
            self._waiting_bytes -= part.size_bytes

    def _document(self, record: Record) -> Document:
        number = next(self._number)
        place = record.time_us // 1_000 * ORDER_SLOT + number % ORDER_SLOT
        target = self._templates.admit(stream(record.dataset, record.namespace, self._namespace))
        return Document.of(record, record.id or f"{self._prefix}{number:010x}", target, place)

    def _count(self, outcomes: Mapping[str, int]) -> None:
        with self._lock:
            self._outcomes.update(outcomes)

    # --- the server ---------------------------------------------------------------------------------------------------

    def _watch(self) -> None:
        while not self._closed:
            pause_s = self._pace.watch_s
            try:
                self._look()
            except Trouble as error:
                self._lost(str(error))
                # What a person must put right first is not asked for every second.
                pause_s = self._pace.retry_s if error.status is None else self._pace.watch_s
            except Exception as error:  # what it answered tripped us up: told, and looked at again
                _log.exception("elasticsearch_look_failed")
                self._lost(f"{self._connection.access.shown} answers what is not understood ({type(error).__name__})")
            self._doubt.wait(pause_s)
            self._doubt.clear()

    def _look(self) -> None:
        """One look; when the server was away, everything that it must have is installed first. Raises Trouble."""
        self._connection.renew()
        self.version = self._connection.version(self._pace.look_s)
        if not self._ready.is_set():
            self._templates.forget()
            self._templates.install()
            _log.info("elasticsearch_answers url=%s version=%s", self._connection.access.shown, self.version)
            with self._lock:  # a late failure comes before both or after both
                self._fault, self._trouble, self._away_since = "", "", None
                self._ready.set()

    def _lost(self, why: str) -> None:
        with self._lock:
            new = why != self._fault
            self._fault = why
            if self._ready.is_set() or self._away_since is None:
                self._ready.clear()
                self._away_since = time.monotonic()
                self._doubt.set()
        if new:
            _log.warning("elasticsearch_unanswered reason=%s", why)

    # --- reading ------------------------------------------------------------------------------------------------------

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
        """Records newest first; those of the last second may be missing still (contract.Logs.search)."""
        wanted = search.request(query, since_s, until_s, level, host, limit, before)
        try:
            return search.found(self._ask(wanted), limit)
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            raise StoreError(f"{self._connection.access.shown} answers what is no search ({error!r:.100})") from None

    def hosts(self) -> list[str]:
        """The hosts as of half a minute ago at most; the last that are known while the server does not answer."""
        made, known = self._hosts
        if time.monotonic() - made < _HOSTS_S and known:
            return known
        try:
            known = search.names(self._ask(search.hosts()))
        except (StoreError, KeyError, TypeError):
            return known
        self._hosts = time.monotonic(), known
        return known

    def _ask(self, wanted: dict[str, object]) -> object:
        if not self._ready.is_set():
            raise StoreError(self._fault)
        if not self._searches.acquire(timeout=self._pace.search_s / 2):
            raise StoreError(f"{SEARCHES} searches wait for Elasticsearch already")
        try:
            return self._connection.ask("POST", search.EVERYWHERE, wanted, self._pace.search_s)
        except Trouble as error:
            if error.status is None:
                self._doubt.set()
            raise StoreError(str(error)) from None
        finally:
            self._searches.release()

    def samples(self) -> Iterator[Sample]:
        """The store's own metrics."""
        for outcome in ("accepted", "duplicate", "rejected"):
            yield Sample("tocsin_logs_records_total", {"outcome": outcome}, self.counts[outcome])
        yield Sample("tocsin_logs_write_failures_total", {}, self.counts["failures"])
        for outcome in OUTCOMES:
            yield Sample("tocsin_elasticsearch_documents_total", {"outcome": outcome}, self._outcomes[outcome])
        yield Sample("tocsin_elasticsearch_waiting_bytes", {}, self._waiting_bytes)
        yield from self._connection.samples()


def _parts(batch: _Batch, sizes: list[int]) -> Iterator[_Part]:
    """The batch in parts that fit a request each."""
    begin = size = 0
    for end, record_size in enumerate(sizes):
        if end > begin and (end - begin >= CHUNK_RECORDS or size + record_size > CHUNK_BYTES):
            yield _Part(batch, batch.records[begin:end], size)
            begin, size = end, 0
        size += record_size
    yield _Part(batch, batch.records[begin:], size)
