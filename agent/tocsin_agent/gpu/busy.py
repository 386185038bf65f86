"""Utilisation between two scrapes: busy seconds, a histogram of every sample, the highest of the last minute.

All of them only grow or slide, and no scrape resets them: two scrapers that come at different times see the same peaks.
"""

from tocsin_agent.gpu.buffer import POWER, UTILIZATION, Buffer, Highest
from tocsin_schema.metrics.gpu import BUSY, LE, POWER_MAX, SAMPLED, UTILIZATION_MAX, WINDOW_S

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from tocsin_agent.gpu.group import Key

WATTS = 1e5
"""More is garbage, and so is more than 100 % of the time."""


class Busy:
    """What one GPU did since the agent has known it."""

    __slots__ = ("_buckets", "_busy_s", "_highest", "_power", "_samples", "_sum", "_utilization", "_watts")

    def __init__(self, gap_s: float) -> None:
        self._utilization, self._power = Buffer(UTILIZATION, gap_s), Buffer(POWER, gap_s)
        self._highest, self._watts = Highest(WINDOW_S), Highest(WINDOW_S)
        self._buckets = [0] * len(LE)
        self._samples = 0
        self._sum = self._busy_s = 0.0

    def read(
        self, nvml: "Any", gpu: object, now: float, seen: tuple[float, float | None], watts: float | None
    ) -> "dict[Key, float]":
        """Take the driver's samples; ``seen`` (seconds, ratio) and ``watts`` are the agent's, where there are none."""
        for passed_s, percent in self._utilization.read(nvml, gpu):
            self._add(now, passed_s, percent / 100)
        passed_s, ratio = seen
        if not self._utilization.there and ratio is not None:
            self._add(now, passed_s, ratio)
        powers = [milliwatts / 1000 for _, milliwatts in self._power.read(nvml, gpu)]
        if not self._power.there and watts is not None:
            powers = [watts]
        for power in powers:
            if power <= WATTS:
                self._watts.add(now, power)
        return self._told(now, counted=self._utilization.there or (ratio is not None and ratio <= 1))

    def _add(self, now: float, passed_s: float, ratio: float) -> None:
        if ratio > 1:
            return
        self._busy_s += passed_s * ratio
        self._samples += 1
        self._sum += ratio
        for index, bound in enumerate(LE):
            self._buckets[index] += ratio <= bound
        self._highest.add(now, ratio)

    def _told(self, now: float, *, counted: bool) -> "dict[Key, float]":
        found: dict[Key, float] = {}
        if counted:
            found[BUSY.name,] = self._busy_s
            for bound, count in zip(LE, self._buckets, strict=True):
                found[f"{SAMPLED.name}_bucket", str(bound)] = count
            found[f"{SAMPLED.name}_bucket", "+Inf"] = found[f"{SAMPLED.name}_count",] = self._samples
            found[f"{SAMPLED.name}_sum",] = self._sum
        for metric, highest in ((UTILIZATION_MAX, self._highest), (POWER_MAX, self._watts)):
            value = highest.value(now)
            if value is not None:
                found[metric.name,] = value
        return found
