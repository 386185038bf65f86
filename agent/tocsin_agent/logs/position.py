"""Where the agent stands in a file, and whose content that is. The checkpoint file holds one position a file.

A position names content, not a path or an inode: both change under rotation. ``base`` is the hash of host, folder and
first line; ``generation`` counts contents that began with the same line (a program restarted with ``> out.log``);
``edges`` is the CRC-32 of the first bytes and of those before ``offset``, so that content which was replaced is noticed
even when it has grown past the old offset.
"""

import os
import zlib

from tocsin_schema.logrecord import file_key

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

EDGE_BYTES = 256
FIRST_LINE_BYTES = 1024
NAMES = ("base", "generation", "offset", "cut", "edges", "device", "inode", "path")


class Position:
    """Up to where everything is acknowledged. ``device`` and ``inode`` are 0 when that file holds other content now."""

    __slots__ = NAMES

    def __init__(
        self, *, base: str, generation: int, offset: int, cut: bool, edges: int, device: int, inode: int, path: str
    ) -> None:
        self.base = base
        self.generation = generation
        self.offset = offset
        self.cut = cut
        self.edges = edges
        self.device = device
        self.inode = inode
        self.path = path

    @property
    def key(self) -> str:
        """The key of the ids of this content's lines."""
        return file_key(f"{self.base} {self.generation}".encode()) if self.generation else self.base

    def moved(self, **fields: "Any") -> "Position":
        """The same with other values."""
        return Position(**{**{name: getattr(self, name) for name in NAMES}, **fields})

    def __repr__(self) -> str:
        return f"<{self.key} at {self.offset}{' cut' if self.cut else ''} in {self.path}>"


def beginning(base: str, generation: int) -> Position:
    """The start of a content that stands in no file yet."""
    return Position(base=base, generation=generation, offset=0, cut=False, edges=0, device=0, inode=0, path="")


def base_of(host: str, path: str, first_line: bytes) -> str:
    """The name of a content by host, folder and first line."""
    return file_key(b"\0".join((os.fsencode(host), os.fsencode(os.path.dirname(path)), first_line)))


class Edges:
    """The first bytes of a content, and those before a position in it."""

    __slots__ = ("head", "tail")

    def __init__(self, head: bytes = b"", tail: bytes = b"") -> None:
        self.head = head
        self.tail = tail

    def crc(self) -> int:
        """The value of ``Position.edges``."""
        return zlib.crc32(self.tail, zlib.crc32(self.head))

    def then(self, data: bytes) -> "Edges":
        """The edges after more bytes."""
        head = self.head if len(self.head) == EDGE_BYTES else (self.head + data)[:EDGE_BYTES]
        return Edges(head, (self.tail + data)[-EDGE_BYTES:])


def edges_at(descriptor: int, position: Position) -> Edges | None:
    """The edges of the position when this file has them, else None."""
    length = min(position.offset, EDGE_BYTES)
    edges = Edges(os.pread(descriptor, length, 0), os.pread(descriptor, length, position.offset - length))
    return edges if len(edges.tail) == length and edges.crc() == position.edges else None


def first_line(descriptor: int, *, finished: bool) -> bytes | None:
    """The first line, or its first FIRST_LINE_BYTES; None while it is not whole and may still be ``finished``.

    The hole of a file that was truncated under its writer is skipped.
    """
    try:
        start = os.lseek(descriptor, 0, os.SEEK_DATA)
    except OSError:
        return None
    data = os.pread(descriptor, 4096 + FIRST_LINE_BYTES, start).lstrip(b"\0")[:FIRST_LINE_BYTES]
    line, newline, _ = data.partition(b"\n")
    return line if newline or len(data) == FIRST_LINE_BYTES or (data and finished) else None


def load(path: str) -> list[Position]:
    """The positions of the checkpoint file; none when there is no file. Raises ValueError when it is no checkpoint."""
    from json import loads

    try:
        with open(path, "rb") as file:
            found = loads(file.read())
        return [Position(**_checked(entry)) for entry in found["positions"]]
    except FileNotFoundError:
        return []
    except (KeyError, TypeError, RecursionError, UnicodeDecodeError, ValueError) as error:
        raise ValueError(f"{path}: no checkpoint ({error!r:.100}); every file will be read again") from None


def _checked(entry: "dict[str, Any]") -> "dict[str, Any]":
    kinds = {"base": str, "path": str, "cut": bool}
    for name in NAMES:
        if type(entry[name]) is not kinds.get(name, int):
            raise ValueError(f"{name}: {entry[name]!r:.40}")
    return {name: entry[name] for name in NAMES}


def save(path: str, positions: list[Position]) -> None:
    """Write the checkpoint file whole and durably, or leave the old one. Raises OSError."""
    from json import dumps

    entries = [{name: getattr(position, name) for name in NAMES} for position in positions]
    temporary = path + ".new"
    with open(temporary, "wb") as file:
        file.write(dumps({"positions": entries}, separators=(",", ":")).encode())
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)
    folder = os.open(os.path.dirname(path) or ".", os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
