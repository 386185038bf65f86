"""Keys become numbers, 0 and upwards: an open-addressing table in numpy columns.

The numbers are dense, so that whatever belongs to a key lies in plain columns beside it, and a slot of the table is
four bytes. A whole array of keys moves through the table together: those that stand before an empty slot all write
their number into it, whoever reads itself back has won it, and who finds another key goes on to the next slot (linear
probing). An array of 16,384 keys costs a third a key of what one of 1,000 does: callers gather.

Keys are 64 bits of a keyed hash (``keyedhash.py``), so nobody outside can aim at long probes.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tocsin_collector.monitor.growing import Growing

U64 = NDArray[np.uint64]
Numbers = NDArray[np.int32]
_FULLEST = 0.6
_SMALLEST_BITS = 10
_PIECE = 1 << 14
_EMPTY = -1


class Index:
    """Numbers of keys, dense from 0."""

    def __init__(self) -> None:
        self._keys: Growing[np.uint64] = Growing(np.uint64)
        self._make(0)

    def __len__(self) -> int:
        return self._keys.size

    @property
    def size_bytes(self) -> int:
        """The memory of keys and table."""
        return self._keys.rows.nbytes + self._slots.nbytes

    def is_full(self, more: int) -> bool:
        """Whether so many further keys make the table larger."""
        return len(self) + more > _FULLEST * self._slots.size

    def state(self) -> dict[str, Any]:
        """A copy of keys and table; ``load`` takes it."""
        return {"keys": self._keys.rows.copy(), "slots": self._slots.copy()}

    def load(self, state: dict[str, Any]) -> None:
        """Take over another one's table, slot for slot: to place each key again would cost many times as much."""
        self._keys = Growing.of(state["keys"])
        self._use(state["slots"].copy())

    def claim(self, keys: U64) -> Numbers:
        """The number of each key. Equal keys have one number; new ones get the next that are free, in their order as
        long as none of them stands twice."""
        if self.is_full(keys.size):
            self._grow(keys.size)
        first = len(self)
        tried = np.arange(first, first + keys.size, dtype=np.int32)
        self._keys.append(keys)
        numbers, at = self._place(keys, tried)
        won = np.flatnonzero(numbers == tried)
        if won.size < keys.size:
            self._close_ranks(keys, numbers, at, won, first)
        return numbers

    def keep(self, which: NDArray[np.bool_]) -> None:
        """Forget the other keys; those that stay are numbered anew, in the same order."""
        kept = self._keys.rows[which]
        self._keys = Growing(np.uint64)
        self._make(kept.size)
        for start in range(0, kept.size, _PIECE):
            self.claim(kept[start : start + _PIECE])

    def _close_ranks(
        self, keys: U64, numbers: Numbers, at: NDArray[np.int64], won: NDArray[np.intp], first: int
    ) -> None:
        """Let only new keys have a place in the column: the n-th of them gets the n-th number."""
        ranks = np.arange(first, first + won.size, dtype=np.int32)
        rank_of = np.empty(keys.size, np.int32)
        rank_of[won] = ranks
        self._slots[at[won]] = ranks
        self._keys.rows[first : first + won.size] = keys[won]
        self._keys.size = first + won.size
        new = np.flatnonzero(numbers >= first)
        numbers[new] = rank_of[numbers[new] - first]

    def _place(self, keys: U64, tried: Numbers) -> tuple[Numbers, NDArray[np.int64]]:
        """The number that each key has in the table, its own ``tried`` one where it is new, and its slot."""
        known = self._keys.rows
        at = (keys >> self._shift).view(np.int64)
        numbers = np.empty(keys.size, np.int32)
        todo = np.arange(keys.size)
        while todo.size:
            slots = at[todo]
            found = self._slots[slots]
            empty = np.flatnonzero(found == _EMPTY)
            if empty.size:
                self._slots[slots[empty]] = tried[todo[empty]]
                found[empty] = self._slots[slots[empty]]
            numbers[todo] = found
            todo = todo[known[found] != keys[todo]]
            at[todo] = (at[todo] + 1) & self._mask
        return numbers, at

    def _grow(self, more: int) -> None:
        numbers = self._slots[self._slots != _EMPTY]  # in the order of the old slots, which is that of the new ones
        self._make(len(self) + more)
        for start in range(0, numbers.size, _PIECE):
            some = numbers[start : start + _PIECE]
            self._place(self._keys.rows[some], some)

    def _make(self, keys: int) -> None:
        """An empty table with room for so many keys."""
        bits = max(_SMALLEST_BITS, int(keys / _FULLEST).bit_length())
        self._use(np.full(1 << bits, _EMPTY, np.int32))

    def _use(self, slots: Numbers) -> None:
        self._shift, self._mask = np.uint64(65 - slots.size.bit_length()), slots.size - 1
        self._slots = slots
