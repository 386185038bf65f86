"""The agent's side of the runtime directory: what all workers, dead and alive, have counted.

A worker is dead when its file's lock can be had and no process of its pid and start time is here; either alone says
that it lives, so a worker in another pid namespace, or on a file system without locks, is never folded while it counts.
Files come from other processes: they are read, never mapped (a file that shrinks would kill the agent), and one that is
not sound is skipped and counted; what it said before is kept as long as it is there, so that no sum goes backwards.
"""

import errno
import fcntl
import os
from itertools import pairwise
from stat import S_ISREG
from time import monotonic, sleep, time

from tocsin_agent.capture import fold
from tocsin_agent.capture.counts import COUNTERS
from tocsin_agent.capture.layout import DURATION, FIRST, IN_FLIGHT, SLOT_WORDS, SUFFIX, LayoutError, Snapshot, parse
from tocsin_agent.capture.meter import start_ticks
from tocsin_schema.latency import LE_INDEX

TYPE_CHECKING = False
if TYPE_CHECKING:
    from array import array

    from tocsin_agent.capture.layout import Key

MAX_FILES = 4_096
MAX_SERIES = 256
LOCK_WAIT_S = 0.2
STALE_S = 60.0
"""A hidden file of this age belongs to a worker that was killed while it made it."""

_EDGES = (0, *(index + 1 for index in LE_INDEX))
WIDTH = DURATION + 2 * len(_EDGES)


class Totals:
    """The sums of one reading. ``series`` maps a key to the slot's first words and two histograms by classic bucket."""

    __slots__ = ("counters", "live", "series", "skipped", "snapshots")

    def __init__(self) -> None:
        self.series: dict[Key, list[int]] = {}
        self.snapshots: list[Snapshot] = []
        self.counters = [0] * len(COUNTERS)
        self.live = 0
        self.skipped = 0

    def words(self) -> "dict[Key, array[int]]":
        """The same sums in every bucket of the layout, for who wants them that fine."""
        found: dict[Key, array[int]] = {}
        for snapshot in self.snapshots:
            for key, words in snapshot.series.items():
                kept = key if key in self.series else fold.REST
                found[kept] = fold.sums(found[kept], words) if kept in found else words
        return found


