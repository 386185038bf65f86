"""Some records of a segment changed for good: the segment is written anew beside itself and takes its own place.

Every record keeps its position, so that nothing else has to know: what became shorter is filled up with zeros. Where
records side by side are gone altogether, one void takes their place, whose zeros are a hole in the file: its bytes go
back to the disk, in whole pages.
"""

import os
from collections.abc import Callable, Iterable
from itertools import groupby
from typing import NamedTuple

from tocsin_collector.journal.reading import JournalError, contents
from tocsin_collector.journal.records import HEADER, VOID, Record, pack, scan
from tocsin_collector.journal.segment import SEALED, Name, sync_folder

Change = Callable[[int, bytes], tuple[int, bytes] | None]
GONE = VOID, b""
"""What a change gives for a record of which nothing is left."""
_PAGE = bytes(4096)


class _Place(NamedTuple):
    """Where a record starts and ends in the segment, and what is to be there."""

    start: int
    end: int
    type: int
    payload: bytes


def rewrite(name: Name, change: Change) -> int:
    """Give each record's type and payload to ``change`` and put what it returns in their place; None leaves it.

    Returns how many were changed. Raises JournalError, and changes nothing, when one would become longer; OSError.
    """
    data = bytearray(contents(name))
    places: list[_Place] = []
    changed = 0
    for found in scan(bytes(data), name.marker):
        made = change(found.type, found.payload) if isinstance(found, Record) else None
        if made is None or not isinstance(found, Record):
            continue
        changed += 1
        places.append(_Place(found.start, found.end, *made))
    for place in _merged(places):
        room = place.end - place.start - HEADER.size
        if len(place.payload) > room:
            raise JournalError(
                f"{name.path}: the record at {name.base + place.start} has no room for what is left of it"
            )
        data[place.start : place.end] = b"".join(pack(name.marker, place.type, place.payload.ljust(room, b"\0")))
    if changed:
        _replace(name, data)
    return changed


def _merged(places: Iterable[_Place]) -> list[_Place]:
    """Voids side by side as one."""
    merged: list[_Place] = []
    for place in places:
        if merged and merged[-1].end == place.start and merged[-1].type == place.type == VOID:
            merged[-1] = merged[-1]._replace(end=place.end)
        else:
            merged.append(place)
    return merged


def _replace(name: Name, data: bytearray) -> None:
    unfinished = name.path.with_suffix(".part")
    written = name.path.stat()
    with open(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "wb", 0) as file:
        _write_sparse(file.fileno(), data)
        os.fchmod(file.fileno(), SEALED)
        os.utime(file.fileno(), ns=(written.st_atime_ns, written.st_mtime_ns))  # its age is that of its events
        os.fsync(file.fileno())
    os.replace(unfinished, name.path)
    sync_folder(name.path.parent)


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
