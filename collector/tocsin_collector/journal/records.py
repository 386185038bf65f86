"""Records as they lie in a segment, and the scan that finds them again after a crash.

A record is 24 bytes of header (the segment's marker, the checksum, the payload's length, the type) and the payload,
padded with zeros to a multiple of eight. The checksum is CRC-32 of length, type and payload.

The marker is eight random bytes that only this segment has; they stand in the segment's file name. The scan looks for
them to find the next record behind a damaged stretch, and because no sender knows them, nobody can plant a record
inside a payload.
"""

import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

HEADER = struct.Struct("<8sIIQ")
VOID = 0
"""The type of what is left where records were erased: a length, and zeros."""
_ZEROS = bytes(1 << 16)
_CHECKED = struct.Struct("<IQ")  # what stands behind the checksum: length, type


class Record(NamedTuple):
    """A sound record: where it starts in the segment, and where the next one would."""

    start: int
    end: int
    type: int
    payload: bytes


class Gap(NamedTuple):
    """Bytes that are no record. ``last`` is True when no record follows in the segment."""

    start: int
    end: int
    last: bool


def pack(marker: bytes, type: int, payload: bytes) -> list[bytes]:
    """The pieces of a record, in order; the payload is not copied."""
    return [HEADER.pack(marker, checksum(type, payload), len(payload), type), payload, b"\0" * (-len(payload) % 8)]


def checksum(type: int, payload: bytes) -> int:
    """What tells a sound record from others."""
    return zlib.crc32(payload, zlib.crc32(_CHECKED.pack(len(payload), type)))


def scan(data: bytes, marker: bytes) -> Iterator[Record | Gap]:
    """Every record of a segment in order, and the stretches between them that are none.

    Zeros up to the end are place that was reserved and not used: neither a record nor a gap.
    """
    at = 0
    while at < len(data):
        record = _record(data, marker, at)
        if record is not None:
            yield record
            at = record.end
            continue
        if _unused(data, at):
            return
        following = _find(data, marker, at + 1)
        if following is None:
            yield Gap(at, len(data.rstrip(b"\0")), last=True)
            return
        yield Gap(at, following, last=False)
        at = following


def _unused(data: bytes, at: int) -> bool:
    """Whether only zeros are left; compared in pieces, since most of a young segment is reserve."""
    return all(data.startswith(_ZEROS[: len(data) - start], start) for start in range(at, len(data), len(_ZEROS)))


def _find(data: bytes, marker: bytes, at: int) -> int | None:
    """Where the next sound record starts, at or after ``at``."""
    at = data.find(marker, at)
    while at >= 0:
        if _record(data, marker, at) is not None:
            return at
        at = data.find(marker, at + 1)
    return None


def _record(data: bytes, marker: bytes, at: int) -> Record | None:
    if at + HEADER.size > len(data):
        return None
    found, crc, length, type = HEADER.unpack_from(data, at)
    start = at + HEADER.size
    if found != marker or start + length > len(data):
        return None
    payload = data[start : start + length]
    if checksum(type, payload) != crc:
        return None
    return Record(at, start + length + (-length % 8), type, payload)
