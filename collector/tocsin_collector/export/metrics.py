"""The service's series, kept current and written for who asks, in turns of the event loop.

A scrape of a hundred thousand series must not hold up the events that come in meanwhile.
"""

import zlib
from collections.abc import AsyncIterator, Callable, Container, Hashable, Iterable
from typing import NamedTuple

from prometheus_client import ProcessCollector

from tocsin_collector.export.exposition import AnyColumn, Column, Exposition, Sample
from tocsin_collector.export.form import Form
from tocsin_collector.export.models import Newest, latency, newest, totals, verdict, windows
from tocsin_collector.export.turn import Turn
from tocsin_collector.export.writer import Rows, Writer
from tocsin_collector.monitor.model import Model
from tocsin_collector.verdict import ModelKey

PIECE_BYTES = 1 << 16
_process = ProcessCollector(registry=None)


class _State(NamedTuple):
    """What is equal as long as a model shows the same. A new reference brings another model."""

    verdict: Hashable
    latency: Hashable

    @staticmethod
    def of(model: Model) -> "_State":
        return _State((model, model.verdicts_total, model.judge), (model, model.latency.total))


class Metrics:
    """All series of the collector. ``watched`` are its models, ``counted`` gives everything else."""

    def __init__(self, watched: Callable[[], Iterable[Model]], counted: Callable[[], Iterable[AnyColumn]]) -> None:
        self.exposition = Exposition()
        self._watched = watched
        self._counted = counted
        self._states: dict[ModelKey, _State] = {}
        self._newest: dict[ModelKey, Newest] = {}
        self._writers: dict[Rows, Writer] = {}

    async def refresh(self) -> None:
        """Put what has changed since the last time."""
        turn, watched = Turn(), [*self._watched()]
        for gone in self._states.keys() - {model.key for model in watched}:
            self._forget(gone)
        for model in watched:
            before, state = self._states.get(model.key), _State.of(model)
            if before != state:
                self._states[model.key] = state
                self._take(model, before, state)
                if turn.over:
                    await turn.pass_on()
        for column in (*totals(watched), *windows(self._newest)):
            self.exposition.put(column.name, [column])
        self.exposition.put("collector", self._counted())

    def _take(self, model: Model, before: "_State | None", state: "_State") -> None:
        if before is None or before.latency != state.latency:
            self.exposition.put((model.key, "latency"), latency(model))
        if before is None or before.verdict != state.verdict:
            found = newest(model)
            if found is None:
                self._newest.pop(model.key, None)
            else:
                self._newest[model.key] = found
            self.exposition.put((model.key, "verdict"), verdict(model))

    def _forget(self, key: ModelKey) -> None:
        del self._states[key]
        self._newest.pop(key, None)
        self.exposition.put((key, "latency"), ())
        self.exposition.put((key, "verdict"), ())

    async def samples(self, names: Container[str]) -> list[Sample]:
        """The samples of these names as they are now."""
        await self.refresh()
        families = [family for metric, family in self.exposition.families() if metric.name in names]
        return [
            sample
            for family in families
            for _, column in family
            if isinstance(column, Column)
            for sample in column.samples()
        ]

    async def written(self, form: Form) -> AsyncIterator[bytes]:
        """What was put, in a form, in pieces that end between families. Later puts change nothing in it."""
        writer = self._writers.setdefault(form.rows, Writer(form.rows))
        turn, pieces, size = Turn(), [b""], 0
        for metric, family in self.exposition.families():
            found = []
            for data in writer.family(metric, family):
                found.append(data)
                if turn.over:
                    await turn.pass_on()
            below = sum(map(len, found))
            pieces += form.head(metric, below), *found
            size += below
            if size >= PIECE_BYTES:
                yield b"".join(pieces)
                pieces, size = [], 0
        yield b"".join([*pieces, form.end])


async def gzipped(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The pieces as gzip (RFC 1952), at its fastest."""
    packer, turn = zlib.compressobj(1, zlib.DEFLATED, 31), Turn()
    async for piece in pieces:
        for start in range(0, len(piece), PIECE_BYTES):
            packed = packer.compress(memoryview(piece)[start : start + PIECE_BYTES])
            if packed:
                yield packed
            if turn.over:
                await turn.pass_on()
    yield packer.flush()


def process() -> Iterable[Sample]:
    """The collector process' own CPU, memory and descriptors."""
    return (Sample(sample.name, {}, sample.value) for family in _process.collect() for sample in family.samples)
