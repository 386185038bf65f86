"""Which keys were seen, and with what: a hash table in numpy columns that takes a thousand keys at a time.

A key is 128 bits; beside it stand 64 bits that tell its content apart (0: nothing was marked) and a time. That is 32
bytes a slot, 53 to 107 a key.

Open addressing, double hashing. A whole array of keys moves through the table together: those that stand before an
empty slot all write themselves into it, and whoever reads itself back has won it; the others go on to their next
slot.
"""

import numpy as np
from numpy.typing import NDArray

U64 = NDArray[np.uint64]
_FULLEST = 0.6  # fuller tables cost more rounds: the unluckiest of a thousand keys needs about 13 at 0.6

_FEW = 16


class Ledger:
    """Slots are only valid until the next ``claim``, which may move them."""

    def __init__(self) -> None:
        self._make(1 << 16)  # 2 MiB, of which only what is touched becomes memory

    def __len__(self) -> int:
        return int(np.count_nonzero(self._low))

    @property
    def size_bytes(self) -> int:
        """The memory of its columns."""
        return 32 * self._low.size

    def claim(self, high: U64, low: U64) -> NDArray[np.int64]:
        """The slot of each key; equal keys have one slot. A new key gets a slot without content."""
        low = low | np.uint64(1)  # an empty slot is one whose low half is 0
        if self._used + low.size > _FULLEST * self._low.size:
            self._grow(low.size)
        return self._place(high, low)

    def read(self, slots: NDArray[np.int64]) -> tuple[U64, NDArray[np.int64]]:
        """What stands beside the keys: content (0: nothing yet) and time."""
        return self._content[slots], self._time[slots]

    def write(self, slots: NDArray[np.int64], content: U64, time: NDArray[np.int64]) -> None:
        """Put content and time beside keys; of a slot that stands twice the last one counts."""
        self._content[slots] = content
        self._time[slots] = time

    def _place(self, high: U64, low: U64) -> NDArray[np.int64]:
        slots = (low >> np.uint64(1)).astype(np.int64) & self._mask
        steps = (high | np.uint64(1)).view(np.int64) & self._mask  # odd: every slot is visited
        todo = np.arange(low.size)
        while todo.size > _FEW:
            at = slots[todo]
            empty = np.flatnonzero(self._low[at] == 0)
            if empty.size:
                free, mine = at[empty], todo[empty]
                self._high[free] = high[mine]
                self._low[free] = low[mine]
                self._used += empty.size  # an upper bound: two of these may be one key, or want one slot
            other = np.flatnonzero((self._low[at] != low[todo]) | (self._high[at] != high[todo]))
            todo = todo[other]
            slots[todo] = (at[other] + steps[todo]) & self._mask
        for key in todo.tolist():
            slots[key] = self._walk(int(high[key]), int(low[key]), int(slots[key]), int(steps[key]))
        return slots

    def _walk(self, high: int, low: int, slot: int, step: int) -> int:
        """The slot of one key: for the last few, a round of array operations costs more than their steps."""
        while (found := self._low.item(slot)) != low or self._high.item(slot) != high:
            if found == 0:
                self._low[slot], self._high[slot] = low, high
                self._used += 1
                break
            slot = (slot + step) & self._mask
        return slot

    def _grow(self, more: int) -> None:
        self._used = len(self)
        if self._used + more <= _FULLEST * self._low.size:
            return
        high, low, content, time = self._high, self._low, self._content, self._time
        self._make(1 << int((self._used + more) / _FULLEST).bit_length())
        kept = np.flatnonzero(low)
        slots = self._place(high[kept], low[kept])
        self._content[slots] = content[kept]
        self._time[slots] = time[kept]

    def _make(self, size: int) -> None:
        self._mask = size - 1
        self._used = 0
        self._high = np.zeros(size, np.uint64)
        self._low = np.zeros(size, np.uint64)
        self._content = np.zeros(size, np.uint64)
        self._time = np.zeros(size, np.int64)
