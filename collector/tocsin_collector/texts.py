"""A column of texts that becomes a list when somebody looks: to tell events apart, their bytes are enough."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import pairwise
from typing import overload

import numpy as np
from numpy.typing import NDArray


class Texts(Sequence[str]):
    """UTF-8 texts end to end: the one at ``i`` is ``raw[ends[i]:ends[i + 1]]``."""

    __slots__ = ("__dict__", "_ends", "_raw")

    def __init__(self, raw: bytes, ends: NDArray[np.uint32]) -> None:
        self._raw = raw
        self._ends = ends

    def __len__(self) -> int:
        return len(self._ends) - 1

    @overload
    def __getitem__(self, at: int) -> str: ...
    @overload
    def __getitem__(self, at: slice) -> list[str]: ...
    def __getitem__(self, at: int | slice) -> str | list[str]:
        return self.listed[at]

    def __iter__(self) -> Iterator[str]:
        return iter(self.listed)

    def __eq__(self, other: object) -> bool:
        return self.listed == (other.listed if isinstance(other, Texts) else other)

    __hash__ = None  # type: ignore[assignment]  # like a list

    def __repr__(self) -> str:
        return repr(self.listed)

    @cached_property
    def listed(self) -> list[str]:
        """All of them, decoded once."""
        ends = self._ends.tolist()
        if self._raw.isascii():
            text = self._raw.decode("ascii")
            return [text[a:b] for a, b in pairwise(ends)]
        return [self._raw[a:b].decode() for a, b in pairwise(ends)]

    def packed(self) -> tuple[bytes, NDArray[np.uint32]]:
        """The bytes, and where in them each text begins and the last one ends."""
        return self._raw, self._ends

    def lengths(self) -> NDArray[np.int64]:
        """How many characters each has."""
        if self._raw.isascii():
            ends = self._ends.astype(np.int64)
            return ends[1:] - ends[:-1]
        return np.fromiter(map(len, self.listed), np.int64, len(self))

    def take(self, rows: NDArray[np.intp]) -> "Sequence[str]":
        """Some of them, in the order given."""
        length = self._length()
        if not length:
            return [self.listed[row] for row in rows.tolist()]
        raw = np.frombuffer(self._raw, f"V{length}")[rows].tobytes()
        return Texts(raw, np.arange(0, len(raw) + 1, length, dtype=np.uint32))

    def part(self, start: int, end: int) -> "Texts":
        """Those from one place to before another."""
        ends = self._ends[start : end + 1]
        return Texts(self._raw[ends[0] : ends[-1]], ends - ends[0])

    def _length(self) -> int:
        """The length in bytes that all of them have, 0 when they have not; ids mostly do."""
        lengths = self._ends[1:] - self._ends[:-1]
        return int(lengths[0]) if len(lengths) and (lengths == lengths[0]).all() else 0


def lengths(texts: Sequence[str]) -> NDArray[np.int64]:
    """How many characters each text has."""
    return texts.lengths() if isinstance(texts, Texts) else np.fromiter(map(len, texts), np.int64, len(texts))


def taken(texts: Sequence[str], rows: NDArray[np.intp]) -> Sequence[str]:
    """Some of the texts, in the order given."""
    return texts.take(rows) if isinstance(texts, Texts) else [texts[row] for row in rows.tolist()]


def joined(parts: Sequence[Sequence[str]]) -> Sequence[str]:
    """The texts of all parts, one part after the other."""
    packed = [part.packed() for part in parts if isinstance(part, Texts)]
    starts = np.cumsum([0, *(len(raw) for raw, _ in packed)])
    if len(packed) < len(parts) or starts[-1] > np.iinfo(np.uint32).max:
        return [text for part in parts for text in part]
    ends = [ends[1:] + start for (_, ends), start in zip(packed, starts, strict=False)]
    return Texts(b"".join(raw for raw, _ in packed), np.concatenate([[0], *ends]).astype(np.uint32))


def ends(texts: Sequence[str]) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """The first and the last eight bytes of each text as numbers, which mostly tell ids apart: no text is made, and it
    takes a tenth of the time where all are of one length. Of shorter texts all bytes, and zeros."""
    raw, bounds = texts.packed() if isinstance(texts, Texts) else _packed(texts)
    sizes = np.diff(bounds)
    if len(sizes) and sizes[0] >= 8 and (sizes == sizes[0]).all():
        start, size = int(bounds[0]), int(sizes[0])
        return _every(size, raw, start, len(sizes)), _every(size, raw, start + size - 8, len(sizes))
    padded = np.frombuffer(b"".join((bytes(8), raw, bytes(8))), np.uint8)
    places, starts, stops = np.arange(8), bounds[:-1, None].astype(np.int64), bounds[1:, None].astype(np.int64)
    first, last, lengths = padded[starts + 8 + places], padded[stops + places], stops - starts
    if (lengths < 8).any():
        first *= places < lengths
        last *= places >= 8 - lengths
    return first.view("<u8").ravel(), last.view("<u8").ravel()


def _every(step: int, raw: bytes, start: int, count: int) -> NDArray[np.uint64]:
    """Eight bytes as a number, then those that stand so many bytes further on."""
    return np.ndarray(count, np.dtype("<u8"), raw, start, (step,)).copy()


def _packed(texts: Sequence[str]) -> tuple[bytes, NDArray[np.int64]]:
    raw = [text.encode("utf-8", "surrogatepass") for text in texts]
    return b"".join(raw), np.cumsum([0, *map(len, raw)])
