"""Which blocks have come, by producer and sequence: a few bytes a producer, where an id each would be memory an event.

A producer is forgotten when no stream that it has sent to would take its events any more.
"""

from dataclasses import dataclass, field
from typing import Any

from tocsin_collector.ingest.drafts import NO_PRODUCER
from tocsin_collector.ingest.horizon import Horizon
from tocsin_collector.ingest.sequences import Sequences
from tocsin_schema.block import Block

_FEWEST = 1_024
_PRODUCER_BYTES, _RANGE_BYTES = 700, 80  # what CPython takes, measured


@dataclass(slots=True)
class _Producer:
    sequences: Sequences = field(default_factory=Sequences)
    newest: dict[int, int] = field(default_factory=dict)
    """By stream: the newest time of an event of this producer."""


class Producers:
    """The sequences of every producer within the horizon. A mark holds until ``undo``; after ``keep``, for good."""

    def __init__(self, horizon: Horizon) -> None:
        self._horizon = horizon
        self._known: dict[str, _Producer] = {}
        self._undo: list[tuple[str, int]] = []
        self._look_at = _FEWEST

    @property
    def size_bytes(self) -> int:
        """About the memory that they take."""
        known = list(self._known.values())  # at once: another thread goes on meanwhile
        return len(known) * _PRODUCER_BYTES + sum(len(producer.sequences) for producer in known) * _RANGE_BYTES

    def knows(self, block: Block) -> bool:
        """Whether something of this block was accepted before."""
        producer = self._known.get(block.producer)
        return producer is not None and block.sequence in producer.sequences

    def mark(self, block: Block, stream: int, newest_us: int) -> None:
        """Something of a block that was not known is accepted. Blocks without a producer are told by their ids."""
        if block.producer == NO_PRODUCER:
            return
        if len(self._known) >= self._look_at:
            self._forget()
        producer = self._known.setdefault(block.producer, _Producer())
        producer.sequences.add(block.sequence)
        producer.newest[stream] = max(newest_us, producer.newest.get(stream, newest_us))
        self._undo.append((block.producer, block.sequence))

    def keep(self) -> None:
        """What was marked is durable."""
        self._undo.clear()

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
        marked = {name for name, _ in self._undo}
        for name, producer in list(self._known.items()):
            if name not in marked and self._is_over(producer):
                del self._known[name]
        self._look_at = max(_FEWEST, 2 * len(self._known))

    def _is_over(self, producer: _Producer) -> bool:
        return all(newest_us < self._horizon.oldest(stream) for stream, newest_us in producer.newest.items())
