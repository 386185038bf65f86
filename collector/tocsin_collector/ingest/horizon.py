"""How far back each stream of events is remembered, by its own event time: a replay of 2013 has the horizon of 2013.

A stream is the events of one type of one model version. Its watermark is the median of the newest times of its last 31
blocks, and never goes back: senders with a wrong clock drag nothing along while they are fewer than the others, and
late blocks hold nothing up.

Two floors follow from it:

* ``oldest``: the watermark less the horizon, which is at least what the windows still take. What is older is refused:
  nobody remembers any more whether it was counted.
* ``floor``: where the memory of ids begins. It is the same, until ids need more memory than they may have; then the
  oldest of them go, and older events are only taken in blocks, whose sequences still tell them apart.
"""

from collections import deque
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tocsin_collector.frame import Frame
from tocsin_collector.verdict import ModelKey
from tocsin_schema.metric import OVERFLOW

I64 = NDArray[np.int64]
NEVER = np.iinfo(np.int64).min
WITNESSES = 31
MAX_STREAMS = 10_000
"""Streams with a horizon of their own; all others share one."""
_SHARED = ModelKey(OVERFLOW, OVERFLOW, OVERFLOW)


class Horizon:
    """Watermarks and floors by the number of a stream, in microseconds since the epoch."""

    def __init__(self, span_s: float) -> None:
        self.span_us = int(span_s * 1e6)
        self._numbers: dict[tuple[str, ModelKey], int] = {}
        self._recent: list[deque[int]] = []
        self._watermark = np.full(64, NEVER, np.int64)
        self._floor = np.full(64, NEVER, np.int64)

    @property
    def shortest_s(self) -> float:
        """The shortest span for which ids are remembered: the horizon, until their memory is too small for it."""
        watermark, floor = self._watermark, self._floor
        streams = min(watermark.size, floor.size)  # the scrape's thread may come while they grow
        spans = (watermark[:streams] - floor[:streams])[floor[:streams] > NEVER]
        return float(spans.min(initial=self.span_us)) / 1e6

    def number(self, frame: Frame) -> int:
        """The stream of a frame."""
        stream = (frame.type, frame.key)
        number = self._numbers.get(stream)
        if number is None and len(self._numbers) >= MAX_STREAMS:
            stream = (frame.type, _SHARED)
            number = self._numbers.get(stream)
        return self._add(stream) if number is None else number

    def saw(self, stream: int, newest_us: int) -> None:
        """A block with this newest time is durable."""
        recent = self._recent[stream]
        recent.append(newest_us)
        self._watermark[stream] = max(int(self._watermark[stream]), sorted(recent)[len(recent) // 2])
        self._floor[stream] = max(int(self._floor[stream]), self.oldest(stream))

    def oldest(self, stream: int) -> int:
        """The oldest time that a new event may have; any, until there are enough blocks to tell."""
        enough = len(self._recent[stream]) == WITNESSES
        return int(self._watermark[stream]) - self.span_us if enough else NEVER

    def floor(self, stream: int) -> int:
        """Where the memory of ids begins."""
        return int(self._floor[stream])

    def state(self) -> list[Any]:
        """Every stream by its number, as plain values; ``load`` takes it."""
        streams = zip(self._numbers, self._recent, self._watermark.tolist(), self._floor.tolist(), strict=False)
        return [[type, *key, list(recent), watermark, floor] for (type, key), recent, watermark, floor in streams]

    def load(self, state: list[Any]) -> None:
        """Take over what another one knew; this one must not know anything yet."""
        for type, project, model, version, recent, watermark, floor in state:
            number = self._add((type, ModelKey(project, model, version)), recent)
            self._watermark[number], self._floor[number] = watermark, floor

    def _add(self, stream: tuple[str, ModelKey], recent: Iterable[int] = ()) -> int:
        number = self._numbers[stream] = len(self._recent)
        self._recent.append(deque(recent, WITNESSES))
        if number == self._floor.size:
            more = np.full(number, NEVER, np.int64)
            self._floor, self._watermark = np.append(self._floor, more), np.append(self._watermark, more)
        return number

    def kept(self, time_us: I64, stream: I64, most: int) -> NDArray[np.bool_]:
        """Which ids are still remembered: at most so many. When that is too few for the span, the floors rise."""
        kept = time_us >= self._floor[stream]
        if np.count_nonzero(kept) > most:
            age = self._watermark[stream[kept]] - time_us[kept]
            shortest = np.partition(age, most)[most]
            seen = self._watermark > NEVER
            self._floor[seen] = np.maximum(self._floor[seen], self._watermark[seen] - shortest + 1)
            kept = time_us >= self._floor[stream]
        return kept
