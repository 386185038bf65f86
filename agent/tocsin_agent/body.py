"""The body of a scrape's answer: what is as it was in the last one is neither renamed nor compressed again.

On a large host most of the text stands still from one scrape to the next: limits, names, errors that have not come,
devices that nobody uses. Each family is compared with its last text, which costs next to nothing; a long one that
stands still is compressed once, by itself, and its bytes are put between those of the others. RFC 1951 allows that: a
full flush ends a block at a byte, and nothing behind it refers to what stands before it.
"""

from tocsin_agent.exposition import END, families, renamed
from tocsin_agent.httpd.compress import blocks, gzip

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeAlias

    Write: TypeAlias = Callable[[bytes], bytes]

LONG_BYTES = 2048
"""A family, or some in a row, that are worth blocks of their own. What is shorter is smaller beside its neighbours."""


class Piece:
    """Families of one reader in a row."""

    __slots__ = ("_blocks", "_told", "_written", "count", "still", "text")

    def __init__(self, count: int) -> None:
        self.count = count
        self.text = self._blocks = b""
        self.still = False
        """Whether it is as it was in the last scrape."""
        self._told: list[bytes] = [b""] * count
        self._written = self._told

    def take(self, told: list[bytes], write: "Write") -> None:
        """The families as they are now."""
        self.still = told == self._told
        if self.still:
            return
        pairs = zip(told, self._told, self._written, strict=True)
        self._written = [written if new == old else write(new) for new, old, written in pairs]
        self._told, self.text, self._blocks = told, b"".join(self._written), b""

    def blocks(self) -> bytes:
        """The text compressed by itself if it is long and stands still, else b""."""
        if self.still and not self._blocks and len(self.text) >= LONG_BYTES:
            self._blocks = blocks(self.text)
        return self._blocks


class Part:
    """What one reader told, in pieces."""

    __slots__ = ("_count", "_told", "pieces")

    def __init__(self) -> None:
        self.pieces: list[Piece] = []
        self._told = b""
        self._count = 0

    def take(self, text: bytes, write: "Write") -> None:
        """The text as it is now."""
        if text == self._told:
            for piece in self.pieces:
                piece.still = True
            return
        found = families(text)
        if len(found) != self._count:
            self.pieces = list(_cut(found))
            self._count = len(found)
        place = 0
        for piece in self.pieces:
            piece.take(found[place : place + piece.count], write)
            place += piece.count
        self._told = text


def _cut(found: list[bytes]) -> "Iterator[Piece]":
    """A piece for each long family, and one for the short ones between two of them."""
    short = 0
    for family in found:
        if len(family) < LONG_BYTES:
            short += 1
            continue
        if short:
            yield Piece(short)
        yield Piece(1)
        short = 0
    if short:
        yield Piece(short)


class Body:
    """The bodies of one scrape after the other, in one of the text formats."""

    def __init__(self, *, openmetrics: bool) -> None:
        self._write: Write = renamed if openmetrics else bytes
        self._end = END if openmetrics else b""
        self._parts: list[Part] = []
        self._pieces: list[Piece] = []

    def take(self, texts: list[bytes]) -> None:
        """What the readers tell now, a text each."""
        if len(texts) != len(self._parts):
            self._parts = [Part() for _ in texts]
        for part, text in zip(self._parts, texts, strict=True):
            part.take(text, self._write)
        self._pieces = [piece for part in self._parts for piece in part.pieces]

    def __len__(self) -> int:
        return sum([len(piece.text) for piece in self._pieces]) + len(self._end)

    def plain(self) -> bytes:
        """The body as it is."""
        return b"".join([*[piece.text for piece in self._pieces], self._end])

    def gzip(self) -> bytes:
        """The body as gzip."""
        return gzip([*[(piece.text, piece.blocks()) for piece in self._pieces], (self._end, b"")])


class Whole:
    """A body of which nothing is remembered."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def __len__(self) -> int:
        return len(self._data)

    def plain(self) -> bytes:
        """The body as it is."""
        return self._data

    def gzip(self) -> bytes:
        """The body as gzip."""
        return gzip([(self._data, b"")])
