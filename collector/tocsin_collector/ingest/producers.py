"""Which blocks have come, by producer and sequence: a few bytes a producer, where an id each would be memory an event.

A producer is forgotten when no stream that it has sent to would take its events any more. Sequences at random and
producers by the million are more than a few bytes: beyond ``most_bytes`` all are forgotten, and what is no newer than
they were is told by its ids alone.
"""

from dataclasses import dataclass, field
from typing import Any

from tocsin_collector.ingest.drafts import NO_PRODUCER
from tocsin_collector.ingest.horizon import NEVER, Horizon
from tocsin_collector.ingest.sequences import Sequences
from tocsin_schema.block import Block

_FEWEST = 64
_PRODUCER_BYTES, _RANGE_BYTES, _STREAM_BYTES = 700, 80, 100  # what CPython takes, measured
_FORGOTTEN = NO_PRODUCER
"""Under this name stand the newest times of those that were forgotten for want of room."""


@dataclass(slots=True)
class _Producer:
    sequences: Sequences = field(default_factory=Sequences)
    newest: dict[int, int] = field(default_factory=dict)
    """By stream: the newest time of an event of this producer."""


class Producers:
    """The sequences of every producer within the horizon. A mark holds until ``undo``; after ``keep``, for good."""

    def __init__(self, horizon: Horizon, most_bytes: int) -> None:
        self._horizon = horizon
        self._most_bytes = most_bytes
        self._known: dict[str, _Producer] = {}
        self._undo: list[tuple[str, int]] = []
        self._marks_left = _FEWEST

    @property
    def size_bytes(self) -> int:
        """About the memory that they take."""
        known = list(self._known.values())  # at once: another thread goes on meanwhile
        ranges, streams = (sum(len(getattr(one, name)) for one in known) for name in ("sequences", "newest"))
        return len(known) * _PRODUCER_BYTES + ranges * _RANGE_BYTES + streams * _STREAM_BYTES

    def knows(self, block: Block) -> bool:
        """Whether something of this block was accepted before."""
        producer = self._known.get(block.producer)
        return producer is not None and block.sequence in producer.sequences

    def since(self, stream: int) -> int:
        """The time from which on every block of a stream that came is known."""
        forgotten = self._known.get(_FORGOTTEN)
        return NEVER if forgotten is None else forgotten.newest.get(stream, NEVER - 1) + 1

    def mark(self, block: Block, stream: int, newest_us: int) -> None:
        """Something of a block that was not known is accepted. Blocks without a producer are told by their ids."""
        if block.producer == NO_PRODUCER:
            return
        self._marks_left -= 1
        producer = self._known.setdefault(block.producer, _Producer())
        producer.sequences.add(block.sequence)
        producer.newest[stream] = max(newest_us, producer.newest.get(stream, newest_us))
        self._undo.append((block.producer, block.sequence))

    def keep(self) -> None:
        """What was marked is durable."""
        self._undo.clear()
        if self._marks_left <= 0:
            self._forget()

    def undo(self) -> None:
        """What was marked since the last ``keep`` was not written."""
        for name, sequence in self._undo:
            self._known[name].sequences.remove(sequence)
        self._undo.clear()

    def state(self) -> dict[str, Any]:
        """All that is known, as plain values; ``load`` takes it."""
        return {
            name: [list(producer.sequences.starts), list(producer.sequences.ends), list(producer.newest.items())]
            for name, producer in self._known.items()
        }

    def load(self, state: dict[str, Any]) -> None:
        """Take over what others knew; these must not know anything yet."""
        self._known = {name: _Producer(Sequences(*ranges), dict(newest)) for name, (*ranges, newest) in state.items()}

    def _forget(self) -> None:
        self._known = {name: producer for name, producer in self._known.items() if not self._is_over(producer)}
        if self.size_bytes > self._most_bytes:
            self._known = {_FORGOTTEN: _Producer(newest=self._newest())}
        # Looking costs as much as there is, so it is done when there may be twice as much, or no room for more.
        room = (self._most_bytes - self.size_bytes) // (_PRODUCER_BYTES + _RANGE_BYTES + _STREAM_BYTES)
        self._marks_left = max(_FEWEST, min(room, sum(1 + len(one.sequences) for one in self._known.values())))

    def _newest(self) -> dict[int, int]:
        """By stream: the newest time of an event of any producer."""
        found: dict[int, int] = {}
        for producer in self._known.values():
            for stream, newest_us in producer.newest.items():
                found[stream] = max(newest_us, found.get(stream, newest_us))
        return found

    def _is_over(self, producer: _Producer) -> bool:
        return all(newest_us < self._horizon.oldest(stream) for stream, newest_us in producer.newest.items())
