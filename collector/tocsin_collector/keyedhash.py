"""64 bits of a text under a secret key, a thousand texts at a time, the same in every process that has the key.

Multilinear hashing (Lemire and Kaser, "Strongly universal string hashing is fast", The Computer Journal 57, 2014): the
text's 32-bit words and its length, each times a secret 64-bit number, summed; the upper half of two such sums. Two
texts share all 64 bits with probability 2^-64 over the keys, whoever chose them without knowing the keys, and no answer
of ours shows a hash. Python's own ``hash`` is as fast, but its key ends with the process, and all that it keyed.

Texts beyond 64 bytes go through BLAKE2b one by one, which is dearer for each and the same for all.
"""

import hashlib
import struct
from collections.abc import Sequence
from itertools import pairwise
from operator import mul

import numpy as np
from numpy.typing import NDArray

from tocsin_collector.texts import Texts

U64 = NDArray[np.uint64]
KEY_BYTES = 32
_LONGEST = 64
_WORDS = _LONGEST // 4
_PIECE = 4_096
_FEW = 4  # so few are told one by one: the array operations for one piece cost as much
_ALL, _UPPER = (1 << 64) - 1, 0xFFFFFFFF00000000


class KeyedHash:
    """The hash of one key, which is ``KEY_BYTES`` secret bytes."""

    def __init__(self, key: bytes) -> None:
        numbers = np.frombuffer(hashlib.shake_256(b"tocsin multilinear" + key).digest(16 * (_WORDS + 2)), "<u8")
        self._words = numbers[: 2 * _WORDS].reshape(_WORDS, 2).astype(np.uint64)
        self._length, self._start = numbers[2 * _WORDS :].reshape(2, 2).astype(np.uint64)
        self._scalars: list[tuple[list[int], int, int]] = [
            (words, int(length), int(start))
            for words, length, start in zip(self._words.T.tolist(), self._length, self._start, strict=True)
        ]
        self._long = hashlib.blake2b(digest_size=8, key=key)
        self.key = key

    def one(self, text: bytes) -> int:
        """The hash of one text."""
        size = len(text)
        if size > _LONGEST:
            state = self._long.copy()
            state.update(text)
            return int.from_bytes(state.digest(), "little")
        count = -(-size // 4)
        words = struct.unpack(f"<{count}I", text.ljust(4 * count, b"\0"))
        sums: list[int] = [start + size * each + sum(map(mul, words, keys)) for keys, each, start in self._scalars]
        return (sums[0] & _ALL) >> 32 | sums[1] & _UPPER

    def texts(self, texts: Sequence[str]) -> U64:
        """The hash of each text's UTF-8 bytes."""
        if isinstance(texts, Texts):
            return self.spans(*texts.packed())
        encoded = [text.encode() for text in texts]
        ends = np.zeros(len(encoded) + 1, np.int64)
        np.cumsum(list(map(len, encoded)), out=ends[1:])
        return self.spans(b"".join(encoded), ends)

    def spans(self, raw: bytes, ends: NDArray[np.uint32] | NDArray[np.int64]) -> U64:
        """The hash of each text that lies in ``raw`` from one of ``ends`` to the next."""
        count = len(ends) - 1
        if count <= _FEW:
            return np.array([self.one(raw[a:b]) for a, b in pairwise(ends.tolist())], np.uint64)
        found = np.empty(count, np.uint64)
        data = np.frombuffer(raw, np.uint8)
        for start in range(0, count, _PIECE):
            stop = min(start + _PIECE, count)
            found[start:stop] = self._piece(data, ends[start : stop + 1].astype(np.int64))
        for row in np.flatnonzero(ends[1:] - ends[:-1] > _LONGEST).tolist():
            found[row] = self.one(raw[ends[row] : ends[row + 1]])
        return found

    def _piece(self, data: NDArray[np.uint8], ends: NDArray[np.int64]) -> U64:
        lengths = ends[1:] - ends[:-1]
        words = _words(data, ends[:-1], lengths)
        sums = words @ self._words[: words.shape[1]]
        sizes = lengths.view(np.uint64)
        lower, upper = (sums[:, at] + (sizes * self._length[at] + self._start[at]) for at in (0, 1))
        combined: U64 = lower >> np.uint64(32) | upper & np.uint64(_UPPER)
        return combined


def _words(data: NDArray[np.uint8], starts: NDArray[np.int64], lengths: NDArray[np.int64]) -> U64:
    """The 32-bit words of each text, a row each, zeros behind its end; those that are too long have none."""
    longest = int(lengths.max())
    if 0 < longest <= _LONGEST and longest % 4 == 0 and (lengths == longest).all():  # ids are mostly of one length
        block = data[starts[0] : starts[0] + longest * len(starts)]
    else:
        columns = np.arange(-(-min(longest, _LONGEST) // 4) * 4)
        inside = columns < np.where(lengths > _LONGEST, 0, lengths)[:, None]
        block = np.zeros(inside.shape, np.uint8)
        block[inside] = data[(starts[:, None] + columns)[inside]]
    return block.reshape(len(starts), -1).view("<u4").astype(np.uint64)
