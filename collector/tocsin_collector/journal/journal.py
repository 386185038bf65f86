"""The journal of a collector: a folder of segments, one writer.

What can have happened before an open, and what is done about it:

1. *The process or the machine died while it wrote.* The last segment ends in a torn record, which nobody was told of:
   it is cut off and the segment is sealed. A segment is only ever written by the process that created it, so new
   records go to a new segment and nothing is appended behind a tail that could be in doubt.
2. *Bytes went bad later.* Records follow the bad stretch, or it lies in a sealed segment. It stays where it is, is told
   as ``Damage``, and the replay goes on behind it.
3. *A write or a sync failed* (a full disk, a dying one). What fdatasync left of the pages is unknown, so the segment is
   cut back to its last durable record and sealed; the next commit begins a new one, and so the journal resumes by
   itself as soon as there is room. When it cannot even be cut, what it holds behind the next segment's base is void:
   nobody was told of it, and who sent it has sent it again.
"""

import asyncio
import contextlib
import errno
import fcntl
import logging
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple, TypeVar

from tocsin_collector.journal.reading import JournalError, is_sealed, read
from tocsin_collector.journal.records import Gap, Record
from tocsin_collector.journal.reserve import Reserve
from tocsin_collector.journal.segment import Name, Segment, Store, segments, sync_folder
from tocsin_collector.journal.stores import STORES, store_of

T = TypeVar("T")
SEGMENT_BYTES = 64 << 20
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_log = logging.getLogger(__name__)


class JournalFull(JournalError):  # noqa: N818 - it is a state that ends, and reads so where it is caught
    """There is no room; nothing was written, and the same append works once there is."""


class Damage(NamedTuple):
    """Bytes of a segment that can no longer be read; what follows them was replayed."""

    path: Path
    offset: int
    size_bytes: int


