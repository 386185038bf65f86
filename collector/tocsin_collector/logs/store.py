"""Log records in SQLite: one table, its full-text index, one thread that writes.

A record's row id is its millisecond times 2**20 plus a count: newest first is the order of row ids, which FTS5 walks
without sorting, and a span of time is a span of row ids. The writer takes all that waits in one transaction; a
caller's future is done when the transaction is on disk (WAL with synchronous=FULL syncs at each commit), so what was
acknowledged outlives kill -9 and the loss of power."""

import contextlib
import json
import os
import queue
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future

from tocsin_collector.export.exposition import Sample
from tocsin_collector.logs.contract import COUNT_LIMIT, ORDER_SLOT, Found, Row, State, StoreError, Taken
from tocsin_collector.logs.query import match
from tocsin_collector.logs.record import Record
from tocsin_schema.logrecord import LEVELS

_WAITING_RECORDS = 200_000
_BATCH_RECORDS = 20_000
_CLOSE = None
_SCHEMA = """
CREATE TABLE IF NOT EXISTS record (
  row INTEGER PRIMARY KEY, id TEXT UNIQUE, time_us INTEGER NOT NULL, level INTEGER,
  host TEXT NOT NULL, service TEXT NOT NULL, message TEXT NOT NULL, fields TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS record_host ON record (host);
CREATE VIRTUAL TABLE IF NOT EXISTS words USING fts5(
  message, content='record', content_rowid='row', tokenize="unicode61 remove_diacritics 2");
"""


