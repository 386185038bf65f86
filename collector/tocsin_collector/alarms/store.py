"""What must outlive a restart: alarms, their history, and messages until each target has them. SQLite.

An alarm's change and the message that tells of it are one transaction, so that a crash between them can neither
swallow a message nor send it twice. (Between a target's yes and our note of it stands one write: a crash just there
repeats that message, since losing it would be worse.)"""

import contextlib
import json
import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tocsin_collector.alarms.state import RESOLVED, Alarm, Key

KEEP_HISTORY = 1_000
KEEP_WAITING = 10_000
"""Messages that wait for a target are kept longer than those that were delivered, and not for ever."""
KEEP_MARKS_S = 30 * 86_400.0
"""How long it is known that a received alert was told; an alert that fires longer is told anew by its repetition."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS alarm (
  alert TEXT, labels TEXT, severity TEXT, state TEXT, since_s REAL, fired_s REAL, resolved_s REAL, value REAL,
  reasons TEXT, window TEXT);
CREATE UNIQUE INDEX IF NOT EXISTS alarm_live ON alarm (alert, labels) WHERE state != 'resolved';
CREATE TABLE IF NOT EXISTS judged (alert TEXT, labels TEXT, end_s REAL, PRIMARY KEY (alert, labels));
CREATE TABLE IF NOT EXISTS message (id INTEGER PRIMARY KEY, made_s REAL, kind TEXT, title TEXT, body TEXT);
CREATE TABLE IF NOT EXISTS delivery (
  message INTEGER, target TEXT, attempts INTEGER, next_s REAL, state TEXT, error TEXT, PRIMARY KEY (message, target));
CREATE TABLE IF NOT EXISTS received (mark TEXT PRIMARY KEY, told_s REAL) WITHOUT ROWID;
"""
_COLUMNS = "alert, labels, severity, state, since_s, fired_s, resolved_s, value, reasons, window"


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message that one target has not got yet."""

    message: int
    target: str
    attempts: int
    kind: str
    title: str
    body: str


class AlarmStore:
    """Opens or makes ``alarms.sqlite`` in a folder. Safe from any thread."""

    def __init__(self, folder: str) -> None:
        os.makedirs(folder, exist_ok=True)
        path = os.path.join(folder, "alarms.sqlite")
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=FULL")
        self._connection.executescript(_SCHEMA)

    def close(self) -> None:
        """Release the file."""
        self._connection.close()

    def live(self) -> dict[Key, Alarm]:
        """Pending and firing alarms."""
        with self._lock:
            rows = self._connection.execute(f"SELECT {_COLUMNS} FROM alarm WHERE state != ?", (RESOLVED,)).fetchall()  # noqa: S608
        return {alarm.key: alarm for alarm in map(_alarm, rows)}

    def history(self, limit: int) -> list[Alarm]:
        """Resolved alarms, the newest first."""
        query = f"SELECT {_COLUMNS} FROM alarm WHERE state = ? ORDER BY resolved_s DESC, rowid DESC LIMIT ?"  # noqa: S608
        with self._lock:
            return [_alarm(row) for row in self._connection.execute(query, (RESOLVED, limit))]

    def newest(self, key: Key) -> Alarm | None:
        """The alarm of a key that ended last."""
        query = (
            f"SELECT {_COLUMNS} FROM alarm WHERE alert = ? AND labels = ? AND state = ? "  # noqa: S608
            "ORDER BY resolved_s DESC, rowid DESC LIMIT 1"
        )
        with self._lock:
            row = self._connection.execute(query, (key[0], json.dumps(key[1]), RESOLVED)).fetchone()
        return _alarm(row) if row else None

    def judged(self) -> dict[Key, float]:
        """The end of the newest window that was judged for each alert of each model."""
        with self._lock:
            rows = self._connection.execute("SELECT alert, labels, end_s FROM judged").fetchall()
        return {(alert, _labels(labels)): end_s for alert, labels, end_s in rows}

    def save(
        self,
        changed: Sequence[Alarm],
        ended: Sequence[Key] = (),
        judged: Sequence[tuple[Key, float]] = (),
        messages: Sequence[tuple[str, str, str]] = (),
        targets: Sequence[str] = (),
        now: float = 0.0,
        marks: Sequence[str] = (),
    ) -> None:
        """Keep alarms as they are now, forget pending ones that ended, put messages (kind, title, body) into the
        queue of every target, and mark received alerts as told: all or nothing."""
        with self._transaction() as write:
            for alert, labels in [*ended, *(alarm.key for alarm in changed)]:
                write.execute(
                    "DELETE FROM alarm WHERE alert = ? AND labels = ? AND state != ?",
                    (alert, json.dumps(labels), RESOLVED),
                )
            write.executemany("INSERT INTO alarm VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", map(_row, changed))
            write.executemany(
                "INSERT OR REPLACE INTO judged VALUES (?, ?, ?)",
                [(alert, json.dumps(labels), end_s) for (alert, labels), end_s in judged],
            )
            for kind, title, body in messages:
                values = (now, kind, title, body)
                made = write.execute("INSERT INTO message (made_s, kind, title, body) VALUES (?, ?, ?, ?)", values)
                deliveries = [(made.lastrowid, target, now) for target in targets]
                write.executemany("INSERT INTO delivery VALUES (?, ?, 0, ?, 'waiting', '')", deliveries)
            write.executemany("INSERT OR REPLACE INTO received VALUES (?, ?)", [(mark, now) for mark in marks])
            if marks:
                write.execute("DELETE FROM received WHERE told_s < ?", (now - KEEP_MARKS_S,))
            self._trim(write)

    def marked(self, marks: Sequence[str]) -> dict[str, float]:
        """When each of these received alerts was told, if it was."""
        query = "SELECT told_s FROM received WHERE mark = ?"
        with self._lock:
            found = {mark: self._connection.execute(query, (mark,)).fetchone() for mark in marks}
        return {mark: row[0] for mark, row in found.items() if row}

    @staticmethod
    def _trim(write: sqlite3.Connection) -> None:
        write.execute(
            "DELETE FROM alarm WHERE state = ? AND rowid <= "
            "(SELECT rowid FROM alarm WHERE state = ? ORDER BY rowid DESC LIMIT 1 OFFSET ?)",
            (RESOLVED, RESOLVED, KEEP_HISTORY),
        )
        newest, waiting = "(SELECT max(id) FROM message)", "(SELECT message FROM delivery WHERE state = 'waiting')"
        write.execute(
            f"DELETE FROM message WHERE id <= {newest} - ? AND (id <= {newest} - ? OR id NOT IN {waiting})",  # noqa: S608
            (KEEP_HISTORY, KEEP_WAITING),
        )
        write.execute("DELETE FROM delivery WHERE message NOT IN (SELECT id FROM message)")

    # --- deliveries ---------------------------------------------------------------------------------------------------

    def due(self, now: float) -> list[Waiting]:
        """Deliveries whose time has come, in the order of their messages, the oldest of each target only."""
        query = (
            "SELECT message, target, attempts, kind, title, body FROM delivery JOIN message ON message.id = message "
            "WHERE state = 'waiting' AND next_s <= ? AND message = (SELECT min(older.message) FROM delivery AS older "
            "WHERE older.target = delivery.target AND older.state = 'waiting') ORDER BY message"
        )
        with self._lock:
            return [Waiting(*row) for row in self._connection.execute(query, (now,))]

    def next_due_s(self) -> float | None:
        """When the next delivery wants to be tried."""
        with self._lock:
            found: tuple[float | None] = self._connection.execute(
                "SELECT min(next_s) FROM delivery WHERE state = 'waiting'"
            ).fetchone()
        return found[0]

    def delivered(self, waiting: Waiting) -> None:
        """Note a target's yes."""
        self._delivery(waiting, "delivered", 0.0, "")

    def retry(self, waiting: Waiting, next_s: float, error: str) -> None:
        """Note a failed attempt and when to try again."""
        self._delivery(waiting, "waiting", next_s, error)

    def give_up(self, waiting: Waiting, error: str) -> None:
        """Note that a message will not reach a target."""
        self._delivery(waiting, "failed", 0.0, error)

    def _delivery(self, waiting: Waiting, state: str, next_s: float, error: str) -> None:
        with self._transaction() as write:
            write.execute(
                "UPDATE delivery SET attempts = attempts + 1, state = ?, next_s = ?, error = ? "
                "WHERE message = ? AND target = ?",
                (state, next_s, error, waiting.message, waiting.target),
            )

    def tallies(self) -> dict[str, dict[str, int]]:
        """How many deliveries each target has in each state."""
        found: dict[str, dict[str, int]] = {}
        with self._lock:
            rows = self._connection.execute("SELECT target, state, count(*) FROM delivery GROUP BY 1, 2").fetchall()
        for target, state, count in rows:
            found.setdefault(target, {})[state] = count
        return found

    def last_error(self, target: str) -> str:
        """Why the target's newest failed delivery failed."""
        query = "SELECT error FROM delivery WHERE target = ? AND error != '' ORDER BY message DESC LIMIT 1"
        with self._lock:
            row = self._connection.execute(query, (target,)).fetchone()
        return row[0] if row else ""

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise


def _row(alarm: Alarm) -> tuple[object, ...]:
    window = json.dumps(alarm.window) if alarm.window else None
    return (
        alarm.alert, json.dumps(alarm.labels), alarm.severity, alarm.state, alarm.since_s, alarm.fired_s,
        alarm.resolved_s, alarm.value, json.dumps(alarm.reasons), window,
    )  # fmt: skip


def _alarm(row: tuple[str, str, str, str, float, float | None, float | None, float | None, str, str | None]) -> Alarm:
    alert, labels, severity, state, since_s, fired_s, resolved_s, value, reasons, window = row
    start, end = json.loads(window) if window else (0.0, 0.0)
    return Alarm(
        alert, severity, _labels(labels), state, since_s, fired_s, resolved_s, value,
        tuple(json.loads(reasons)), (start, end) if window else None,
    )  # fmt: skip


def _labels(text: str) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in json.loads(text))
