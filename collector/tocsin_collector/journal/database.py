"""Segments as SQLite databases, for file systems that reserved files and fdatasync are not trusted on, as of networks.

A rollback journal and not a write-ahead log, which needs memory that all readers share. It is truncated at a commit and
removed when the segment is sealed. A transaction that was killed is rolled back by whoever opens the database next.
Positions are those that the records would have in a plain file.
"""

import contextlib
import errno
import os
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import quote

from tocsin_collector.journal.records import HEADER, Gap, Record, checksum
from tocsin_collector.journal.segment import SEALED, Name, Place, put_in_place, sync_folder

PATIENCE_S = 30.0
"""How long a commit waits for readers, who hold a lock while they fetch some rows."""
_FETCHED = 64
_PASSING = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR)
"""Faults that tell of the moment, or of the disk; all others tell of what is in the file."""
_TABLE = "CREATE TABLE record (start INTEGER PRIMARY KEY, stop INTEGER, type INTEGER, crc INTEGER, payload BLOB)"
_PUT = "INSERT INTO record VALUES (?, ?, ?, ?, ?)"
_GET = "SELECT start, stop, type, crc, payload FROM record WHERE start >= ? ORDER BY start LIMIT ?"


class Databases:
    """See ``Store``."""

    def create(self, folder: Path, base: int, size_bytes: int) -> "DatabaseSegment":
        """See ``Store``; nothing is reserved."""
        with _faults():
            return DatabaseSegment(folder, base, size_bytes)

    def read(self, name: Name, end: int | None = None) -> Iterator[Record | Gap]:
        """See ``Store``. What cannot be reached behind a damaged page is one gap up to the end of the file."""
        if not name.path.exists():
            return
        with contextlib.closing(_connected(name.path)) as database:
            at = 0
            while True:
                try:
                    rows = database.execute(_GET, (at, _FETCHED)).fetchall()
                except sqlite3.DatabaseError as error:
                    if error.sqlite_errorcode & 0xFF in _PASSING:
                        raise _fault(error) from error
                    if size := name.path.stat().st_size:  # else its writer died before there was anything in it
                        yield Gap(at, max(at + 1, size), last=False)
                    return
                for start, stop, type, crc, payload in rows:
                    if end is not None and start >= end:
                        return
                    if start > at:
                        yield Gap(at, start, last=False)
                    sound = checksum(type, payload) == crc
                    yield Record(start, stop, type, payload) if sound else Gap(start, stop, last=False)
                    at = stop
                if not rows:
                    return

    def length(self, name: Name) -> int:
        """See ``Store``."""
        return max((found.end for found in self.read(name)), default=0)

    def cut(self, name: Name) -> int:
        """See ``Store``; there is no torn tail: opening it has rolled back what was not committed."""
        length = self.length(name)
        if length:
            _rollback_journal(name.path).unlink(missing_ok=True)  # what was in it is done, or was never to be
            _seal(name.path)
        else:
            self.remove(name)
        return length

    def remove(self, name: Name) -> None:
        """See ``Store``."""
        _remove(name.path)

    def rewrite(self, name: Name, places: Sequence[Place]) -> None:
        """See ``Store``. What was there before is not left in free pages."""
        unfinished = name.path.with_suffix(".part")
        unfinished.unlink(missing_ok=True)
        shutil.copyfile(name.path, unfinished)
        with _faults(), contextlib.closing(_connected(unfinished)) as database:
            database.execute("BEGIN")
            for place in places:
                database.execute("DELETE FROM record WHERE start >= ? AND start < ?", (place.start, place.end))
                crc = checksum(place.type, place.payload)
                database.execute(_PUT, (place.start, place.end, place.type, crc, place.payload))
            database.execute("COMMIT")
            database.execute("VACUUM")
        put_in_place(unfinished, name)


class DatabaseSegment:
    """See ``Segment``."""

    def __init__(self, folder: Path, base: int, size_bytes: int) -> None:
        self.base = base
        self.length = 0
        self.room = size_bytes
        self.path = folder / f"{base:020}-{os.urandom(8).hex()}.sqlite"
        os.close(os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        self._database = _connected(self.path)
        try:
            self._database.execute("PRAGMA journal_mode = TRUNCATE")
            self._database.execute("PRAGMA synchronous = EXTRA")
            self._database.execute(_TABLE)
            sync_folder(folder)
        except (sqlite3.Error, OSError):
            self.discard()
            raise

    def write(self, records: list[tuple[int, bytes]]) -> list[int]:
        """In one transaction."""
        rows = []
        at = self.length
        for type, payload in records:
            end = at + HEADER.size + len(payload) + -len(payload) % 8
            rows.append((at, end, type, checksum(type, payload), payload))
            at = end
        with _faults():
            self._database.execute("BEGIN IMMEDIATE")
            self._database.executemany(_PUT, rows)
            self._database.execute("COMMIT")
        self.length = at
        return [self.base + start for start, *_ in rows]

    def seal(self) -> None:
        """See ``Segment``; what a failed commit has left is rolled back first."""
        try:
            with _faults():
                if self._database.in_transaction:
                    self._database.execute("ROLLBACK")
                self._database.execute("PRAGMA journal_mode = DELETE")
        finally:
            self._database.close()
        _seal(self.path)

    def discard(self) -> None:
        """See ``Segment``."""
        self._database.close()
        _remove(self.path)


def _connected(path: Path) -> sqlite3.Connection:
    """Sealed ones are opened as what they are, without locks; else whoever comes after a kill must be able to write."""
    how = "mode=ro&immutable=1" if path.stat().st_mode & 0o777 == SEALED else "mode=rw"
    uri = f"file:{quote(str(path.absolute()))}?{how}"
    return sqlite3.connect(uri, PATIENCE_S, isolation_level=None, check_same_thread=False, uri=True)


def _remove(path: Path) -> None:
    path.unlink()
    _rollback_journal(path).unlink(missing_ok=True)


def _rollback_journal(path: Path) -> Path:
    return path.with_name(path.name + "-journal")


def _seal(path: Path) -> None:
    descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        os.fchmod(descriptor, SEALED)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _faults() -> Iterator[None]:
    """SQLite's errors as the journal knows them from files."""
    try:
        yield
    except sqlite3.Error as error:
        raise _fault(error) from error


def _fault(error: sqlite3.Error) -> OSError:
    full = getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_FULL
    return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) if full else OSError(errno.EIO, str(error))
