"""The memory of the way in and the windows as one file beside the journal, so that a start need not read it all again.

It says up to which position of which journal it holds; what follows is replayed. It is only a short cut: a torn,
changed or foreign one is left alone, said, and the journal is replayed to the same result.

It has two parts: what whoever looks is told, which a start reads at once, and the table of ids, which only the next
event needs: half of the file. Each is a tree of plain values with numpy columns as leaves. A part in the file: magic,
the lengths of its header and of all of it, the header in JSON, the columns one behind the other, and at last the CRC-32
of everything before. In the JSON a column is ``{"column": n}``; so where a sender chose the names of whole numbers, a
state has pairs and no object. The file holds the key of the hashes, so only its owner may read it.
"""

import contextlib
import json
import logging
import math
import mmap
import os
import struct
import zlib
from collections.abc import Callable, Iterable
from io import FileIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tocsin_collector.journal import sync_folder

State = dict[str, Any]
Later = Callable[[], State]
"""Reads and checks the second part. Raises SnapshotError."""
Columns = list[NDArray[Any]]
FILE = "snapshot"
_MAGIC = b"tocsin\0\6"
_HEAD, _CRC = struct.Struct("<8sQQ"), struct.Struct("<Q")
_FEWEST_BYTES = 64 << 20
_LONGEST_S = 86_400.0
_log = logging.getLogger(__name__)


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
        self._tried_s = math.inf
        self._size_bytes = 0

    def is_due(self, end: int, now_s: float) -> bool:
        """Whether the journal has grown since the last try: by twice what a snapshot costs, and by 64 MiB at least; or
        by anything, and a day has passed."""
        self._tried_s = min(self._tried_s, now_s)
        grown = end - self._tried
        a_day = now_s - self._tried_s >= _LONGEST_S
        return grown >= max(_FEWEST_BYTES, 2 * self._size_bytes) or (a_day and grown > 0)

    def save(self, state: State, ids: State) -> None:
        """Put both parts in the place of those before, durably. What goes wrong is said and counted; the old ones
        hold."""
        self._tried, self._tried_s = state["position"], math.inf
        try:
            self._size_bytes = _write(self.path, (state, ids))
            self.position = self._tried
        except OSError as error:
            self.failed_total += 1
            _log.warning("snapshot_failed file=%s reason=%s", self.path, error.strerror)

    def load(self) -> tuple[State, Later] | None:
        """The newest one; None where there is none or it is not sound, which is said. Whether its ids are sound shows
        when they are read."""
        try:
            return read(self.path)
        except FileNotFoundError:
            return None
        except (OSError, SnapshotError) as error:
            _log.warning("snapshot_unusable file=%s reason=%s; the whole journal is replayed", self.path, error)
            return None

    def holds(self, state: State) -> None:
        """Start from a snapshot that was loaded."""
        self.position = self._tried = state["position"]
        about = self.path.stat()
        self._size_bytes, self._tried_s = about.st_size, about.st_mtime

    def lost(self) -> None:
        """The ids of the one that was loaded are not sound: nothing is held, and the next one is due."""
        self.position = self._tried = 0
        self._tried_s = -math.inf


def read(path: Path) -> tuple[State, Later]:
    """Read and check the first part of one, and how to read the second; their columns are views of the file. Raises
    OSError, or SnapshotError for anything that is not sound."""
    with path.open("rb") as file:
        if not os.fstat(file.fileno()).st_size:
            raise SnapshotError("it ends in its head")
        raw = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    size, ids_size = _size(raw), 0
    if size < len(raw):
        ids_size = _size(raw[size:])
    if not ids_size or size + ids_size != len(raw):
        raise SnapshotError(f"it has {len(raw)} bytes, where its heads tell of {size + ids_size}")
    return _part(raw[:size]), lambda: _part(raw[size:])


def _size(raw: memoryview) -> int:
    """The length of the part that begins here."""
    if len(raw) < _HEAD.size + _CRC.size:
        raise SnapshotError("it ends in its head")
    magic, _, size = _HEAD.unpack_from(raw)
    if magic != _MAGIC:
        raise SnapshotError("it is of another format")
    return int(size)


def _part(raw: memoryview) -> State:
    if _CRC.unpack(raw[-_CRC.size :])[0] != zlib.crc32(raw[: -_CRC.size]):
        raise SnapshotError("its checksum does not fit")
    _, size, _ = _HEAD.unpack_from(raw)
    table, plain = bytes(raw[_HEAD.size : _HEAD.size + size]).split(b"\n", 1)
    columns = list(_columns(raw, _HEAD.size + size, json.loads(table)))
    state: State = json.loads(plain, object_hook=lambda found: _column(found, columns))
    return state


def _columns(raw: memoryview, at: int, table: list[tuple[str, int]]) -> Iterable[NDArray[Any]]:
    for kind, count in table:
        column = np.frombuffer(raw, kind, count, at)
        yield column
        at += _padded(column.nbytes)


def _column(found: dict[str, Any], columns: Columns) -> Any:
    number = found.get("column") if len(found) == 1 else None
    return columns[number] if isinstance(number, int) else found


def _plain(leaf: Any, columns: Columns) -> Any:
    """What stands in the JSON for a leaf that is none of its kinds."""
    if callable(leaf):  # it cannot change any more, so nobody had to wait for its copy
        return leaf()
    if isinstance(leaf, np.generic):
        return leaf.item()
    columns.append(leaf)
    return {"column": len(columns) - 1}


def _padded(size: int) -> int:
    return -(-size // 8) * 8


def _write(path: Path, parts: Iterable[State]) -> int:
    unfinished = path.with_suffix(".part")
    try:
        size = _write_all(unfinished, parts)
        os.replace(unfinished, path)
    except OSError:
        with contextlib.suppress(OSError):
            unfinished.unlink()
        raise
    sync_folder(path.parent)
    return size


def _write_all(path: Path, parts: Iterable[State]) -> int:
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "wb", 0) as file:
        for part in parts:
            crc = 0
            for piece in _pieces(part):
                crc = zlib.crc32(piece, crc)
                _put(file, piece)
            _put(file, memoryview(_CRC.pack(crc)))
        os.fsync(file.fileno())
        return file.tell()


def _put(file: FileIO, piece: memoryview) -> None:
    while piece:
        piece = piece[file.write(piece) :]


def _pieces(state: State) -> Iterable[memoryview]:
    """What a part has before its checksum."""
    columns: Columns = []
    plain = json.dumps(state, separators=(",", ":"), default=lambda leaf: _plain(leaf, columns))
    table = json.dumps([(values.dtype.str, values.size) for values in columns])
    header = f"{table}\n{plain}".encode()
    header = header.ljust(_padded(len(header)))
    size = _HEAD.size + len(header) + sum(_padded(values.nbytes) for values in columns) + _CRC.size
    yield memoryview(_HEAD.pack(_MAGIC, len(header), size))
    yield memoryview(header)
    for values in columns:
        yield values.view(np.uint8).data
        if values.nbytes % 8:
            yield memoryview(bytes(-values.nbytes % 8))
