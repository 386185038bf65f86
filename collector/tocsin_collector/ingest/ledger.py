"""Which keys were seen, and with what: a hash table in numpy columns that takes a thousand keys at a time.

A key is 64 bits; beside it stand 64 bits that tell its content apart (0: nothing was marked), a time, and the number of
the stream whose time that is. That is 28 bytes a slot, 47 to 140 a key.

When the table is full, what need not be remembered any more is left out of the next one.

Open addressing, double hashing. A whole array of keys moves through the table together: those that stand before an
empty slot all write themselves into it, and whoever reads itself back has won it; the others go on to their next
slot.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

U64 = NDArray[np.uint64]
I64 = NDArray[np.int64]
Kept = Callable[[I64, I64, int], NDArray[np.bool_]]
SLOT_BYTES = 28
_FULLEST = 0.6  # fuller tables cost more rounds: the unluckiest of a thousand keys needs about 13 at 0.6
_AFTER = 0.4  # so full is a new table at most, or it would soon move again
_FEW = 16
_PIECE = 4_096  # what is worked on at once stays in the processor's cache
_LOADED = 1 << 16  # slots


class Ledger:
    """Slots are only valid until the next ``claim``, which may move them.

    ``kept`` is asked when the table is full: which of these times of these streams stay, at most so many. The table
    takes at most ``most_bytes``, and while it moves, the old one's beside them.
    """

    _keys: U64

    def __init__(self, kept: Kept, most_bytes: int) -> None:
        self._kept = kept
        self._most_slots = 1 << (most_bytes // SLOT_BYTES).bit_length() - 1
        self._make(min(1 << 16, self._most_slots))  # 2 MiB, of which only what is touched becomes memory

    def __len__(self) -> int:
        return int(np.count_nonzero(self._keys))

    @property
    def size_bytes(self) -> int:
        """The memory of its columns."""
        return SLOT_BYTES * self._keys.size

    def claim(self, keys: U64) -> I64:
        """The slot of each key; equal keys have one slot. A new key gets a slot without content."""
        if self._used + keys.size > _FULLEST * self._keys.size:
            self._grow(keys.size)
        return self._place(np.maximum(keys, np.uint64(1)))  # an empty slot is one whose key is 0

    def read(self, slots: I64) -> tuple[U64, I64]:
        """What stands beside the keys: content (0: nothing yet) and time."""
        return self._content.take(slots), self._time.take(slots)

    def write(self, slots: I64, content: U64, time: I64, stream: int | NDArray[np.uint32]) -> None:
        """Put content, time and stream beside keys; of a slot that stands twice the last one counts."""
        self._content[slots] = content
        self._time[slots] = time
        self._stream[slots] = stream

    def columns(self) -> dict[str, NDArray[Any]]:
        """The table without its empty slots, a copy; ``load`` takes it."""
        taken = self._keys != 0
        return {
            "taken": np.packbits(taken),
            "keys": self._keys[taken],
            "content": self._content[taken],
            "time": self._time[taken],
            "stream": self._stream[taken],
        }

    def load(self, columns: Mapping[str, NDArray[Any]]) -> None:
        """Take over another ledger's table, slot for slot: to place each key again would cost five times as much."""
        size = 8 * columns["taken"].size
        self._make(size)
        for start in range(0, size, _LOADED):
            bits = columns["taken"][start // 8 : (start + _LOADED) // 8]
            taken = np.flatnonzero(np.unpackbits(bits).view(bool)) + start  # of bytes it costs four times as much
            here = slice(self._used, self._used + taken.size)
            self._keys[taken] = columns["keys"][here]
            self.write(taken, columns["content"][here], columns["time"][here], columns["stream"][here])
            self._used += taken.size

    def _place(self, keys: U64) -> I64:
        slots = keys.view(np.int64) & self._mask
        steps = (keys >> np.uint64(32)).view(np.int64) | 1  # odd: every slot is visited
        todo = np.arange(keys.size)
        while todo.size > _FEW:
            at, mine = slots[todo], keys[todo]
            found = self._keys.take(at)
            empty = np.flatnonzero(found == 0)
            if empty.size:
                wanted = at[empty]
                self._keys[wanted] = mine[empty]
                self._used += empty.size  # an upper bound: two of these may be one key, or want one slot
                found[empty] = self._keys.take(wanted)
            other = np.flatnonzero(found != mine)
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
        keys, content, time, stream = self._keys, self._content, self._time, self._stream
        kept = np.flatnonzero(content)
        most = max(0, int(_AFTER * self._most_slots) - more)
        kept = kept[self._kept(time[kept], stream[kept].astype(np.int64), most)]
        self._make(1 << int((kept.size + more) / _AFTER).bit_length())
        for start in range(0, kept.size, _PIECE):  # in the order of the old slots, which is nearly that of the new ones
            some = kept[start : start + _PIECE]
            self.write(self._place(keys[some]), content[some], time[some], stream[some])

    def _make(self, size: int) -> None:
        self._mask = size - 1
        self._used = 0
        self._keys = np.zeros(size, np.uint64)
        self._content = np.zeros(size, np.uint64)
        self._time = np.zeros(size, np.int64)
        self._stream = np.zeros(size, np.uint32)
