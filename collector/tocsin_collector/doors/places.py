"""Which model versions may still come: a project that has its series opens no further one; those that it has go on.

Refused is what would open series: predictions of a version that is not watched, labels of a model that is not. What a
version shows beyond its place (features, segments) is folded on /metrics and refuses nothing.
"""

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from tocsin_collector.doors.quota import SERIES, Quotas
from tocsin_collector.export.budget import CORE
from tocsin_collector.export.models import wanted
from tocsin_collector.ingest.answer import Refusal, Rejection
from tocsin_collector.ingest.drafts import Draft
from tocsin_collector.ingest.jsonbody import Parsed
from tocsin_collector.monitor.monitor import Monitor
from tocsin_collector.verdict import ModelKey
from tocsin_schema.block import PREDICTION, Block

CODE = "over_series"
RETRY_AFTER_S = 60
"""Nothing but an operator, or a start without what is gone, makes room: once a minute is often enough to ask."""


class Places:
    """``monitor`` gives the one that watches now. Only the event loop's thread calls."""

    def __init__(self, quotas: Quotas, monitor: Callable[[], Monitor]) -> None:
        self._quotas = quotas
        self._monitor = monitor
        self._coming: Counter[ModelKey] = Counter()

    def taken(self, parsed: Parsed) -> contextlib.AbstractContextManager[Parsed]:
        """The part of a body that finds its place, which is held for it until the block is left, when it is watched.

        Raises Refusal 429 where nothing does, when it is entered.
        """
        opened, shut = self._judged(parsed.blocks) if self._quotas.are_set else ([], set())
        return self._held(parsed, opened, shut) if opened or shut else contextlib.nullcontext(parsed)

    @contextlib.contextmanager
    def _held(self, parsed: Parsed, opened: list[ModelKey], shut: set[int]) -> Iterator[Parsed]:
        for project in sorted({parsed.blocks[number].project for number in shut}):
            self._quotas.refused(project, SERIES)
        self._coming.update(opened)
        try:
            yield self._without(parsed, shut) if shut else parsed
        finally:
            self._coming -= Counter(opened)

    def used(self) -> Counter[str]:
        """The series by project: all that its versions have to show, whether or not /metrics has room for it."""
        monitor = self._monitor()
        watched = {model.key: CORE + wanted(model) for model in monitor.models()}
        with_versions = {key[:2] for key in watched}
        labelled = {ModelKey(*name, ""): CORE for name in monitor.unmatched() if name not in with_versions}
        found = Counter[str]()
        for key, series in (dict.fromkeys(self._coming, CORE) | labelled | watched).items():
            found[key.project] += series
        return found

    def _judged(self, blocks: Sequence[Block | Draft]) -> tuple[list[ModelKey], set[int]]:
        """The versions that these blocks open, and the blocks for which there is no place."""
        left: dict[str, float] = {}
        opened, shut = list[ModelKey](), set[int]()
        for number, block in enumerate(blocks):
            most = self._quotas.of(block.project).series
            if not most:
                continue
            key = _opens(block)
            if self._monitor().knows(block.type, key) or key in opened:
                continue
            if block.project not in left:
                left[block.project] = most - self.used()[block.project]
            if key in self._coming or left[block.project] >= CORE:
                left[block.project] -= 0 if key in self._coming else CORE
                opened.append(key)
            else:
                shut.add(number)
        return opened, shut

    def _without(self, parsed: Parsed, shut: set[int]) -> Parsed:
        if len(shut) == len(parsed.blocks):
            raise Refusal(429, CODE, self._reason(parsed.blocks[0]), RETRY_AFTER_S)
        rejected = [
            Rejection(row, CODE, self._reason(parsed.blocks[number]))
            for number in sorted(shut)
            for row in parsed.rows[number]
        ]
        kept = [number for number in range(len(parsed.blocks)) if number not in shut]
        return Parsed(
            [parsed.blocks[number] for number in kept],
            [parsed.rows[number] for number in kept],
            [*parsed.rejected, *rejected],
        )

    def _reason(self, block: Block | Draft) -> str:
        name, most = "/".join(_opens(block)), self._quotas.of(block.project).series
        return f"{name!a:.200}: it is new, and its project has the {most:g} series of its quota; those it has go on"


def _opens(block: Block | Draft) -> ModelKey:
    """What a block opens; labels are joined to a model, whatever its version."""
    return ModelKey(block.project, block.model, block.version if block.type == PREDICTION else "")
