"""Blocks that memory has no room for, as files: a process that ends before the endpoint is back loses nothing of them.

Each process has a folder of its own under TOCSIN_SPILL_DIR, named by its producer, with a file ``lock`` that it holds
(decision 0022). A folder whose lock nobody holds is a dead process's: whoever finds it first sends its blocks under
their own producer and sequence, so that one that had arrived is known there. Files are complete or not there (written
aside, then renamed); they are not synced, so they outlive the process and not the machine's power.
"""

import fcntl
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_BYTES = 256 << 20
"""The bound for a process's own blocks."""
_SUFFIX, _ASIDE, _LOCK = ".block", ".part", "lock"


class Spill:
    """The spilled blocks of this process, and of dead ones. One thread at a time may use it."""

    def __init__(self, directory: str, producer: str) -> None:
        self._directory = directory
        self._own = os.path.join(directory, producer)
        self._locks: dict[str, int] = {}
        self._listed: list[str] = []
        self._number = 0
        self._bytes = 0

    def put(self, body: bytes, rows: int) -> bool:
        """Write a block; False when there is no room or the folder cannot be written."""
        if self._bytes + len(body) > MAX_BYTES:
            return False
        name = os.path.join(self._own, f"{self._number:012}-{rows}{_SUFFIX}")
        try:
            if self._own not in self._locks:
                os.makedirs(self._own, mode=0o700, exist_ok=True)
                self._lock(self._own)
            fd = os.open(name + _ASIDE, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with open(fd, "wb") as file:
                file.write(body)
            os.rename(name + _ASIDE, name)
        except OSError:
            _remove(name + _ASIDE)  # what a full disk took of it would keep others from room
            return False
        self._number += 1
        self._bytes += len(body)
        return True

    def oldest(self) -> "tuple[str, bytes, int] | None":
        """A block's file, bytes and rows: the oldest of this process, else of a dead one. None when there is none."""
        if not self._listed:  # listing anew for each of very many would take longer than sending them
            self._listed = [path for folder in self._folders() for path in self._blocks(folder)][::-1]
        while self._listed:
            path = self._listed[-1]
            try:
                with open(path, "rb") as file:
                    return path, file.read(), int(path[: -len(_SUFFIX)].rpartition("-")[2])
            except (OSError, ValueError):
                _remove(path)  # not of ours, or unreadable: it must not stop those behind it
                self._listed.pop()
        return None

    def settled(self, path: str, size_bytes: int) -> None:
        """The endpoint has a block, or will never take it."""
        _remove(path)
        if self._listed and self._listed[-1] == path:
            self._listed.pop()
        if path.startswith(self._own + os.sep):
            self._bytes = max(0, self._bytes - size_bytes)

    def close(self) -> None:
        """Let go of the folders; what is in them waits for another process."""
        for fd in self._locks.values():
            os.close(fd)
        self._locks.clear()

    def _folders(self) -> "Iterator[str]":
        """This process's own folder and those of dead processes, which are its own from now on."""
        if self._own in self._locks:
            yield self._own
        try:
            names = sorted(os.listdir(self._directory))
        except OSError:
            return
        for name in names:
            folder = os.path.join(self._directory, name)
            if folder != self._own and (folder in self._locks or self._adopt(folder)):
                yield folder

    def _adopt(self, folder: str) -> bool:
        try:
            self._lock(folder)
        except OSError:  # its process lives, or it is none of ours
            return False
        return True

    def _lock(self, folder: str) -> None:
        fd = os.open(os.path.join(folder, _LOCK), os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(fd)
            raise
        self._locks[folder] = fd

    def _blocks(self, folder: str) -> list[str]:
        """Its blocks, the oldest first. A folder without any is removed; whoever waits for its lock finds it gone."""
        try:
            names = sorted(os.listdir(folder))
        except OSError:
            return []
        found = [os.path.join(folder, name) for name in names if name.endswith(_SUFFIX)]
        if not found:
            for name in names:
                if name == _LOCK or name.endswith(_ASIDE):  # torn, by a process that was killed
                    _remove(os.path.join(folder, name))
            try:
                os.rmdir(folder)
            except OSError:
                return []
            os.close(self._locks.pop(folder))
        return found


def _remove(path: str) -> None:
    try:
        os.remove(path)
    except OSError:
        pass
