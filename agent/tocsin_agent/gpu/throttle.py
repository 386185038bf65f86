"""For how long a GPU's clocks were held down, by reason.

Newer drivers count nanoseconds for most reasons. Where they do not, the reasons that hold at each sample are
integrated: exact to a sample's interval. A reason that the driver counts once is never taken from the samples later.
"""

from tocsin_agent.gpu.answer import known
from tocsin_schema.metrics.gpu import THROTTLED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from tocsin_agent.gpu.fields import Field
    from tocsin_agent.gpu.group import Key

FIELDS: "dict[Field, str]" = {
    (74, 0): "power_cap", (76, 0): "sync_boost", (269, 0): "software_thermal", (270, 0): "hardware_thermal",
    (271, 0): "power_brake",
}  # fmt: skip
"""Fields that count nanoseconds."""
BITS = {
    0x04: "power_cap", 0x08: "hardware_slowdown", 0x10: "sync_boost", 0x20: "software_thermal",
    0x40: "hardware_thermal", 0x80: "power_brake", 0x02: "application_clocks",
}  # fmt: skip
"""Bits of nvmlClocksEventReasons. An idle GPU's low clocks, and those of a display, are no throttling."""
KEYS: "dict[Field, Key]" = {field: (THROTTLED.name, reason) for field, reason in FIELDS.items()}
SAMPLED: "dict[int, Key]" = {bit: (THROTTLED.name, reason) for bit, reason in BITS.items()}
EVERY = sum(BITS)
NS = 1e-9


class Throttle:
    """The seconds of one GPU."""

    __slots__ = ("_counted", "_sampled_s")

    def __init__(self) -> None:
        self._counted: set[Key] = set()
        self._sampled_s = dict.fromkeys(SAMPLED.values(), 0.0)

    def read(self, nvml: "Any", gpu: object, fields: "Mapping[Field, float]", passed_s: float) -> "dict[Key, float]":
        """Seconds by reason. ``fields`` are what the driver answered, ``passed_s`` the time since the last sample."""
        found = {KEYS[field]: fields[field] * NS for field in KEYS if field in fields}
        self._counted.update(found)
        bits = known(nvml, "nvmlDeviceGetCurrentClocksThrottleReasons", gpu)
        if bits is None:
            return found
        for bit in BITS if bits & EVERY else ():
            self._sampled_s[SAMPLED[bit]] += passed_s if bits & bit else 0.0
        found.update([item for item in self._sampled_s.items() if item[0] not in self._counted])
        return found
