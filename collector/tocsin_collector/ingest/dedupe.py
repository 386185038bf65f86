"""Once and only once: which rows of a block are new, which are known, which contradict what is known.

* The same block (producer and sequence, same values) again: all of it is known.
* A prediction's id again: known with the same values, a conflict with others.
* A label's or outcome's id again: known with the same value; with another one a correction when its time is not earlier
  than that of the value it replaces, else known (it was overtaken).

Marks are set while a block is judged, and ``undo`` takes them back when the write fails. Blocks are judged one group
after the other, so nobody sees a mark of what is not durable.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tocsin_collector.frame import Frame
from tocsin_collector.ingest.identity import block_key, contents, keys
from tocsin_collector.ingest.jsonbody import NO_PRODUCER
from tocsin_collector.ingest.ledger import Ledger
from tocsin_schema.block import PREDICTION, Block

Rows = NDArray[np.int64]


class Judged(NamedTuple):
    """Row numbers of a block: what to keep, and what contradicts; every other row is a duplicate."""

    accepted: Rows
    conflicts: Rows


class _Keys(NamedTuple):
    """Keys with their slots, and what the ledger said of them before."""

    slots: Rows
    keys: NDArray[np.uint64]
    content: NDArray[np.uint64]
    time: NDArray[np.int64]

    def take(self, rows: Rows) -> "_Keys":
        return _Keys(self.slots[rows], self.keys[rows], self.content[rows], self.time[rows])


_NONE = np.empty(0, np.int64)


class Dedupe:
    """The memory of every accepted event and block."""

    def __init__(self) -> None:
        self._ledger = Ledger()
        self._undo: list[_Keys] = []

    @property
    def size_bytes(self) -> int:
        """The memory that it takes."""
        return self._ledger.size_bytes

    def judge(self, block: Block, frame: Frame) -> Judged:
        """Judge the rows of a block and mark those that are accepted."""
        if frame.rows == 0:
            return Judged(_NONE, _NONE)
        content = contents(frame)
        named = keys(frame)
        if block.producer != NO_PRODUCER:
            # With a fingerprint of its events: two processes that share a producer by mistake (a fork) lose nothing.
            mark = (content * (named | np.uint64(1))).sum(keepdims=True) | np.uint64(1)
            sent = self._known(block_key(block))
            if sent.content == mark:
                return Judged(_NONE, _NONE)
            self._mark(sent, mark, None)
        known = self._known(named)
        ordered = np.sort(known.slots)
        if (ordered[1:] == ordered[:-1]).any():
            judged = _one_by_one(frame, known, content)
        else:
            judged = _at_once(frame, known, content)
        rows = judged.accepted
        time = None if frame.type == PREDICTION else frame.time_us  # nothing corrects a prediction
        if rows.size == frame.rows:
            self._mark(known, content, time)
        else:
            self._mark(known.take(rows), content[rows], None if time is None else time[rows])
        return judged

    def keep(self) -> None:
        """What was judged since the last call is durable."""
        self._undo.clear()

    def undo(self) -> None:
        """What was judged since the last ``keep`` was not written: forget it."""
        for before in reversed(self._undo):
            slots = self._ledger.claim(before.keys)
            self._ledger.write(slots, before.content, before.time)
        self._undo.clear()

    def _known(self, named: NDArray[np.uint64]) -> _Keys:
        slots = self._ledger.claim(named)
        return _Keys(slots, named, *self._ledger.read(slots))

    def _mark(self, known: _Keys, content: NDArray[np.uint64], time: NDArray[np.int64] | None) -> None:
        self._undo.append(known)
        self._ledger.write(known.slots, content, time)


def _at_once(frame: Frame, known: _Keys, content: NDArray[np.uint64]) -> Judged:
    """Every id stands in the block once."""
    fresh = known.content == 0
    if fresh.all():
        return Judged(np.arange(frame.rows), _NONE)
    other = (known.content != content) & ~fresh
    if frame.type == PREDICTION:
        return Judged(np.flatnonzero(fresh), np.flatnonzero(other))
    return Judged(np.flatnonzero(fresh | (other & (frame.time_us >= known.time))), _NONE)


def _one_by_one(frame: Frame, known: _Keys, content: NDArray[np.uint64]) -> Judged:
    """An id stands in the block more than once: its rows are judged in their order."""
    accepted: list[int] = []
    conflicts: list[int] = []
    state: dict[int, tuple[int, int]] = {}
    rows = zip(known.slots, known.content, known.time, content, frame.time_us, strict=True)
    for row, (slot, before, since, mine, time) in enumerate(tuple(map(int, values)) for values in rows):
        known_content, known_time = state.get(slot, (before, since))
        if known_content == mine:
            continue
        if known_content == 0 or (frame.type != PREDICTION and time >= known_time):
            accepted.append(row)
            state[slot] = (mine, time)
        elif frame.type == PREDICTION:
            conflicts.append(row)
    return Judged(np.array(accepted, np.int64), np.array(conflicts, np.int64))
