"""The verdicts of final windows on disk, so that a model's past outlives the events that it was told from. SQLite.

The snapshot has them too, but it is only a short cut, which another version or another reference passes over; then the
windows are counted from the journal, and what retention has dropped cannot be counted any more. A verdict is kept
whole, with the cells and shares that it was judged by, and by the names of its fields: another version can read it.
"""

import contextlib
import itertools
import logging
import os
import sqlite3
import threading
import zlib
from collections.abc import Iterable, Iterator

from pydantic import ValidationError

from tocsin_collector.monitor import verdict_json
from tocsin_collector.verdict import ModelKey, WindowVerdict

FILE = "windows.sqlite"
WRITE_MOST = 50
"""Verdicts of one transaction: whoever ends the collector waits for no more."""
_TABLE = """
CREATE TABLE IF NOT EXISTS verdict (
  project TEXT, model TEXT, version TEXT, start_s REAL, rows INTEGER, told BLOB,
  PRIMARY KEY (project, model, version, start_s));
"""
_NEWEST = "SELECT project, model, version, MAX(start_s) FROM verdict GROUP BY project, model, version"
# Counted anew from a journal that has lost events, a window has fewer rows than it had.
_PUT = """
INSERT INTO verdict VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET rows = excluded.rows, told = excluded.told
WHERE excluded.rows >= verdict.rows
"""
_OLDEST_GO = """
DELETE FROM verdict WHERE (project, model, version) = (?1, ?2, ?3) AND start_s <= (
  SELECT start_s FROM verdict WHERE (project, model, version) = (?1, ?2, ?3) ORDER BY start_s DESC LIMIT 1 OFFSET ?4)
"""
_GET = "SELECT project, model, version, start_s, told FROM verdict ORDER BY project, model, version, start_s"
_log = logging.getLogger(__name__)


class Record:
    """Opens or makes ``windows.sqlite`` in a folder; the newest ``keep`` windows of a model version stay in it. One
    that is damaged is set aside and said: it is the past alone, and stops nobody. Safe from any thread."""

    def __init__(self, folder: str, keep: int) -> None:
        os.makedirs(folder, exist_ok=True)
        self._keep = keep
        self._lock = threading.Lock()
        self._connection, self._newest = _opened(os.path.join(folder, FILE))

    def close(self) -> None:
        """Release the file."""
        self._connection.close()

    def forget_written(self) -> None:
        """All windows have been counted anew: what they tell now is written once more."""
        with self._lock:
            self._newest.clear()

    def put(self, verdicts: Iterable[WindowVerdict]) -> Iterator[None]:
        """Write the final ones of one model version, given in order of time, that were not written yet; they are on
        disk after each step. Raises sqlite3.Error."""
        fresh = (one for one in verdicts if one.final and one.start_s > self._newest.get(one.key, float("-inf")))
        while some := list(itertools.islice(fresh, WRITE_MOST)):
            rows = [(*one.key, one.start_s, one.rows, _pack(one)) for one in some]
            with self._lock:
                self._connection.execute("BEGIN IMMEDIATE")
                try:
                    self._connection.executemany(_PUT, rows)
                    self._connection.execute(_OLDEST_GO, (*some[0].key, self._keep))
                    self._connection.execute("COMMIT")
                except BaseException:
                    with contextlib.suppress(sqlite3.Error):
                        self._connection.execute("ROLLBACK")
                    raise
                self._newest[some[-1].key] = some[-1].start_s
            yield

    def load(self) -> Iterator[WindowVerdict]:
        """All that is kept, by model version and time; what cannot be read is said and left out."""
        with self._lock:
            found = self._connection.execute(_GET).fetchall()
        for *name, start_s, told in found:
            try:
                yield _unpack(told)
            except (ValidationError, zlib.error) as error:
                _log.warning("window_unreadable model=%s start_s=%.0f reason=%s", "/".join(name), start_s, error)


def _opened(path: str) -> tuple[sqlite3.Connection, dict[ModelKey, float]]:
    """The database, and the start of the newest window in it by model version."""
    try:
        return _read(path)
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            raise
        aside = f"{path}.damaged"
        _log.error("record_damaged file=%s reason=%s; it is set aside as %s, and begun anew", path, error, aside)
        os.replace(path, aside)
        for rest in ("-wal", "-shm"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path + rest)
        return _read(path)


def _read(path: str) -> tuple[sqlite3.Connection, dict[ModelKey, float]]:
    connection = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.executescript(_TABLE)
        return connection, {ModelKey(*name): start_s for *name, start_s in connection.execute(_NEWEST)}
    except BaseException:
        connection.close()
        raise


def _pack(verdict: WindowVerdict) -> bytes:
    return zlib.compress(verdict_json.dump([verdict]), 1)


def _unpack(told: bytes) -> WindowVerdict:
    return verdict_json.load(zlib.decompress(told))[0]
