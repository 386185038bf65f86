"""One sample of one GPU: the groups that are due are read, the others keep their values; garbage is dropped.

Values beyond their bound are garbage: absent, and counted by the caller.
"""

from tocsin_agent.gpu.answer import AGAIN_S, Asked
from tocsin_agent.gpu.entries import METRICS
from tocsin_schema.metrics import gpu as metrics
from tocsin_schema.metrics import gpu_mig

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from tocsin_agent.gpu.driver import Session
    from tocsin_agent.gpu.group import Group, Key

BOUNDS = {
    "ratio": 1.0,
    "bytes": 2.0**62,
    "watts": 1e5,
    "joules": 1e14,
    "celsius": 250.0,
    "hertz": 1e11,
    "seconds": 1e10,
    "": 2.0**62,
}
"""The highest plausible value by unit. NVML writes all ones where it has no value."""
HIGHEST = {metric.name: BOUNDS[metric.unit] for metric in METRICS}
HIGHEST |= {f"{metrics.SAMPLED.name}_{part}": BOUNDS[""] for part in ("bucket", "sum", "count")}
LOWEST = dict.fromkeys(HIGHEST, 0.0)
LOWEST |= dict.fromkeys((metrics.TEMPERATURE_MARGIN.name, metrics.TEMPERATURE_MARGIN_LIMIT.name), -BOUNDS["celsius"])
"""Only margins may be negative."""
WHOLE = {
    metrics.MEMORY_USED.name: metrics.MEMORY_TOTAL.name,
    gpu_mig.MIG_MEMORY_USED.name: gpu_mig.MIG_MEMORY_TOTAL.name,
}
"""What bounds a part."""


def stale_after(interval_s: float) -> float:
    """Seconds after which a sample is no longer the present."""
    return max(3 * interval_s, 2.0)


class _Part:
    """One group of one GPU: when it is due, and what it told last."""

    __slots__ = ("due", "period_s", "reader", "values")

    def __init__(self, group: "Group", interval_s: float, pace: float, procfs: str) -> None:
        self.period_s = group.period_s * pace
        self.reader = group.make(stale_after(max(interval_s, self.period_s)), procfs)
        self.due = 0.0
        self.values: Mapping[Key, float] = {}


class Sampler:
    """The groups of one GPU. ``pace`` stretches every period; a test takes less than 1."""

    def __init__(self, groups: "tuple[Group, ...]", interval_s: float, pace: float, procfs: str) -> None:
        self._parts = [_Part(group, interval_s, pace, procfs) for group in groups]
        self._interval_s = interval_s
        self._again_s = AGAIN_S * pace
        self._asked: Asked | None = None
        self._forget = 0.0
        self._pulsing = [part.reader.pulse for part in self._parts if hasattr(part.reader, "pulse")]

    def restart(self) -> None:
        """Everything is due: the GPU was found anew."""
        self._asked = None
        for part in self._parts:
            part.due, part.values = 0.0, {}
            part.reader.restart()

    def take(self, session: "Session", gpu: object, now: float) -> "tuple[dict[Key, float], int]":
        """The newest values, and how many new ones were garbage. Raises NVMLError when the GPU fails."""
        garbage = 0
        nvml = self._asking(session, now)
        for part in self._parts:
            if now >= part.due or nvml.changed:
                found = part.reader.read(nvml, gpu, now)
                part.values = plausible(found)
                garbage += len(found) - len(part.values)
                # A sample comes a little later than it should, never earlier: half an interval is no period missed.
                part.due = now + part.period_s - self._interval_s / 2
        every: dict[Key, float] = {}
        for part in self._parts:
            every.update(part.values)
        return every, garbage

    def pulse(self, gpu: object, now: float) -> None:
        """Look at what moves between two samples, behind the first. Raises NVMLError."""
        for pulse in self._pulsing:
            pulse(self._asked, gpu, now)

    def _asking(self, session: "Session", now: float) -> Asked:
        if self._asked is None or self._asked.session is not session or now >= self._forget:
            self._asked, self._forget = Asked(session), now + self._again_s
        self._asked.changed = False
        return self._asked


def plausible(found: "Mapping[Key, float]") -> "dict[Key, float]":
    """Without what cannot be; used memory is bounded by the installed."""
    kept = {key: value for key, value in found.items() if LOWEST[key[0]] <= value <= HIGHEST[key[0]]}
    for key in [key for key in kept if key[0] in WHOLE]:
        if kept[key] > found.get((WHOLE[key[0]], *key[1:]), 0.0):
            del kept[key]
    return kept
