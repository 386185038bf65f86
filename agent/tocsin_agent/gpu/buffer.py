"""The driver's own samples: NVML keeps several a second in a ring, so that one call a second misses none.

Where it keeps none (an older GPU, MIG), what the agent saw itself stands in for them.
"""

from collections import deque

from tocsin_agent.gpu.answer import known
from tocsin_agent.gpu.fields import TYPES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

POWER, UTILIZATION = 0, 1
"""Of nvmlSamplingType_t; in milliwatts and percent."""


class Buffer:
    """One ring of one GPU, read from where it was left."""

    __slots__ = ("_gap_s", "_kind", "_seen_us", "there")

    def __init__(self, kind: int, gap_s: float) -> None:
        self._kind = kind
        self._gap_s = gap_s
        self._seen_us = 0
        self.there = False
        """Whether the driver keeps these samples. Once it does, a second without a new one has none."""

    def read(self, nvml: "Any", gpu: object) -> list[tuple[float, float]]:
        """The new samples, oldest first: the seconds each stands for (0 behind a gap) and its value."""
        answer = known(nvml, "nvmlDeviceGetSamples", gpu, self._kind, self._seen_us)
        if answer is None:
            return []
        self.there = True
        kind, samples = answer
        found = []
        for sample in sorted(samples, key=lambda sample: int(sample.timeStamp)):
            passed_s = (sample.timeStamp - self._seen_us) * 1e-6
            if passed_s > 0:
                found.append(
                    (passed_s if passed_s <= self._gap_s else 0.0, float(getattr(sample.sampleValue, TYPES[kind])))
                )
                self._seen_us = sample.timeStamp
        return found


class Highest:
    """The highest value in a window that slides; reading it changes nothing."""

    __slots__ = ("_falling", "_window_s")

    def __init__(self, window_s: float) -> None:
        self._window_s = window_s
        self._falling: deque[tuple[float, float]] = deque()
        """Times and values; each value is higher than all that came after it."""

    def add(self, now: float, value: float) -> None:
        """A value that was seen now."""
        while self._falling and self._falling[-1][1] <= value:
            self._falling.pop()
        self._falling.append((now, value))

    def value(self, now: float) -> float | None:
        """None when the window holds nothing."""
        while self._falling and now - self._falling[0][0] > self._window_s:
            self._falling.popleft()
        return self._falling[0][1] if self._falling else None
