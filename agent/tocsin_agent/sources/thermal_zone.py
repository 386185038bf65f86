"""Temperatures of the thermal zones, and what cools them, from /sys/class/thermal (driver-api/thermal/sysfs-api.rst).

The kernel counts thousandths of a degree: they leave with the exponent ``e-3``. A zone may ask firmware, which may take
its time: only the CPU's own sensors are read within the scrape.
"""

from tocsin_agent.kernelfile import entries, signed, text
from tocsin_agent.readings import Reading, Readings, exponent
from tocsin_schema.metrics.thermal_zone import AGE, METRICS, MOST, STATE, TEMPERATURE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tocsin_agent.source import Values

ZONE, COOLING = "thermal_zone", "cooling_device"
PROMPT = frozenset({"x86_pkg_temp", "Processor", "intel_powerclamp"})
"""Types whose files are read from memory or a register."""
MILLI = exponent(b"e-3", signed)

SUMMARY = False


class ThermalZone:
    """``node_thermal_zone_temp`` and ``node_cooling_device_*``; nothing where there are none."""

    METRICS = METRICS

    def __init__(self, values: "Values") -> None:
        self._folder = f"{values['sysfs']}/class/thermal"
        self._names: list[str] = []
        self._readings = Readings(self._find, AGE)

    def read(self) -> bytes:
        """One read a zone, two a cooling device."""
        return self._readings.text()

    def _find(self) -> list[Reading] | None:
        names = [name for name in entries(self._folder) if name.startswith((ZONE, COOLING))]
        if names == self._names:
            return None
        self._names = names
        found = []
        for name in names:
            kind = text(f"{self._folder}/{name}/type")
            device = "" if kind in PROMPT else name
            if name.startswith(ZONE):
                labels = {"zone": name.removeprefix(ZONE), "type": kind}
                found.append(Reading(TEMPERATURE, labels, f"{self._folder}/{name}/temp", MILLI, device))
            else:
                labels = {"name": name.removeprefix(COOLING), "type": kind}
                found.append(Reading(STATE, labels, f"{self._folder}/{name}/cur_state", signed, device))
                found.append(Reading(MOST, labels, f"{self._folder}/{name}/max_state", signed, device, seldom=True))
        return found

    def close(self) -> None:
        """Let go of the files."""
        self._readings.close()


SOURCE = ThermalZone
