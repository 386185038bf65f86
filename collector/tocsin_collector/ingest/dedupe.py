"""Once and only once: which rows of a block are new, which are known, which contradict what is known.

* A prediction's id again: known with the same values, a conflict with others.
* A label's or outcome's id again: known with the same value; with another one a correction when its time is not earlier
  than that of the value it replaces, else known (it was overtaken).
* A block again (producer and sequence): what is known of it is known, whatever its values: a spilled label does not
  undo its correction. Its unknown ids are new: two processes that share a producer by mistake (a fork) lose nothing.
* What is older than the horizon is forgotten: nobody can tell any more whether it was counted. Between the horizon and
  the memory of ids, where that had to be cut, a block's sequence alone decides, as far as sequences are remembered.

Marks are set while a block is judged, and ``undo`` takes them back when the write fails. Blocks are judged one group
after the other, so nobody sees a mark of what is not durable.
"""

import os
from collections.abc import Callable, Sequence
from itertools import accumulate, pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tocsin_collector.frame import Frame
from tocsin_collector.ingest.drafts import NO_PRODUCER
from tocsin_collector.ingest.horizon import NEVER, Horizon
from tocsin_collector.ingest.identity import contents, keys
from tocsin_collector.ingest.ledger import Ledger
from tocsin_collector.ingest.producers import Producers
from tocsin_collector.keyedhash import KEY_BYTES, KeyedHash
from tocsin_schema.block import PREDICTION, Block

Rows = NDArray[np.int64]


class Judged(NamedTuple):
    """Row numbers of a block: what to keep, what contradicts, what is too old to tell; every other one is known.

    ``remembered_us`` is the time before which unknown ids are forgotten ones.
    """

    accepted: Rows
    conflicts: Rows
    forgotten: Rows
    remembered_us: int

    def by_block(self, blocks: Sequence[Block]) -> list[Rows]:
        """The accepted rows of each of the blocks that were judged together."""
        if len(blocks) == 1:
            return [self.accepted]
        ends = list(accumulate(block.rows for block in blocks))
        cuts = [0, *np.searchsorted(self.accepted, ends).tolist()]
        return [self.accepted[start:end] for start, end in pairwise(cuts)]


class _Floors(NamedTuple):
    """From when on an unknown id is new, and before when it is forgotten; what lies between is known."""

    new_us: int
    remembered_us: int


class _Keys(NamedTuple):
    """Keys with their slots, and what the ledger said of them before."""

    slots: Rows
    keys: NDArray[np.uint64]
    content: NDArray[np.uint64]
    time: NDArray[np.int64]

    def take(self, rows: Rows) -> "_Keys":
        return _Keys(self.slots[rows], self.keys[rows], self.content[rows], self.time[rows])


_NONE = np.empty(0, np.int64)
_NOTHING = Judged(_NONE, _NONE, _NONE, NEVER)
_ALWAYS = _Floors(NEVER, NEVER)


