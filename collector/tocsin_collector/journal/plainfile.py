"""Segments as plain files: reserved in full before the first byte, written at the end, cut to their length when sealed.

Reserving first has two gains: fdatasync need not write a new file size at each commit, and a full disk shows between
two segments, not in the middle of a record.
"""

import logging
import os
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

from tocsin_collector.journal.records import HEADER, Gap, Record, pack, scan
from tocsin_collector.journal.segment import SEALED, Name, Place, put_in_place, sync_folder

_PAGE = bytes(4096)
_log = logging.getLogger(__name__)


class PlainFiles:
    """See ``Store``."""

    def create(self, folder: Path, base: int, size_bytes: int) -> "PlainSegment":
        """See ``Store``; all of its size is reserved."""
        return PlainSegment(folder, base, size_bytes)

    def read(self, name: Name, end: int | None = None) -> Iterator[Record | Gap]:
        """See ``Store``."""
        try:
            data = name.path.read_bytes()
        except FileNotFoundError:
            return iter(())
        return scan(data[:end], name.marker)

    def length(self, name: Name) -> int:
        """See ``Store``."""
        return name.path.stat().st_size

    def cut(self, name: Name) -> int:
        """See ``Store``."""
        length = 0
        for found in self.read(name):
            if isinstance(found, Record):
                length = found.end
            elif found.last:
                _log.warning("journal_tail_cut file=%s offset=%d bytes=%d", name.path, length, found.end - length)
        if length:
            _seal_at(name.path, length)
        else:
            self.remove(name)
        return length

    def remove(self, name: Name) -> None:
        """See ``Store``."""
        name.path.unlink()

    def rewrite(self, name: Name, places: Sequence[Place]) -> None:
        """See ``Store``. What became shorter is filled up with zeros; whole pages of them are a hole in the file, so
        that they go back to the disk."""
        data = bytearray(name.path.read_bytes())
        for place in places:
            filled = place.payload.ljust(place.end - place.start - HEADER.size, b"\0")
            data[place.start : place.end] = b"".join(pack(name.marker, place.type, filled))
        unfinished = name.path.with_suffix(".part")
        with open(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "wb", 0) as file:
            _write_sparse(file.fileno(), data)
        put_in_place(unfinished, name)


class PlainSegment:
    """See ``Segment``."""

    def __init__(self, folder: Path, base: int, size_bytes: int) -> None:
        self.base = base
        self.length = 0
        self.room = size_bytes
        self._marker = os.urandom(8)
        self.path = folder / f"{base:020}-{self._marker.hex()}.journal"
        self._descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(self._descriptor, 0, size_bytes)
            os.fsync(self._descriptor)
            sync_folder(folder)
        except OSError:
            self.discard()
            raise

    def write(self, records: list[tuple[int, bytes]]) -> list[int]:
        """With one fdatasync."""
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
        """See ``Segment``."""
        try:
            os.ftruncate(self._descriptor, self.length)
            os.fchmod(self._descriptor, SEALED)
            os.fsync(self._descriptor)
        finally:
            os.close(self._descriptor)

    def discard(self) -> None:
        """See ``Segment``."""
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


def _seal_at(path: Path, length: int) -> None:
    with path.open("r+b") as file:
        file.truncate(length)
        os.fchmod(file.fileno(), SEALED)
        os.fsync(file.fileno())


def _write_sparse(descriptor: int, data: bytearray) -> None:
    """Write all but whole pages of zeros."""
    view = memoryview(data)
    pages = range(0, len(data), len(_PAGE))
    for unused, run in groupby(pages, lambda at: data.startswith(_PAGE[: len(data) - at], at)):
        start, *_, last = [*run] * 2
        end = min(last + len(_PAGE), len(data))
        while start < end and not unused:
            start += os.pwrite(descriptor, view[start:end], start)
    os.ftruncate(descriptor, len(data))
