"""One segment file: reserved in full before its first byte, written at the end, cut to its length when it is sealed.

A segment is named by the position of its first byte in the journal and by its marker, so that the file needs no header
that could be damaged: ``00000000000067108864-5f0c9d1e2b3a4c5d.journal``. Reserving first has two gains: fdatasync need
not write a new file size at each commit, and a full disk shows between two segments, not in the middle of a record.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tocsin_collector.journal.records import pack

SUFFIX = ".journal"
SEALED = 0o400
"""The mode of a segment that nobody writes to any more: whatever is wrong at its end is damage, not a torn write."""


class Name(NamedTuple):
    """What a segment's file name says."""

    path: Path
    base: int
    marker: bytes


def segments(folder: Path) -> list[Name]:
    """The segments of a folder, oldest first. Files with other names are none of ours."""
    return sorted((name for path in folder.glob("*" + SUFFIX) if (name := _parse(path))), key=lambda name: name.base)


def _parse(path: Path) -> Name | None:
    base, _, marker = path.name.removesuffix(SUFFIX).partition("-")
    try:
        return Name(path, int(base), bytes.fromhex(marker)) if len(marker) == 16 else None
    except ValueError:
        return None


def sync_folder(folder: Path) -> None:
    """Make the folder's entries durable: a created file is only found after a crash when its folder was synced."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class Segment:
    """The segment that is being written. Every method may raise OSError; after one the segment must be given up."""

    def __init__(self, folder: Path, base: int, size_bytes: int) -> None:
        self.base = base
        self.length = 0
        self.room = size_bytes
        self._marker = os.urandom(8)
        self.path = folder / f"{base:020}-{self._marker.hex()}{SUFFIX}"
        self._descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(self._descriptor, 0, size_bytes)
            os.fsync(self._descriptor)
            sync_folder(folder)
        except OSError:
            self.discard()
            raise

    def write(self, records: list[tuple[int, bytes]]) -> list[int]:
        """Append records and make them durable with one fdatasync; their positions in the journal."""
        positions: list[int] = []
        pieces: list[bytes] = []
        end = self.length
        for type, payload in records:
            positions.append(self.base + end)
            record = pack(self._marker, type, payload)
            pieces += record
            end += sum(map(len, record))
        at = self.length
        for chunk in _chunks(pieces):
            at += _write_all(self._descriptor, chunk, at)
        os.fdatasync(self._descriptor)
        self.length = end
        return positions

    def seal(self) -> None:
        """Give back what was reserved and not used, mark the file read-only, and close."""
        try:
            os.ftruncate(self._descriptor, self.length)
            os.fchmod(self._descriptor, SEALED)
            os.fsync(self._descriptor)
        finally:
            os.close(self._descriptor)

    def discard(self) -> None:
        """Close and remove a segment that holds nothing."""
        os.close(self._descriptor)
        self.path.unlink()


def _chunks(pieces: list[bytes]) -> Iterator[list[bytes]]:
    """At most 1,020 pieces each: IOV_MAX is 1,024 on Linux."""
    for start in range(0, len(pieces), 1_020):
        yield pieces[start : start + 1_020]


def _write_all(descriptor: int, pieces: list[bytes], at: int) -> int:
    """Write all pieces from ``at`` on, however the kernel cuts them; the bytes written."""
    total = sum(map(len, pieces))
    written = os.pwritev(descriptor, pieces, at)
    if written < total:
        rest = memoryview(b"".join(pieces))
        while written < total:
            written += os.pwrite(descriptor, rest[written:], at + written)
    return total
