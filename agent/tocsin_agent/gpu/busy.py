"""Utilisation between two scrapes: busy seconds, a histogram of every sample, the highest of the last minute.

All of them only grow or slide, and no scrape resets them: two scrapers that come at different times see the same peaks.
"""

from _bisect import bisect_left
from itertools import accumulate

from tocsin_agent.gpu.buffer import POWER, UTILIZATION, Buffer
from tocsin_agent.sampling.highest import WINDOW_S, Highest
from tocsin_schema.metrics.gpu import BUSY, LE, MEMORY_MAX, POWER_MAX, SAMPLED, UTILIZATION_MAX

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from tocsin_agent.gpu.group import Key

BUCKETS: "tuple[Key, ...]" = tuple((f"{SAMPLED.name}_bucket", le) for le in (*map(str, LE), "+Inf"))
COUNT: "Key" = (f"{SAMPLED.name}_count",)
SUM: "Key" = (f"{SAMPLED.name}_sum",)
BUSY_S: "Key" = (BUSY.name,)
HIGHEST: "Key" = (UTILIZATION_MAX.name,)
WATTS_MAX: "Key" = (POWER_MAX.name,)
BYTES_MAX: "Key" = (MEMORY_MAX.name,)
WATTS = 1e5
"""More is garbage, and so is more than 100 % of the time."""


class Busy:
    """What one GPU did since the agent has known it."""

    __slots__ = (
        "_buckets",
        "_busy_s",
        "_highest",
        "_known",
        "_memory",
        "_power",
        "_samples",
        "_sum",
        "_utilization",
        "_watts",
    )

    def __init__(self, gap_s: float) -> None:
        self._utilization, self._power = Buffer(UTILIZATION, gap_s), Buffer(POWER, gap_s)
        self._highest, self._watts, self._memory = Highest(WINDOW_S), Highest(WINDOW_S), Highest(WINDOW_S)
        self._buckets = [0] * len(BUCKETS)
        self._samples = 0
        self._known = False
        """Whether the agent has just seen a utilisation that can be."""
        self._sum = self._busy_s = 0.0

    @property
    def utilization_kept(self) -> bool:
        """Whether the driver keeps samples of utilisation, so that nobody needs to look between two readings."""
        return self._utilization.there

    @property
    def power_kept(self) -> bool:
        """Whether it keeps samples of power."""
        return self._power.there

    def drain(self, nvml: "Any", gpu: object, now: float) -> None:
        """Take the samples that the driver has kept."""
        for passed_s, percent in self._utilization.read(nvml, gpu):
            self._add(now, passed_s, percent / 100)
        for _, milliwatts in self._power.read(nvml, gpu):
            if milliwatts / 1000 <= WATTS:
                self._watts.add(now, milliwatts / 1000)

    def see(self, now: float, passed_s: float, ratio: float | None, watts: float | None, used: float | None) -> None:
        """What the agent saw itself, ``passed_s`` after it looked last: it counts where the driver keeps no samples."""
        self._known = ratio is not None and ratio <= 1
        if ratio is not None and not self._utilization.there:
            self._add(now, passed_s, ratio)
        if watts is not None and watts <= WATTS and not self._power.there:
            self._watts.add(now, watts)
        if used is not None:
            self._memory.add(now, used)

    def _add(self, now: float, passed_s: float, ratio: float) -> None:
        if ratio > 1:
            return
        self._busy_s += passed_s * ratio
        self._samples += 1
        self._sum += ratio
        self._buckets[bisect_left(LE, ratio)] += 1
        self._highest.add(now, ratio)

    def told(self, now: float) -> "dict[Key, float]":
        """The series of what was seen until now."""
        found: dict[Key, float] = {}
        if self._utilization.there or self._known:
            found[BUSY_S] = self._busy_s
            found.update(zip(BUCKETS, accumulate(self._buckets), strict=True))
            found[COUNT], found[SUM] = self._samples, self._sum
        for key, highest in ((HIGHEST, self._highest), (WATTS_MAX, self._watts), (BYTES_MAX, self._memory)):
            value = highest.value(now)
            if value is not None:
                found[key] = value
        return found
