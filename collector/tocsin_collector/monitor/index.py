"""Keys become numbers, 0 and upwards: an open-addressing table in numpy columns.

The numbers are dense, so that whatever belongs to a key lies in plain columns beside it, and a slot of the table is
four bytes. A whole array of keys moves through the table together, and who finds another key goes on to the next slot
(linear probing). New ones then all write their number into the empty slot that they stand before; whoever reads itself
back has won it, and the others go on. An array of 16,384 keys costs two thirds a key of what one of 1,000 does: callers
gather.

Keys are 64 bits of a keyed hash (``keyedhash.py``), so nobody outside can aim at long probes.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tocsin_collector.monitor.growing import Growing

U64 = NDArray[np.uint64]
Numbers = NDArray[np.int32]
Slots = NDArray[np.int64]
_FULLEST = 0.5  # at 0.6 a new key looks at 3.6 slots, here at 2.5
_FEW = 16
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
        numbers, at = self._find(keys)
        new = np.flatnonzero(numbers == _EMPTY)
        if new.size:
            numbers[new] = self._add(keys[new], at[new])
        return numbers

    def keep(self, which: NDArray[np.bool_]) -> None:
        """Forget the other keys; those that stay are numbered anew, in the same order."""
        kept = self._keys.rows[which]
        self._keys = Growing(np.uint64)
        self._make(kept.size)
        for start in range(0, kept.size, _PIECE):
            self.claim(kept[start : start + _PIECE])

    def _find(self, keys: U64) -> tuple[Numbers, Slots]:
        """The number of each key, and its slot; of a new one the empty slot where the way to it ends."""
        known, slots = self._keys.rows, self._slots
        at = self._first(keys)
        numbers = slots.take(at)
        if not known.size:
            return numbers, at
        # An empty slot's number takes the last key, whatever it is.
        todo = np.flatnonzero((known.take(numbers) != keys) & (numbers != _EMPTY))
        while todo.size > _FEW:
            there = (at[todo] + 1) & self._mask
            found = slots.take(there)
            at[todo], numbers[todo] = there, found
            todo = todo[(known.take(found) != keys[todo]) & (found != _EMPTY)]
        for row in todo.tolist():
            at[row], numbers[row] = self._walk(keys.item(row), at.item(row))
        return numbers, at

    def _walk(self, key: int, slot: int) -> tuple[int, int]:
        """The slot and number of one key that is not in that slot: for the last few, a round of array operations costs
        more than their steps."""
        while True:
            slot = (slot + 1) & self._mask
            number = self._slots.item(slot)
            if number == _EMPTY or self._keys.rows.item(number) == key:
                return slot, number

    def _add(self, keys: U64, at: Slots) -> Numbers:
        """Give new keys, whose ways through the table end at these slots, the next numbers."""
        first = len(self)
        tried = np.arange(first, first + keys.size, dtype=np.int32)
        self._keys.append(keys)
        numbers = self._place(keys, tried, at)
        won = np.flatnonzero(numbers == tried)
        if won.size < keys.size:  # some stand twice: only the first of each has a place in the column
            ranks = tried[: won.size]
            rank_of = np.empty(keys.size, np.int32)
            rank_of[won] = ranks
            self._slots[at[won]] = ranks
            self._keys.rows[first : first + won.size] = keys[won]
            self._keys.size = first + won.size
            numbers = rank_of[numbers - first]
        return numbers

    def _place(self, keys: U64, tried: Numbers, at: Slots) -> Numbers:
        """The number that each key has in the table from a slot on, its own ``tried`` one where it has none; ``at``
        becomes the slot where it is."""
        known, slots = self._keys.rows, self._slots
        numbers = np.empty(keys.size, np.int32)
        todo = np.arange(keys.size)
        while todo.size:
            there = at[todo]
            found = slots.take(there)
            empty = np.flatnonzero(found == _EMPTY)
            if empty.size:
                slots[there[empty]] = tried[todo[empty]]
                found[empty] = slots.take(there[empty])
            numbers[todo] = found
            todo = todo[known.take(found) != keys[todo]]
            at[todo] = (at[todo] + 1) & self._mask
        return numbers

    def _first(self, keys: U64) -> Slots:
        return (keys >> self._shift).view(np.int64)

    def _grow(self, more: int) -> None:
        runs = _runs(self._slots)
        self._make(len(self) + more)
        for numbers in runs:
            self._lay(numbers)

    def _lay(self, numbers: Numbers) -> None:
        """Put keys into a part of the table where none is yet, without a look at it: in the order of their first slots,
        each takes its own or that behind the one before."""
        keys = self._keys.rows.take(numbers)
        order, row = np.argsort(keys), np.arange(numbers.size)
        at = np.maximum.accumulate(self._first(keys[order]) - row) + row
        inside = np.searchsorted(at, self._slots.size)
        self._slots[at[:inside]] = numbers[order[:inside]]
        over = order[inside:]  # the way of these goes on at the table's beginning
        self._place(keys[over], numbers[over], np.zeros(over.size, np.int64))

    def _make(self, keys: int) -> None:
        """An empty table with room for so many keys."""
        bits = max(_SMALLEST_BITS, int(keys / _FULLEST).bit_length())
        self._use(np.full(1 << bits, _EMPTY, np.int32))

    def _use(self, slots: Numbers) -> None:
        self._shift, self._mask = np.uint64(65 - slots.size.bit_length()), slots.size - 1
        self._slots = slots


def _runs(slots: Numbers) -> Iterator[Numbers]:
    """The numbers in a table, some thousands at once, all that want a slot before those of the next ones: cut where a
    slot is empty, since no key has gone past one. The first ones of the table may have come from its end."""
    empty = int(np.argmax(slots == _EMPTY))
    start = empty
    while start < slots.size:
        end = min(start + _PIECE, slots.size)
        while end < slots.size and slots[end] != _EMPTY:
            end += 1
        some = slots[start:end] if end < slots.size else np.concatenate([slots[start:end], slots[:empty]])
        yield some[some != _EMPTY]
        start = end
