"""The room of one mounted filesystem; a server that does not answer costs one thread, and no scrape.

statfs(2) of a local filesystem reads counters in memory. That of NFS, CIFS or FUSE asks a server and may sleep for ever
in the kernel, where nothing can wake it (node_exporter issues 244, 578, 3058): it has a thread, at most one a mount.
"""

import os
from _thread import allocate_lock, start_new_thread
from time import monotonic

_LOCAL = """
ext2 ext3 ext4 xfs btrfs f2fs zfs bcachefs tmpfs ramfs vfat exfat jfs reiserfs udf hfsplus ntfs3
"""
LOCAL = frozenset(_LOCAL.split())
"""Types whose statfs never waits for anything."""

SLOW_S = 0.1
STUCK = "mountpoint timeout"


def mountpoint(path: str, *fstypes: str) -> "Mountpoint":
    """A mount by its path; one that a thread hangs in is the one that hangs, whoever asked: it gets no second thread.

    ``fstypes``: its own, and those of the mounts that the way to it crosses and that may wait.
    """
    return _asked.get((path, *fstypes)) or Mountpoint(path, *fstypes)


class Mountpoint:
    """One mount. An answer is a statvfs result, or the text of the error."""

    __slots__ = ("_answer", "_busy", "_done", "_key", "_late", "_path", "_slow", "_waits")

    def __init__(self, path: str, *fstypes: str) -> None:
        self._path = path
        self._key = path, *fstypes
        self._waits = not LOCAL.issuperset(fstypes)
        self._busy = self._slow = self._late = False
        self._done = allocate_lock()
        self._answer: os.statvfs_result | str | None = None

    def ask(self) -> None:
        """Begin to ask, unless a question is on its way or its answer lies here."""
        if self._waits and not self._busy and self._answer is None:
            self._start()

    def answer(self, wait_s: float) -> "os.statvfs_result | str":
        """The answer to ``ask``; this waits so long for it and no longer, and not again for one that is late already.

        A slow server is asked for the next scrape as soon as it has answered: its room is one scrape old, never older.
        """
        if not self._waits:
            return self._statvfs()
        if self._busy and self._done.acquire(timeout=0 if self._late else max(wait_s, 0)):
            self._done.release()
        answer, self._answer = self._answer, None
        self._late = answer is None
        if answer is None:
            return STUCK
        if self._slow:
            self._start()
        return answer

    def _start(self) -> None:
        self._done.acquire()
        self._busy = True
        _asked[self._key] = self
        try:
            start_new_thread(self._work, ())
        except RuntimeError as error:  # the host has no thread left for us; the next scrape asks again
            self._answer = str(error)
            self._slow = False
            self._free()

    def _work(self) -> None:
        began = monotonic()
        answer = self._statvfs()
        self._slow = monotonic() - began > SLOW_S
        self._answer = answer
        self._free()

    def _free(self) -> None:
        self._busy = False
        _asked.pop(self._key, None)
        self._done.release()

    def _statvfs(self) -> "os.statvfs_result | str":
        try:
            return os.statvfs(self._path)
        except OSError as error:
            return (error.strerror or "error").lower()
        except ValueError as error:  # a path that no kernel can have
            return str(error)


_asked: dict[tuple[str, ...], Mountpoint] = {}
"""Those that a thread is in."""
