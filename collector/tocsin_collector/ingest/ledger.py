"""Which keys were seen, and with what: a hash table in numpy columns that takes a thousand keys at a time.

A key is 64 bits; beside it stand 64 bits that tell its content apart (0: nothing was marked) and a time, if it needs
one. That is 16 or 24 bytes a slot, 27 to 80 a key.

Open addressing, double hashing. A whole array of keys moves through the table together: those that stand before an
empty slot all write themselves into it, and whoever reads itself back has won it; the others go on to their next
slot.
"""

import numpy as np
from numpy.typing import NDArray

U64 = NDArray[np.uint64]
_FULLEST = 0.6  # fuller tables cost more rounds: the unluckiest of a thousand keys needs about 13 at 0.6
_FEW = 16
_PIECE = 4_096  # what is worked on at once stays in the processor's cache


class Ledger:
    """Slots are only valid until the next ``claim``, which may move them."""

    def __init__(self) -> None:
        self._make(1 << 16)  # 1 MiB, of which only what is touched becomes memory

    def __len__(self) -> int:
        return int(np.count_nonzero(self._keys))

    @property
    def size_bytes(self) -> int:
        """The memory of its columns."""
        return 24 * self._keys.size

    def claim(self, keys: U64) -> NDArray[np.int64]:
        """The slot of each key; equal keys have one slot. A new key gets a slot without content."""
        if self._used + keys.size > _FULLEST * self._keys.size:
            self._grow(keys.size)
        return self._place(np.maximum(keys, np.uint64(1)))  # an empty slot is one whose key is 0

    def read(self, slots: NDArray[np.int64]) -> tuple[U64, NDArray[np.int64]]:
        """What stands beside the keys: content (0: nothing yet) and time."""
        return self._content[slots], self._time[slots]

    def write(self, slots: NDArray[np.int64], content: U64, time: NDArray[np.int64] | None) -> None:
        """Put content beside keys, and time where there is one; of a slot that stands twice the last one counts."""
        self._content[slots] = content
        if time is not None:  # a column that is never written never becomes memory
            self._time[slots] = time

    def _place(self, keys: U64) -> NDArray[np.int64]:
        slots = keys.view(np.int64) & self._mask
        steps = (keys >> np.uint64(32)).view(np.int64) | 1  # odd: every slot is visited
        todo = np.arange(keys.size)
        while todo.size > _FEW:
            at, mine = slots[todo], keys[todo]
            empty = np.flatnonzero(self._keys[at] == 0)
            if empty.size:
                self._keys[at[empty]] = mine[empty]
                self._used += empty.size  # an upper bound: two of these may be one key, or want one slot
            other = np.flatnonzero(self._keys[at] != mine)
            todo = todo[other]
            slots[todo] = (at[other] + steps[todo]) & self._mask
        for row in todo.tolist():
            slots[row] = self._walk(int(keys[row]), int(slots[row]), int(steps[row]))
        return slots

    def _walk(self, key: int, slot: int, step: int) -> int:
        """The slot of one key: for the last few, a round of array operations costs more than their steps."""
        while (found := self._keys.item(slot)) != key:
            if found == 0:
                self._keys[slot] = key
                self._used += 1
                break
            slot = (slot + step) & self._mask
        return slot

    def _grow(self, more: int) -> None:
        self._used = len(self)
        if self._used + more <= _FULLEST * self._keys.size:
            return
        keys, content, time = self._keys, self._content, self._time
        self._make(1 << int((self._used + more) / _FULLEST).bit_length())
        kept = np.flatnonzero(keys)
        for start in range(0, kept.size, _PIECE):  # in the order of the old slots, which is nearly that of the new ones
            some = kept[start : start + _PIECE]
            times = time[some]
            self.write(self._place(keys[some]), content[some], times if times.any() else None)

    def _make(self, size: int) -> None:
        self._mask = size - 1
        self._used = 0
        self._keys = np.zeros(size, np.uint64)
        self._content = np.zeros(size, np.uint64)
        self._time = np.zeros(size, np.int64)
