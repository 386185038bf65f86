"""One sample of one GPU: the groups that are due are read, the others keep their values; garbage is dropped.

Values beyond their bound are garbage: absent, and counted by the caller.
"""

from tocsin_schema.metrics.gpu import ENERGY, MEMORY_TOTAL, MEMORY_USED, POWER, POWER_LIMIT, TEMPERATURE, UTILIZATION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from tocsin_agent.gpu.group import Group, Key

BOUNDS = {
    UTILIZATION.name: 1.0,
    MEMORY_USED.name: 2.0**50,
    MEMORY_TOTAL.name: 2.0**50,
    POWER.name: 1e5,
    POWER_LIMIT.name: 1e5,
    ENERGY.name: 1e14,
    TEMPERATURE.name: 250.0,
}
"""The highest plausible value by metric. NVML writes all ones where it has no value."""
HIGHEST = 2.0**62
"""Of every other metric."""


def stale_after(interval_s: float) -> float:
    """Seconds after which a sample is no longer the present."""
    return max(3 * interval_s, 2.0)


class _Part:
    """One group of one GPU: when it is due, and what it told last."""

    __slots__ = ("due", "period_s", "reader", "values")

    def __init__(self, group: "Group", interval_s: float, pace: float) -> None:
        self.period_s = group.period_s * pace
        self.reader = group.make(stale_after(max(interval_s, self.period_s)))
        self.due = 0.0
        self.values: Mapping[Key, float] = {}


class Sampler:
    """The groups of one GPU. ``pace`` stretches every period; a test takes less than 1."""

    def __init__(self, groups: "tuple[Group, ...]", interval_s: float, pace: float = 1.0) -> None:
        self._parts = [_Part(group, interval_s, pace) for group in groups]
        self._interval_s = interval_s

    def restart(self) -> None:
        """Everything is due: the GPU was found anew."""
        for part in self._parts:
            part.due, part.values = 0.0, {}
            part.reader.restart()

    def take(self, nvml: "Any", gpu: object, now: float) -> "tuple[dict[Key, float], int]":
        """The newest values, and how many new ones were garbage. Raises NVMLError when the GPU fails."""
        garbage = 0
        for part in self._parts:
            if now >= part.due:
                found = part.reader.read(nvml, gpu, now)
                part.values = plausible(found)
                garbage += len(found) - len(part.values)
                # A sample comes a little later than it should, never earlier: half an interval is no period missed.
                part.due = now + part.period_s - self._interval_s / 2
        return {key: value for part in self._parts for key, value in part.values.items()}, garbage


def plausible(found: "Mapping[Key, float]") -> "dict[Key, float]":
    """Without what cannot be; used memory is bounded by the installed."""
    total = found.get((MEMORY_TOTAL.name,), HIGHEST)
    return {key: value for key, value in found.items() if 0 <= value <= _bound(key[0], total)}


def _bound(name: str, total: float) -> float:
    bound = BOUNDS.get(name, HIGHEST)
    return min(bound, total) if name == MEMORY_USED.name else bound