class Journal:
    """Made by ``open_journal``. Appending and writing happen in one thread of its own."""

    def __init__(self, folder: Path, lock: int, segment_bytes: int, store: Store) -> None:
        self.folder = folder
        self.damage: list[Damage] = []
        self.bytes_total = 0
        self.syncs_total = 0
        self.sync_seconds_total = 0.0
        self._lock = lock
        self._segment_bytes = segment_bytes
        self._store = store
        self._segment: Segment | None = None
        self._thread = ThreadPoolExecutor(1, "tocsin-journal")
        self.end = _cut_tail(folder)
        """The position behind the last record."""
        self._reserve = Reserve(folder)

    def replay(self, since: int = 0, until: int | None = None) -> Iterator[tuple[int, int, bytes]]:
        """Every sound record from one position to before another (default: the end), oldest first: position, type,
        payload. Fills ``damage`` anew. What is being written at the same time is behind the end and not seen."""
        self.damage = []
        for found in read(self.folder, since, self.end if until is None else until):
            if isinstance(found.item, Record):
                yield found.position, found.item.type, found.item.payload
            else:
                self._report(found.segment, found.item)

    @property
    def stopped(self) -> bool:
        """Whether the disk was full at the last commit, of this process or of the one before."""
        return self._reserve.stopped

    @property
    def newest(self) -> str:
        """The name of the newest segment; empty where there is none. No other journal has one of that name."""
        names = segments(self.folder)
        return names[-1].path.name if names else ""

    def has(self, segment: str, position: int) -> bool:
        """Whether this journal has come to a position when that segment was its newest."""
        found = [name for name in segments(self.folder) if name.path.name == segment and name.base <= position]
        return bool(found) and position <= self.end

    async def append(self, records: list[tuple[int, bytes]]) -> list[int]:
        """Append records in the journal's own thread; their positions, once they are on disk."""
        return await self.run(lambda: self.commit(records))

    async def run(self, work: Callable[[], T]) -> T:
        """Do something in the journal's thread, where it may call ``commit``."""
        if self._lock < 0:
            raise JournalError(f"{self.folder}: the journal is closed")
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def commit(self, records: list[tuple[int, bytes]]) -> list[int]:
        """Append records, all or none, with one fdatasync; their positions. Raises JournalFull or JournalError."""
        size = sum(32 + len(payload) for _, payload in records)  # header and padding
        started = time.perf_counter()
        try:
            if self._reserve.stopped:
                self._reserve.put_aside()
            segment = self._with_room(size)
            positions = segment.write(records)
        except OSError as error:
            self._give_up()
            kind = JournalFull if error.errno in _FULL else JournalError
            if kind is JournalFull:
                self._reserve.give_up(self.end, str(error.strerror))
            raise kind(f"{self.folder}: {size} bytes could not be written: {error.strerror}") from error
        if self._reserve.stopped:
            self._reserve.resume()
        self.syncs_total += 1
        self.sync_seconds_total += time.perf_counter() - started
        self.bytes_total += segment.base + segment.length - self.end
        self.end = segment.base + segment.length
        return positions

    def roll(self) -> None:
        """Seal the segment, so that what is in it can be let go of; the next commit begins another."""
        with contextlib.suppress(OSError):
            self._seal()

    def close(self) -> None:
        """Seal the segment and let the folder go. A second call does nothing."""
        self._thread.shutdown()
        if self._lock < 0:
            return
        with contextlib.suppress(OSError):
            self._seal()
        os.close(self._lock)
        self._lock = -1

    def _with_room(self, size_bytes: int) -> Segment:
        if self._segment is not None and self._segment.length + size_bytes > self._segment.room:
            self._seal()
        if self._segment is None:
            self._segment = self._store.create(self.folder, self.end, max(self._segment_bytes, size_bytes))
        return self._segment

    def _seal(self) -> None:
        segment, self._segment = self._segment, None
        if segment is None:
            return
        if segment.length:
            segment.seal()
        else:
            segment.discard()

    def _give_up(self) -> None:
        # Best effort: what cannot be cut now was never acknowledged, and a replay that finds it sees a sound record
        # that its sender sends again, which the dedupe counts once.
        with contextlib.suppress(OSError):
            self._seal()

    def _report(self, name: Name, gap: Gap) -> None:
        self.damage.append(Damage(name.path, gap.start, gap.end - gap.start))
        _log.error("journal_damaged file=%s offset=%d bytes=%d", name.path, gap.start, gap.end - gap.start)


def open_journal(folder: str | Path, *, segment_bytes: int = SEGMENT_BYTES, store: str = "segments") -> Journal:
    """Open or create a folder's journal and cut off a torn tail. New segments are of the kind that ``store`` names in
    ``STORES``; those that are there may be of any. Raises JournalError when another process has it."""
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise JournalError(f"{folder}: cannot be opened: {error.strerror}") from error
    try:
        _take(lock, folder)
        for unfinished in folder.glob("*-*.part*"):  # a segment that was to be written anew when its writer was killed
            unfinished.unlink()
        sync_folder(folder.parent)
        return Journal(folder, lock, segment_bytes, STORES[store])
    except BaseException:
        os.close(lock)
        raise


def _take(lock: int, folder: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        holder = os.pread(lock, 20, 0).decode("ascii", "replace").strip() or "unknown"
        raise JournalError(f"{folder}: in use by process {holder}; give each collector a folder of its own") from None
    with contextlib.suppress(OSError):  # who holds it is a help for people; a full disk keeps nobody from reading
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)


def _cut_tail(folder: Path) -> int:
    """Cut the last segment behind its last sound record, unless it was sealed; the position there."""
    names = segments(folder)
    if not names:
        return 0
    name = names[-1]
    store = store_of(name)
    try:
        if is_sealed(name):
            return name.base + store.length(name)
        length = store.cut(name)
        sync_folder(folder)
    except OSError as error:
        raise JournalError(f"{name.path}: cannot be opened: {error.strerror}") from error
    return name.base + length
