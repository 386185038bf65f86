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


class _Mark(NamedTuple):
    high: NDArray[np.uint64]
    low: NDArray[np.uint64]
    content: NDArray[np.uint64]
    time: NDArray[np.int64]


_NONE = np.empty(0, np.int64)


class Dedupe:
    """The memory of every accepted event and block."""

    def __init__(self) -> None:
        self._ledger = Ledger()
        self._undo: list[_Mark] = []

    @property
    def size_bytes(self) -> int:
        """The memory that it takes."""
        return self._ledger.size_bytes

    def judge(self, block: Block, frame: Frame) -> Judged:
        """Judge the rows of a block and mark those that are accepted."""
        if frame.rows == 0:
            return Judged(_NONE, _NONE)
        content = contents(frame)
        high, low = keys(frame)
        if block.producer != NO_PRODUCER:
            # With a fingerprint of its events: two processes that share a producer by mistake (a fork) lose nothing.
            mark = (content * (high | np.uint64(1))).sum(keepdims=True) | np.uint64(1)
            if not self._mark(*block_key(block), mark, np.zeros(1, np.int64)):
                return Judged(_NONE, _NONE)
        slots = self._ledger.claim(high, low)
        ordered = np.sort(slots)
        if (ordered[1:] == ordered[:-1]).any():
            return self._one_by_one(frame, slots, high, low, content)
        known = self._ledger.content[slots]
        other = (known != content) & (known != 0)
        if frame.type == PREDICTION:
            accepted, conflicts = np.flatnonzero(known == 0), np.flatnonzero(other)
        else:
            accepted = np.flatnonzero((known == 0) | (other & (frame.time_us >= self._ledger.time[slots])))
            conflicts = _NONE
        self._write(slots, high, low, accepted, content, frame.time_us)
        return Judged(accepted, conflicts)

    def keep(self) -> None:
        """What was judged since the last call is durable."""
        self._undo.clear()

    def undo(self) -> None:
        """What was judged since the last ``keep`` was not written: forget it."""
        for mark in reversed(self._undo):
            slots = self._ledger.claim(mark.high, mark.low)
            self._ledger.content[slots] = mark.content
            self._ledger.time[slots] = mark.time
        self._undo.clear()

    def _mark(self, high: NDArray[np.uint64], low: NDArray[np.uint64], content: NDArray[np.uint64], time: Rows) -> bool:
        """Mark one key; False when it is known with this content."""
        slots = self._ledger.claim(high, low)
        if self._ledger.content[slots] == content:
            return False
        self._write(slots, high, low, np.zeros(1, np.int64), content, time)
        return True

    def _write(
        self,
        slots: Rows,
        high: NDArray[np.uint64],
        low: NDArray[np.uint64],
        rows: Rows,
        content: NDArray[np.uint64],
        time: NDArray[np.int64],
    ) -> None:
        if rows.size == slots.size:
            at, mark = slots, (high, low)
        else:
            at, mark, content, time = slots[rows], (high[rows], low[rows]), content[rows], time[rows]
        self._undo.append(_Mark(*mark, self._ledger.content[at], self._ledger.time[at]))
        self._ledger.content[at] = content
        self._ledger.time[at] = time

    def _one_by_one(
        self,
        frame: Frame,
        slots: Rows,
        high: NDArray[np.uint64],
        low: NDArray[np.uint64],
        content: NDArray[np.uint64],
    ) -> Judged:
        """An id stands in the block more than once: its rows are judged in their order."""
        accepted: list[int] = []
        conflicts: list[int] = []
        state: dict[int, tuple[int, int]] = {}
        known, since = self._ledger.content[slots].tolist(), self._ledger.time[slots].tolist()
        for row, (slot, mine, time) in enumerate(
            zip(slots.tolist(), content.tolist(), frame.time_us.tolist(), strict=True)
        ):
            before, at = state.get(slot, (known[row], since[row]))
            if before == mine:
                continue
            if before == 0 or (frame.type != PREDICTION and time >= at):
                accepted.append(row)
                state[slot] = (mine, time)
            elif frame.type == PREDICTION:
                conflicts.append(row)
        rows = np.array(accepted, np.int64)
        self._write(slots, high, low, rows, content, frame.time_us)
        return Judged(rows, np.array(conflicts, np.int64))