class LogStore:
    """Opens or makes the store in a folder (StoreError). ``close`` writes what waits. Safe from any thread."""

    def __init__(self, folder: str, keep_records: int = 1_000_000) -> None:
        self._path = os.path.join(folder, "logs.sqlite")
        self._keep = keep_records
        self._queue: queue.Queue[tuple[Sequence[Record], Future[Taken]] | None] = queue.Queue()
        self._lock = threading.Lock()
        self._waiting = 0
        self._closed = False
        self._last_success_s: float | None = None
        self._writer = self._open(folder)
        self._stored: int = self._writer.execute("SELECT count(*) FROM record").fetchone()[0]
        self.counts = dict.fromkeys(("accepted", "duplicate", "rejected", "expired", "failures"), 0)
        self._thread = threading.Thread(target=self._write_all, name="log-store", daemon=True)
        self._thread.start()

    def _open(self, folder: str) -> sqlite3.Connection:
        try:
            os.makedirs(folder, exist_ok=True)
            connection = sqlite3.connect(self._path, timeout=30, isolation_level=None, check_same_thread=False)
        except (OSError, sqlite3.Error) as error:
            raise StoreError(f"the log store {self._path} cannot be opened: {error}") from None
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            connection.executescript(_SCHEMA)
        except sqlite3.Error as error:
            connection.close()
            raise StoreError(
                f"the log store {self._path} cannot be opened: {error}; move it away to begin anew"
            ) from None
        return connection

    def close(self) -> None:
        """Write what waits, then stop."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._queue.put(_CLOSE)
        self._thread.join()
        self._writer.close()

    # --- writing ------------------------------------------------------------------------------------------------------

    def add(self, records: Sequence[Record]) -> "Future[Taken]":
        """Hand over a batch; the future is done when it is on disk. It fails with StoreError."""
        future: Future[Taken] = Future()
        with self._lock:
            if self._closed:
                future.set_exception(StoreError("the log store is closed"))
            elif self._waiting and self._waiting + len(records) > _WAITING_RECORDS:
                future.set_exception(StoreError(f"{self._waiting} records wait for the disk already"))
            else:
                self._waiting += len(records)
                self._queue.put((records, future))
        return future

    def _write_all(self) -> None:
        going = True
        while going:
            batches, going = self._next_batches()
            records = [record for batch, _ in batches for record in batch]
            try:
                done = self._write([batch for batch, _ in batches])
            except Exception as error:  # whatever it was, senders must hear of it and the thread must live
                self.counts["failures"] += len(batches)
                for _, future in batches:
                    future.set_exception(StoreError(f"the log store cannot write: {error}"))
            else:
                for (_, future), taken in zip(batches, done, strict=True):
                    future.set_result(taken)
            with self._lock:
                self._waiting -= len(records)

    def _next_batches(self) -> tuple[list[tuple[Sequence[Record], Future[Taken]]], bool]:
        batches: list[tuple[Sequence[Record], Future[Taken]]] = []
        entry = self._queue.get()
        size = 0
        while entry is not _CLOSE:
            batches.append(entry)
            size += len(entry[0])
            if size >= _BATCH_RECORDS:
                return batches, True
            try:
                entry = self._queue.get_nowait()
            except queue.Empty:
                return batches, True
        return batches, False

    def _write(self, batches: list[Sequence[Record]]) -> list[Taken]:
        with self._transaction():
            done = [self._insert(batch) for batch in batches]
            accepted = sum(taken.accepted for taken in done)
            expired = self._expire(self._stored + accepted - self._keep)
        self._last_success_s = time.time()
        self._stored += accepted - expired
        self.counts["accepted"] += accepted
        self.counts["duplicate"] += sum(taken.duplicate for taken in done)
        self.counts["expired"] += expired
        return done

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        self._writer.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._writer.execute("COMMIT")
        except BaseException:
            if self._writer.in_transaction:
                self._writer.execute("ROLLBACK")
            raise

    def _insert(self, batch: Sequence[Record]) -> Taken:
        accepted = 0
        # FTS5 writes out its buffer whenever row ids fall, so a batch goes in by time.
        for record in sorted(batch, key=lambda record: record.time_us):
            row = self._free_row(record.time_us // 1000)
            inserted = self._writer.execute(
                "INSERT OR IGNORE INTO record VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    row, record.id, record.time_us, record.level,
                    record.host, record.service, record.message, record.fields,
                ),
            )  # fmt: skip
            if inserted.rowcount:
                self._writer.execute("INSERT INTO words (rowid, message) VALUES (?, ?)", (row, record.message))
                accepted += 1
        return Taken(accepted, len(batch) - accepted)

    def _free_row(self, millisecond: int) -> int:
        low = millisecond * ORDER_SLOT
        newest = self._writer.execute("SELECT max(row) FROM record WHERE row >= ? AND row < ?", (low, low + ORDER_SLOT))
        last: int | None = newest.fetchone()[0]
        if last is None:
            return low
        return last + 1 if last + 1 < low + ORDER_SLOT else self._free_row(millisecond + 1)

    def _expire(self, surplus: int) -> int:
        if surplus <= 0:
            return 0
        oldest = self._writer.execute("SELECT row FROM record ORDER BY row LIMIT 1 OFFSET ?", (surplus - 1,)).fetchone()
        if oldest is None:
            return 0
        # An index beside its content is told what to forget by what it was told before.
        self._writer.execute(
            "INSERT INTO words (words, rowid, message) SELECT 'delete', row, message FROM record WHERE row <= ?", oldest
        )
        return self._writer.execute("DELETE FROM record WHERE row <= ?", oldest).rowcount

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
        """Records newest first. ``level`` means this one and worse; ``before`` is ``Found.next`` of the page before.

        Raises QueryError for a text without words, ValueError for an unknown level.
        """
        where, values = _conditions(query, since_s, until_s, level, host)
        from_ = "words JOIN record ON record.row = words.rowid" if "words MATCH ?" in where else "record"
        key = "words.rowid" if from_ != "record" else "record.row"
        where = where.replace("{row}", key)
        marked = "highlight(words, 0, char(2), char(3))" if from_ != "record" else "message"
        page = f"{where} AND {key} < ?" if before is not None else where
        columns = "record.row, id, time_us, level, host, service, record.message, fields"
        with contextlib.closing(sqlite3.connect(f"file:{self._path}?mode=ro", timeout=10, uri=True)) as reader:
            # Nothing of the user's stands in these texts: columns and conditions are ours, values are bound.
            rows = reader.execute(
                f"SELECT {columns}, {marked} FROM {from_} WHERE {page} ORDER BY {key} DESC LIMIT ?",  # noqa: S608
                [*values, *([before] if before is not None else []), limit + 1],
            ).fetchall()
            counted = f"SELECT count(*) FROM (SELECT 1 FROM {from_} WHERE {where} LIMIT ?)"  # noqa: S608
            total = reader.execute(counted, [*values, COUNT_LIMIT + 1]).fetchone()[0]
        following = rows[limit - 1][0] if len(rows) > limit else None
        return Found([_row(row) for row in rows[:limit]], min(total, COUNT_LIMIT), total > COUNT_LIMIT, following)

    def hosts(self) -> list[str]:
        """The hosts that records came from, at most 200, for a form's list."""
        walk = (
            "WITH RECURSIVE host(name) AS (SELECT min(host) FROM record UNION ALL "
            "SELECT (SELECT min(host) FROM record WHERE host > name) FROM host WHERE name IS NOT NULL LIMIT 200) "
            "SELECT name FROM host WHERE name > ''"
        )
        with contextlib.closing(sqlite3.connect(f"file:{self._path}?mode=ro", timeout=10, uri=True)) as reader:
            return [name for (name,) in reader.execute(walk)]

    def state(self) -> State:
        """It answers as long as it is open."""
        return State(not self._closed, self._last_success_s, "the log store is closed" if self._closed else "")

    def samples(self) -> Iterator[Sample]:
        """The store's own metrics."""
        for outcome in ("accepted", "duplicate", "rejected"):
            yield Sample("tocsin_logs_records_total", {"outcome": outcome}, self.counts[outcome])
        yield Sample("tocsin_logs_stored_records", {}, self._stored)
        yield Sample("tocsin_logs_expired_records_total", {}, self.counts["expired"])
        yield Sample("tocsin_logs_write_failures_total", {}, self.counts["failures"])
        with contextlib.suppress(OSError):
            yield Sample("tocsin_logs_store_bytes", {}, os.path.getsize(self._path))


def _conditions(
    query: str, since_s: float | None, until_s: float | None, level: str, host: str
) -> tuple[str, list[object]]:
    parts: list[str] = ["1"]
    values: list[object] = []
    expression = match(query)
    if expression is not None:
        parts.append("words MATCH ?")
        values.append(expression)
    for bound, op in ((since_s, ">="), (until_s, "<")):
        if bound is not None:
            parts.append(f"{{row}} {op} ?")
            values.append(max(0, min(int(bound * 1000), 1 << 42)) * ORDER_SLOT)
    if level:
        if level not in LEVELS:
            raise ValueError(f"level {level!r:.40}: one of {', '.join(LEVELS)} expected")
        parts.append("level >= ?")
        values.append(LEVELS.index(level))
    if host:
        parts.append("host = ?")
        values.append(host)
    return " AND ".join(parts), values


def _row(found: tuple[int, str | None, int, int | None, str, str, str, str, str]) -> Row:
    _, id_, time_us, level, host, service, message, fields, marked = found
    rest = json.loads(fields)
    name = LEVELS[level] if level is not None else str(rest.get("log.level", ""))
    return Row(time_us / 1e6, name, host, service, message, marked, id_, rest)
