"""What the parts of a GPU did, as its own counters tell (NVML's GPM, from Hopper on, without DCGM).

NVML fills a buffer with counters that only grow, and makes shares of the difference of two buffers. So two samples tell
the mean of *all* the time between them: one sample a period misses nothing, and seconds that add up are exact.
Two that are less than 100 ms apart tell nothing, says nvml.h; periods are a hundred times as long.
"""

import time

from tocsin_agent.gpu.answer import known
from tocsin_agent.gpu.group import Reader
from tocsin_schema.metrics.gpu_activity import ACTIVE, ACTIVE_S, PARTS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from tocsin_agent.gpu.answer import Asked
    from tocsin_agent.gpu.driver import Session
    from tocsin_agent.gpu.group import Key

ROUNDING = 1.01
"""Shares up to this are the whole; more is garbage."""


def supported(nvml: "Asked", gpu: object) -> bool:
    """Whether the GPU counts."""
    told = known(nvml, "nvmlGpmQueryDeviceSupport", gpu)
    return told is not None and bool(told.isSupportedDevice)


class Activity:
    """The parts of one GPU, or of one GPU instance: the mean between its last two samples, and the seconds so far."""

    __slots__ = ("_at", "_buffers", "_call", "_parts", "_ratios", "_seconds", "_session", "_whose")

    def __init__(self, parts: "Iterable[str]", call: str, *whose: object) -> None:
        """``call`` takes a sample of ``whose`` on a GPU."""
        self._parts = tuple(parts)
        self._call, self._whose = call, whose
        self._session: Session | None = None
        self._buffers: list[object] = []
        self._at: float | None = None
        self._ratios: dict[str, float] = {}
        self._seconds: dict[str, float] = {}

    def restart(self) -> None:
        """What the counters stood at is of no use any more; the seconds so far are."""
        self._at, self._ratios = None, {}

    def told(self, ratio: str, seconds: str, *labels: str) -> "dict[Key, float]":
        """The newest shares and their seconds, under these names of metrics."""
        shares: dict[Key, float] = {(ratio, *labels, part): share for part, share in self._ratios.items()}
        return shares | {
            (seconds, *labels, part): self._seconds[part] for part in self._ratios if part in self._seconds
        }

    def sample(self, nvml: "Asked", gpu: object) -> None:
        """Take one more; without one there are no shares. Should the whole GPU fail, its other calls tell."""
        try:
            self._sample(nvml, gpu)
        except nvml.NVMLError as error:
            if error.value == nvml.NVML_ERROR_UNINITIALIZED:
                raise
            self.restart()

    def _sample(self, nvml: "Asked", gpu: object) -> None:
        if self._session is not nvml.session:
            # Buffers may not outlive the session that they are of; two a reload of the driver are let go of.
            self._buffers = [nvml.nvmlGpmSampleAlloc(), nvml.nvmlGpmSampleAlloc()]
            self._session, self._at = nvml.session, None
        earlier, later = self._buffers
        if known(nvml, self._call, gpu, *self._whose, later) is None:
            self.restart()
            return
        last, self._at = self._at, time.monotonic()
        self._buffers = [later, earlier]
        if last is not None:
            self._add(shares(nvml, earlier, later, self._parts), self._at - last)

    def _add(self, ratios: "dict[str, float]", passed_s: float) -> None:
        self._ratios = ratios
        for part, share in ratios.items():
            if 0 <= share <= 1:
                self._seconds[part] = self._seconds.get(part, 0.0) + share * passed_s


def shares(nvml: "Asked", earlier: object, later: object, parts: "Iterable[str]") -> dict[str, float]:
    """What each part did of what it could between two samples; one that the GPU does not count is absent."""
    asked: Any = nvml.c_nvmlGpmMetricsGet_t()
    asked.version = nvml.NVML_GPM_METRICS_GET_VERSION
    asked.sample1, asked.sample2 = earlier, later
    for place, part in enumerate(parts):
        asked.metrics[place].metricId = PARTS[part]
        asked.numMetrics = place + 1
    if known(nvml, "nvmlGpmMetricsGet", asked) is None:
        return {}
    told = {part: asked.metrics[place] for place, part in enumerate(parts)}
    return {part: _whole(metric.value / 100) for part, metric in told.items() if metric.nvmlReturn == 0}


def _whole(share: float) -> float:
    return 1.0 if 1 < share <= ROUNDING else share


class Gpm(Reader):
    """The parts of a whole GPU."""

    __slots__ = ("_activity", "_supported")

    def __init__(self, limit_s: float, procfs: str = "/proc") -> None:
        super().__init__(limit_s, procfs)
        self._activity = Activity(PARTS, "nvmlGpmSampleGet")
        self._supported: bool | None = None

    def restart(self) -> None:
        """It may be another kind of GPU."""
        super().restart()
        self._activity.restart()
        self._supported = None

    def read(self, nvml: "Any", gpu: object, _now: float) -> "dict[Key, float]":
        """Nothing before Hopper, and none at the first reading."""
        if self._supported is None:
            self._supported = supported(nvml, gpu)
        if not self._supported:
            return {}
        self._activity.sample(nvml, gpu)
        return self._activity.told(ACTIVE.name, ACTIVE_S.name)