class Dedupe:
    """The memory of accepted events and blocks, as far back as the horizon goes."""

    def __init__(self, horizon_s: float, most_bytes: int) -> None:
        self.horizon = Horizon(horizon_s)
        self._hash = KeyedHash(os.urandom(KEY_BYTES))
        self._ledger = Ledger(self.horizon.kept, most_bytes)
        self._producers = Producers(self.horizon, most_bytes // 8)
        self._undo: list[tuple[int, _Keys]] = []
        self._newest: list[tuple[int, int]] = []

    @property
    def size_bytes(self) -> int:
        """The memory that it takes."""
        return self._ledger.size_bytes + self._producers.size_bytes

    def knows(self, block: Block) -> bool:
        """Whether something of this block was accepted before, so that it has to be judged alone."""
        return self._producers.knows(block)

    def judge(self, blocks: Sequence[Block], frame: Frame) -> Judged:
        """Judge the rows of a block, or of several that are not known, and mark those that are accepted."""
        return self._judge(blocks, frame, self._floors)

    def replay(self, block: Block, frame: Frame) -> Judged:
        """Mark what the journal holds: it was accepted, so nothing of it is too old, but it may be there twice."""
        judged = self._judge([block], frame, lambda *_: _ALWAYS)
        self.keep()
        return judged

    def keep(self) -> None:
        """What was judged since the last call is durable."""
        for stream, newest_us in self._newest:
            self.horizon.saw(stream, newest_us)
        self._newest.clear()
        self._undo.clear()
        self._producers.keep()

    def undo(self) -> None:
        """What was judged since the last ``keep`` was not written: forget it."""
        for stream, before in reversed(self._undo):
            slots = self._ledger.claim(before.keys)
            self._ledger.write(slots, before.content, before.time, stream)
        self._newest.clear()
        self._undo.clear()
        self._producers.undo()

    def state(self) -> dict[str, Any]:
        """A copy of all but the ids, apart from what is not durable yet; ``load`` takes it."""
        return {
            "key": self._hash.key.hex(),
            "span_us": self.horizon.span_us,
            "streams": self.horizon.state(),
            "producers": self._producers.state(),
        }

    def ids(self) -> dict[str, Any]:
        """A copy of the table of ids; ``load_ids`` takes it."""
        return self._ledger.columns()

    def load(self, state: dict[str, Any]) -> None:
        """Take over what another one knew but its ids; this one must not know anything yet, nor judge before it has
        them."""
        self._hash = KeyedHash(bytes.fromhex(state["key"]))
        self.horizon.load(state["streams"])
        self._producers.load(state["producers"])

    def load_ids(self, ids: dict[str, Any]) -> None:
        """Take over the other one's ids."""
        self._ledger.load(ids)

    def _floors(self, block: Block, stream: int, repeated: bool) -> _Floors:
        oldest, floor = self.horizon.oldest(stream), self.horizon.floor(stream)
        if block.producer == NO_PRODUCER:
            return _Floors(floor, floor)
        since = min(floor, max(oldest, self._producers.since(stream)))
        return _Floors(floor if repeated else since, since)

    def _judge(self, blocks: Sequence[Block], frame: Frame, floors_of: Callable[[Block, int, bool], _Floors]) -> Judged:
        if frame.rows == 0:
            return _NOTHING
        stream, repeated = self.horizon.number(frame), self._producers.knows(blocks[0])
        content = contents(frame, self._hash)
        known = self._known(keys(frame, self._hash))
        floors = floors_of(blocks[0], stream, repeated)  # not before: to make room for keys may raise them
        ordered = np.sort(known.slots)
        judge = _one_by_one if (ordered[1:] == ordered[:-1]).any() else _at_once
        judged = judge(frame, known, content, floors)
        if repeated:
            fresh = judged.accepted[known.content[judged.accepted] == 0]
            judged = judged._replace(accepted=fresh, conflicts=_NONE)
        rows = judged.accepted
        if rows.size == 0:
            return judged
        if rows.size == frame.rows:
            self._mark(known, content, frame.time_us, stream)
        else:
            self._mark(known.take(rows), content[rows], frame.time_us[rows], stream)
        for block, own in zip(blocks, judged.by_block(blocks), strict=True):
            if own.size:
                newest_us = int(frame.time_us[own].max())
                self._newest.append((stream, newest_us))
                if not repeated:
                    self._producers.mark(block, stream, newest_us)
        return judged

    def _known(self, named: NDArray[np.uint64]) -> _Keys:
        slots = self._ledger.claim(named)
        return _Keys(slots, named, *self._ledger.read(slots))

    def _mark(self, known: _Keys, content: NDArray[np.uint64], time: NDArray[np.int64], stream: int) -> None:
        self._undo.append((stream, known))
        self._ledger.write(known.slots, content, time, stream)


def _at_once(frame: Frame, known: _Keys, content: NDArray[np.uint64], floors: _Floors) -> Judged:
    """Every id stands in the block once."""
    fresh = known.content == 0
    earliest = int(frame.time_us.min())
    if earliest >= floors.new_us and fresh.all():
        return Judged(np.arange(frame.rows), _NONE, _NONE, floors.remembered_us)
    forgotten = np.flatnonzero(fresh & (frame.time_us < floors.remembered_us))
    accepted = fresh & (frame.time_us >= floors.new_us)
    other = (known.content != content) & ~fresh
    if frame.type == PREDICTION:
        return Judged(np.flatnonzero(accepted), np.flatnonzero(other), forgotten, floors.remembered_us)
    corrected = other & (frame.time_us >= known.time)
    return Judged(np.flatnonzero(accepted | corrected), _NONE, forgotten, floors.remembered_us)


def _one_by_one(frame: Frame, known: _Keys, content: NDArray[np.uint64], floors: _Floors) -> Judged:
    """An id stands in the block more than once: its rows are judged in their order."""
    accepted: list[int] = []
    conflicts: list[int] = []
    forgotten: list[int] = []
    state: dict[int, tuple[int, int]] = {}
    seen = zip(known.slots, known.content, known.time, content, frame.time_us, strict=True)
    for row, (slot, before, since, mine, time) in enumerate(tuple(map(int, values)) for values in seen):
        known_content, known_time = state.get(slot, (before, since))
        if known_content == mine:
            continue
        if known_content == 0 and time < floors.new_us:
            if time < floors.remembered_us:
                forgotten.append(row)
        elif known_content == 0 or (frame.type != PREDICTION and time >= known_time):
            accepted.append(row)
            state[slot] = (mine, time)
        elif frame.type == PREDICTION:
            conflicts.append(row)
    return Judged(
        np.array(accepted, np.int64),
        np.array(conflicts, np.int64),
        np.array(forgotten, np.int64),
        floors.remembered_us,
    )