class Reader:
    """Reads one runtime directory; used by one thread, and safe beside other readers."""

    def __init__(self, directory: str) -> None:
        self._directory = directory
        self._good: dict[str, _File] = {}
        self._base = fold.empty()
        self._known: list[Key] = []

    def read(self) -> Totals:
        """All counts now. Raises OSError when the directory cannot be read, or another reader keeps its lock."""
        totals = Totals()
        try:
            lock = self._lock()
        except FileNotFoundError:
            return totals  # no worker has made the directory yet
        try:
            self._fill(totals, may_fold=lock >= 0)
        finally:
            if lock >= 0:
                os.close(lock)
        return totals

    def _lock(self) -> int:
        """The lock of the readers, which exclude each other; -1 where none can be made: then this one does not fold."""
        try:
            flags = os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
            fd = os.open(os.path.join(self._directory, ".lock"), flags, 0o644)
        except PermissionError:
            return -1
        except OSError as error:
            if error.errno != errno.EROFS:
                raise
            return -1
        deadline = monotonic() + LOCK_WAIT_S
        while True:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if monotonic() > deadline:
                    os.close(fd)
                    raise
                sleep(0.005)
            else:
                return fd

    def _fill(self, totals: Totals, *, may_fold: bool) -> None:
        base = self._load(totals, may_fold=may_fold)
        live: list[_File] = []
        dead: list[_File] = []
        names = self._names(may_fold=may_fold)
        for name in names:
            file = self._file(name, totals)
            if file is not None and file.snapshot.id not in base.folded:
                (live if file.alive else dead).append(file)
            elif file is not None and may_fold and not file.alive:
                self._unlink(name)  # folded before, by a reader that was killed in between
        if may_fold and dead:
            base, dead = self._fold(base, names, live, dead)
        totals.live = len(live)
        self._sum(totals, base, live, dead)

    def _load(self, totals: Totals, *, may_fold: bool) -> Snapshot:
        try:
            self._base = fold.load(self._directory)
        except LayoutError:  # what this reader knows of it goes on
            totals.skipped += 1
            if may_fold:
                base = os.path.join(self._directory, fold.BASE)
                os.replace(base, os.path.join(self._directory, fold.SPOILED))
                fold.save(self._directory, self._base)
        return self._base

    def _names(self, *, may_fold: bool) -> list[str]:
        entries = os.listdir(self._directory)
        if may_fold:
            for entry in entries:
                if entry.startswith(".") and len(entry) == 17:
                    self._clean(entry)
        names = sorted(entry for entry in entries if entry.endswith(SUFFIX))[:MAX_FILES]
        self._good = {name: self._good[name] for name in names if name in self._good}
        return names

    def _file(self, name: str, totals: Totals) -> "_File | None":
        """A worker's file; None when it has gone, or was never sound."""
        known = self._good.get(name)
        try:
            alive, raw = _read(os.path.join(self._directory, name))
            if known is None or known.raw != raw:
                known = self._good[name] = _File(name, raw)
            known.alive = alive or 0 != known.snapshot.start == start_ticks(known.snapshot.pid)
        except FileNotFoundError:
            return None
        except (LayoutError, OSError):
            totals.skipped += 1
            if known is not None:
                known.alive = True  # what it said last stays until it goes; it is not folded
        return known

    def _fold(
        self, base: Snapshot, names: list[str], live: "list[_File]", dead: "list[_File]"
    ) -> "tuple[Snapshot, list[_File]]":
        """The new base, and the dead that it has not taken."""
        present = set(names)
        still = [number for number in base.folded if f"{number:016x}{SUFFIX}" in present]
        keys = {key for file in live for key in file.snapshot.series}
        merged = fold.merged(base, still, [file.snapshot for file in dead], keys)
        try:
            fold.save(self._directory, merged)
        except OSError:  # a full disk: everything stays where it is, and counts from there
            return base, dead
        self._base = merged
        for file in dead:
            if file.snapshot.id in merged.folded:
                self._unlink(file.name)
        return merged, [file for file in dead if file.snapshot.id not in merged.folded]

    def _sum(self, totals: Totals, base: Snapshot, live: "list[_File]", dead: "list[_File]") -> None:
        found: dict[Key, list[int]] = {key: condense(words) for key, words in base.series.items()}
        counters = [base.counters]
        totals.snapshots = [base, *(file.snapshot for file in (*live, *dead))]
        for file in (*live, *dead):
            counters.append(file.snapshot.counters)
            for key, cells in file.cells.items():
                before = found.get(key, _ZEROS)
                found[key] = [a + b for a, b in zip(before, cells, strict=True)]
                if not file.alive:
                    found[key][IN_FLIGHT] = before[IN_FLIGHT]
        totals.counters = [sum(values) for values in zip(*[_padded(some) for some in counters], strict=True)]
        totals.series = self._bounded(found)

    def _bounded(self, found: "dict[Key, list[int]]") -> "dict[Key, list[int]]":
        """At most MAX_SERIES keys, those known first; the rest is ``_other``."""
        known = [key for key in self._known if key in found]
        known += sorted(found.keys() - set(known))
        self._known = known[:MAX_SERIES]
        bounded = {key: found[key] for key in self._known}
        for key in known[MAX_SERIES:]:
            bounded[fold.REST] = [a + b for a, b in zip(bounded.get(fold.REST, _ZEROS), found[key], strict=True)]
        return bounded

    def _clean(self, entry: str) -> None:
        path = os.path.join(self._directory, entry)
        try:
            if time() - os.stat(path, follow_symlinks=False).st_mtime > STALE_S and not _read(path)[0]:
                os.unlink(path)
        except (OSError, LayoutError):
            pass

    def _unlink(self, name: str) -> None:
        try:
            os.unlink(os.path.join(self._directory, name))
        except OSError:
            pass  # its id stays in the base, so it is not counted again


class _File:
    """One worker's file as it was read last."""

    __slots__ = ("alive", "cells", "name", "raw", "snapshot")

    def __init__(self, name: str, raw: bytes) -> None:
        self.name = name
        self.raw = raw
        self.snapshot = parse(raw)
        if name != f"{self.snapshot.id:016x}{SUFFIX}":
            raise LayoutError(f"{name} holds the id {self.snapshot.id:016x}")
        self.cells = {key: condense(words) for key, words in self.snapshot.series.items()}
        self.alive = True


_ZEROS = [0] * WIDTH


def condense(words: "array[int]") -> list[int]:
    """The first words of a slot, then both histograms by classic bucket; the last bucket is beyond the last bound."""
    cells = words[:DURATION].tolist()
    for start, end in ((DURATION, FIRST), (FIRST, SLOT_WORDS)):
        edges = [*(start + edge for edge in _EDGES), end]
        cells += [sum(words[low:high]) for low, high in pairwise(edges)]
    return cells


def _read(path: str) -> tuple[bool, bytes]:
    """Whether somebody holds the lock of a file, and then its content: in this order the dead have said all."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        if not S_ISREG(os.fstat(fd).st_mode):
            raise LayoutError("not a regular file")
        return _is_locked(fd), fold.read_all(fd)
    finally:
        os.close(fd)


def _is_locked(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False  # no locks here: the pid alone tells
    return False


def _padded(counters: "array[int]") -> list[int]:
    return [*counters[: len(COUNTERS)], *[0] * (len(COUNTERS) - len(counters))]
