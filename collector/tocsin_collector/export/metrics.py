"""The service's series, kept current and written for who asks, in turns of the event loop.

A scrape of a hundred thousand series must not hold up the events that come in meanwhile.
"""

import asyncio
import zlib
from collections import Counter
from collections.abc import AsyncIterator, Callable, Container, Iterable, Mapping
from typing import NamedTuple

from prometheus_client import ProcessCollector

from tocsin_collector.export.budget import CORE, Budget, folded, rooms
from tocsin_collector.export.exposition import Column, Exposition, Sample
from tocsin_collector.export.form import Form
from tocsin_collector.export.models import (
    HISTOGRAM_SERIES,
    Newest,
    Room,
    latency,
    newest,
    verdict,
    wanted,
    windows,
)
from tocsin_collector.export.turn import Turn
from tocsin_collector.export.writer import Rows, Writer
from tocsin_collector.monitor.model import Model
from tocsin_collector.monitor.monitor import Name
from tocsin_collector.verdict import ModelKey

PIECE_BYTES = 1 << 16
_process = ProcessCollector(registry=None)


class _Seen(NamedTuple):
    """A model as it was when its series were put, and the room that it had. A new reference brings another model."""

    model: Model
    verdicts: int
    judged: bool
    latencies: int
    room: int | None


class Metrics:
    """All series of the collector. ``watched`` are its models, ``counted`` gives everything else.

    Columns of ``counted`` that are by project and model must be counts: they can be added up.
    """

    def __init__(
        self, watched: Callable[[], Iterable[Model]], counted: Callable[[], Iterable[Column]], budget: Budget
    ) -> None:
        self.exposition = Exposition()
        self.folded: dict[ModelKey, int] = {}
        """The series of each model version for which there was no room; only of those that have some."""
        self._watched = watched
        self._counted = counted
        self._budget = budget
        self._seen: dict[ModelKey, _Seen] = {}
        self._wanted: dict[ModelKey, int] = {}
        self._newest: dict[ModelKey, Newest] = {}
        self._segments: dict[ModelKey, dict[str, Container[str]]] = {}
        self._writers: dict[Rows, Writer] = {}
        self._refreshing = asyncio.Lock()

    async def refresh(self) -> None:
        """Put what has changed since the last time."""
        async with self._refreshing:
            await self._refresh()

    async def _refresh(self) -> None:
        turn, watched = Turn(), {model.key: model for model in self._watched()}
        for gone in self._seen.keys() - watched.keys():
            self._forget(gone)
        self._want(watched)
        places = rooms(self._wanted, self._budget)
        for key, model in watched.items():
            seen = _Seen(model, model.verdicts_total, model.judge is not None, model.latency.total, places.get(key))
            if self._seen.get(key) != seen:
                self._take(key, self._seen.get(key), seen)
                self._seen[key] = seen
            if turn.over:
                await turn.pass_on()
        shown = {*places} | {(key.project, key.model) for key in places}
        for column in windows({key: found for key, found in self._newest.items() if key in places}):
            self.exposition.put(column.name, [column])
        self.exposition.put("folded", self._told_folded())
        counted = self._counted()
        self.exposition.put("collector", [folded(each, shown) if _by_model(each) else each for each in counted])

    def _want(self, watched: Mapping[ModelKey, Model]) -> None:
        """Look again at what those models have to show that show something else than before."""
        for key, model in watched.items():
            seen = self._seen.get(key)
            if seen is None or (seen.model, seen.verdicts, bool(seen.latencies)) != (
                model,
                model.verdicts_total,
                bool(model.latency.total),
            ):
                self._wanted[key] = wanted(model)

    def _take(self, key: ModelKey, before: _Seen | None, now: _Seen) -> None:
        room = Room(now.room or 0)
        fits = not now.latencies or room.has(HISTOGRAM_SERIES)
        if before is None or before.latencies != now.latencies or before.room != now.room:
            self.exposition.put((key, "latency"), latency(now.model) if fits else ())
        if before is not None and before._replace(latencies=now.latencies) == now:
            return
        found = newest(now.model)
        if found is None:
            self._newest.pop(key, None)
        else:
            self._newest[key] = found
        self.exposition.put((key, "verdict"), [*verdict(now.model, room, self._segments.setdefault(key, {}))])
        left_out = room.folded + CORE * (now.room is None)
        self.folded.pop(key, None)
        if left_out:
            self.folded[key] = left_out

    def _forget(self, key: ModelKey) -> None:
        del self._seen[key]
        for known in (self._wanted, self._newest, self._segments, self.folded):
            known.pop(key, None)
        self.exposition.put((key, "latency"), ())
        self.exposition.put((key, "verdict"), ())

    def _told_folded(self) -> Iterable[Column]:
        sums = Counter({(key.project, reason): 0 for key in self._seen for reason in ("model", "project")})
        for key, series in self.folded.items():
            full = self._seen[key].room == self._budget.model - CORE
            sums[key.project, "model" if full else "project"] += series
        yield Column("tocsin_series_folded", {}, ("project", "reason"), [*sums], [*sums.values()])

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
            found: list[bytes] = []
            for _ in writer.family(metric, family, found):
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


def _by_model(column: Column) -> bool:
    return column.by in (Name._fields, ModelKey._fields)


def process() -> Iterable[Sample]:
    """The collector process' own CPU, memory and descriptors."""
    return (Sample(sample.name, {}, sample.value) for family in _process.collect() for sample in family.samples)
