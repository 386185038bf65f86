"""The memory of the way in as one file beside the journal, so that a start need not read it all again.

It says up to which position of which journal it holds; what follows is replayed. It is only a short cut: a torn,
changed or foreign one is left alone, said, and the whole journal is replayed to the same result.

Magic, the header's length, the header in JSON, the columns one behind the other, and at last the CRC-32 of everything
before. The file holds the key of the hashes, so only its owner may read it.
"""

import contextlib
import json
import logging
import mmap
import os
import struct
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tocsin_collector.journal import sync_folder

Columns = Mapping[str, NDArray[Any]]
FILE = "snapshot"
_MAGIC = b"tocsin\0\1"
_HEAD, _CRC = struct.Struct("<8sQ"), struct.Struct("<I")
_FEWEST_BYTES = 64 << 20
_log = logging.getLogger(__name__)


class Snapshot(NamedTuple):
    """What is kept: plain values, and columns by name."""

    about: dict[str, Any]
    columns: Columns


class SnapshotError(Exception):
    """A snapshot is not sound; the message says why."""


class Snapshots:
    """The snapshot of one journal folder, and when it is time for the next."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE
        self.position = 0
        """Up to where the newest one holds; what a start has to replay comes after it."""
        self.failed_total = 0
        self._tried = 0
        self._size_bytes = 0

    def is_due(self, end: int) -> bool:
        """Whether the journal has grown by twice what a snapshot costs, and by 64 MiB at least, since the last try."""
        return end - self._tried >= max(_FEWEST_BYTES, 2 * self._size_bytes)

    def save(self, snapshot: Snapshot) -> None:
        """Put it in the place of the one before, durably. What goes wrong is said and counted; the old one holds."""
        self._tried = snapshot.about["position"]
        try:
            self._size_bytes = _write(self.path, snapshot)
            self.position = self._tried
        except OSError as error:
            self.failed_total += 1
            _log.warning("snapshot_failed file=%s reason=%s", self.path, error.strerror)

    def load(self) -> Snapshot | None:
        """The newest one; None where there is none or it is not sound, which is said."""
        try:
            return read(self.path)
        except FileNotFoundError:
            return None
        except (OSError, SnapshotError) as error:
            _log.warning("snapshot_unusable file=%s reason=%s; the whole journal is replayed", self.path, error)
            return None

    def holds(self, snapshot: Snapshot) -> None:
        """Start from a snapshot that was loaded."""
        self.position = self._tried = snapshot.about["position"]
        self._size_bytes = self.path.stat().st_size


def read(path: Path) -> Snapshot:
    """Read and check one. Raises OSError, or SnapshotError for anything that is not sound."""
    with path.open("rb") as file:
        if os.fstat(file.fileno()).st_size < _HEAD.size + _CRC.size:
            raise SnapshotError("it ends in its head")
        raw = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    magic, size = _HEAD.unpack_from(raw)
    if magic != _MAGIC or _CRC.unpack(raw[-_CRC.size :])[0] != zlib.crc32(raw[: -_CRC.size]):
        raise SnapshotError("its checksum does not fit")
    header = json.loads(bytes(raw[_HEAD.size : _HEAD.size + size]))
    columns: dict[str, NDArray[Any]] = {}
    at = _HEAD.size + size
    for name, kind, count in header["columns"]:
        columns[name] = np.frombuffer(raw, kind, count, at)
        at += columns[name].nbytes
    return Snapshot(header["about"], columns)


def _write(path: Path, snapshot: Snapshot) -> int:
    unfinished = path.with_suffix(".part")
    try:
        size = _write_all(unfinished, snapshot)
        os.replace(unfinished, path)
    except OSError:
        with contextlib.suppress(OSError):
            unfinished.unlink()
        raise
    sync_folder(path.parent)
    return size


def _write_all(path: Path, snapshot: Snapshot) -> int:
    table = [(name, values.dtype.str, values.size) for name, values in snapshot.columns.items()]
    header = json.dumps({"about": snapshot.about, "columns": table}, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)
    columns = (values.view(np.uint8).data for values in snapshot.columns.values())
    crc = 0
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "wb", 0) as file:
        for piece in (memoryview(_HEAD.pack(_MAGIC, len(header))), memoryview(header), *columns):
            crc = zlib.crc32(piece, crc)
            rest = piece
            while rest:
                rest = rest[file.write(rest) :]
        file.write(_CRC.pack(crc))
        os.fsync(file.fileno())
        return file.tell()
