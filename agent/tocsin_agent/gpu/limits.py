"""What bounds a GPU: limits of power, temperature and clocks. They move only when somebody sets them."""

from tocsin_agent.gpu.answer import known
from tocsin_agent.gpu.clocks import CLOCKS, MHZ
from tocsin_agent.gpu.fields import fields
from tocsin_agent.gpu.group import Reader
from tocsin_schema.metrics.gpu import (
    CLOCK_MAX,
    POWER_LIMIT,
    POWER_RANGE,
    TEMPERATURE_LIMIT,
    TEMPERATURE_MARGIN_LIMIT,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from tocsin_agent.gpu.group import Key

TEMPERATURES = (("shutdown", 0), ("slowdown", 1), ("memory", 2), ("gpu", 3))
"""Numbers of nvmlTemperatureThresholds_t."""
MARGINS = {(193, 0): "shutdown", (194, 0): "slowdown", (195, 0): "memory", (196, 0): "gpu"}
"""Fields: the same as margins, which replace them from Ada on. Most are negative, that of the die is 0."""


class Limits(Reader):
    """Power, temperature, clocks."""

    __slots__ = ()

    def read(self, nvml: "Any", gpu: object, _now: float) -> "dict[Key, float]":
        """A limit of 0 is none: drivers answer it where a GPU has no such limit."""
        lowest, highest = known(nvml, "nvmlDeviceGetPowerManagementLimitConstraints", gpu) or (None, None)
        milliwatts: dict[Key, int | None] = {
            (POWER_LIMIT.name,): known(nvml, "nvmlDeviceGetEnforcedPowerLimit", gpu),
            (POWER_RANGE.name, "default"): known(nvml, "nvmlDeviceGetPowerManagementDefaultLimit", gpu),
            (POWER_RANGE.name, "lowest"): lowest,
            (POWER_RANGE.name, "highest"): highest,
        }
        found: dict[Key, float] = {key: value / 1000 for key, value in milliwatts.items() if value}
        for limit, number in TEMPERATURES:
            celsius = known(nvml, "nvmlDeviceGetTemperatureThreshold", gpu, number)
            if celsius:
                found[TEMPERATURE_LIMIT.name, limit] = celsius
        for clock, number in CLOCKS:
            mhz = known(nvml, "nvmlDeviceGetMaxClockInfo", gpu, number)
            if mhz:
                found[CLOCK_MAX.name, clock] = mhz * MHZ
        margins = fields(nvml, gpu, MARGINS)
        return found | {(TEMPERATURE_MARGIN_LIMIT.name, MARGINS[field]): value for field, value in margins.items()}
