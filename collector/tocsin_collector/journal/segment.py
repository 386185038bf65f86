"""Segment files: how they are named, in what order they come, and what every kind of them can do.

A segment is named by the position of its first byte in the journal and by its marker, eight random bytes, so that the
file needs no header that could be damaged: ``00000000000067108864-5f0c9d1e2b3a4c5d.journal``. The ending tells its
kind; a folder may have both.
"""

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from tocsin_collector.journal.records import Gap, Record

SEALED = 0o400
"""The mode of a segment that nobody writes to any more: whatever is wrong at its end is damage, not a torn write."""
_NAME = re.compile(r"(\d{20})-([0-9a-f]{16})\.(?:journal|sqlite)", re.ASCII)


class Name(NamedTuple):
    """What a segment's file name says."""

    path: Path
    base: int
    marker: bytes


class Place(NamedTuple):
    """Where records lie in a segment, and the one that is to be there in their stead."""

    start: int
    end: int
    type: int
    payload: bytes


class Segment(Protocol):
    """The segment that is being written. Every method may raise OSError; after one the segment must be given up."""

    path: Path
    base: int
    length: int
    room: int

    def write(self, records: list[tuple[int, bytes]]) -> list[int]:
        """Append records, all or none, and make them durable; their positions in the journal."""

    def seal(self) -> None:
        """Give back what was reserved and not used, mark the file as sealed, and close."""

    def discard(self) -> None:
        """Close and remove a segment that holds nothing."""


class Store(Protocol):
    """One kind of segment files."""

    def create(self, folder: Path, base: int, size_bytes: int) -> Segment:
        """A new segment, durably in its folder. Raises OSError."""

    def read(self, name: Name, end: int | None = None) -> Iterator[Record | Gap]:
        """Every record of a segment that starts before an offset, in order, and the stretches between them that are
        none; nothing where it was dropped just now. A collector may be writing there. Raises OSError."""

    def length(self, name: Name) -> int:
        """How many bytes of the journal a sealed one has. Raises OSError."""

    def cut(self, name: Name) -> int:
        """Seal a segment whose writer is gone behind its last sound record, or remove it where it has none; its length.
        Raises OSError."""

    def remove(self, name: Name) -> None:
        """Remove a segment with all that is beside it. Raises OSError."""

    def rewrite(self, name: Name, places: Sequence[Place]) -> None:
        """Write a sealed one anew with some places changed, and put it in its own place. Raises OSError."""


def segments(folder: Path) -> list[Name]:
    """The segments of a folder, oldest first. Files with other names are none of ours."""
    found = [(path, _NAME.fullmatch(path.name)) for path in folder.iterdir()] if folder.is_dir() else []
    return sorted(
        (Name(path, int(said[1]), bytes.fromhex(said[2])) for path, said in found if said), key=lambda name: name.base
    )


def sync_folder(folder: Path) -> None:
    """Make the folder's entries durable: a created file is only found after a crash when its folder was synced."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def put_in_place(unfinished: Path, name: Name) -> None:
    """Seal a file that was written beside a segment and give it that one's place, and its age: that of its events."""
    written = name.path.stat()
    descriptor = os.open(unfinished, os.O_RDWR | os.O_CLOEXEC)
    try:
        os.fchmod(descriptor, SEALED)
        os.utime(descriptor, ns=(written.st_atime_ns, written.st_mtime_ns))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    os.replace(unfinished, name.path)
    sync_folder(name.path.parent)
