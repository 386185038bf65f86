"""How busy a GPU is: utilisation, memory, power, energy, temperature, what holds it back, what it moves."""

from tocsin_agent.gpu import throttle, wires
from tocsin_agent.gpu.answer import known
from tocsin_agent.gpu.busy import Busy
from tocsin_agent.gpu.fields import fields
from tocsin_agent.gpu.group import Reader
from tocsin_schema.metrics import gpu as metrics

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from tocsin_agent.gpu.group import Key

MEMORY_V2 = 0x02000028
"""The version word of nvmlMemory_v2_t, whose ``used`` leaves out what the driver reserves."""

ENERGY, MEMORY_CELSIUS = (83, 0), (82, 0)
"""Fields: millijoules since the driver was loaded, and the temperature of the memory."""
ASKED = (ENERGY, MEMORY_CELSIUS, *throttle.FIELDS, *wires.BYTES)


class Load(Reader):
    """Read at every sample."""

    __slots__ = ("_busy", "_seen", "_throttle")

    def __init__(self, limit_s: float, procfs: str = "/proc") -> None:
        super().__init__(limit_s, procfs)
        self._busy = Busy(limit_s)
        self._throttle = throttle.Throttle()
        self._seen: float | None = None

    def read(self, nvml: "Any", gpu: object, now: float) -> "dict[Key, float]":
        """Utilisation too high to be true counts as none: drivers have reported 905 %."""
        found: dict[Key, float] = {}
        passed_s = self.passed(now)
        rates = known(nvml, "nvmlDeviceGetUtilizationRates", gpu)
        if rates is not None:
            found[metrics.UTILIZATION.name,] = rates.gpu / 100
            found[metrics.MEMORY_BUSY.name,] = rates.memory / 100
        memory = installed(nvml, gpu)
        if memory is not None:
            found[metrics.MEMORY_TOTAL.name,], found[metrics.MEMORY_USED.name,] = memory.total, memory.used
        milliwatts = known(nvml, "nvmlDeviceGetPowerUsage", gpu)
        if milliwatts is not None:
            found[metrics.POWER.name,] = milliwatts / 1000
        celsius = known(nvml, "nvmlDeviceGetTemperature", gpu, nvml.NVML_TEMPERATURE_GPU)
        if celsius is not None:
            found[metrics.TEMPERATURE.name,] = celsius
        self._busy.drain(nvml, gpu, now)
        ratio, watts = found.get((metrics.UTILIZATION.name,)), found.get((metrics.POWER.name,))
        self._busy.see(now, self._since(now), ratio, watts, used(memory))
        return found | self._busy.told(now) | self._fields(nvml, gpu, passed_s)

    def pulse(self, nvml: "Any", gpu: object, now: float) -> None:
        """Look at what the driver keeps no samples of."""
        ratio = watts = None
        if not self._busy.utilization_kept:
            rates = known(nvml, "nvmlDeviceGetUtilizationRates", gpu)
            ratio = rates.gpu / 100 if rates is not None else None
        if not self._busy.power_kept:
            milliwatts = known(nvml, "nvmlDeviceGetPowerUsage", gpu)
            watts = milliwatts / 1000 if milliwatts is not None else None
        self._busy.see(now, self._since(now), ratio, watts, used(installed(nvml, gpu)))

    def restart(self) -> None:
        """The GPU failed and was found anew."""
        super().restart()
        self._seen = None

    def _since(self, now: float) -> float:
        """Seconds since the GPU was last looked at, by a reading or between two; 0 after a gap."""
        seen, self._seen = self._seen, now
        return now - seen if seen is not None and now - seen <= self.limit_s else 0.0

    def _fields(self, nvml: "Any", gpu: object, passed_s: float) -> "dict[Key, float]":
        values = fields(nvml, gpu, ASKED)
        found = wires.moved(values) | self._throttle.read(nvml, gpu, values, passed_s)
        if ENERGY in values:
            found[metrics.ENERGY.name,] = values[ENERGY] / 1000
        if values.get(MEMORY_CELSIUS):
            found[metrics.MEMORY_TEMPERATURE.name,] = values[MEMORY_CELSIUS]
        return found


def installed(nvml: "Any", gpu: object) -> "Any":
    """What nvmlMemory_t tells, in its second version where the driver has that."""
    return known(nvml, "nvmlDeviceGetMemoryInfo", gpu, version=MEMORY_V2) or known(nvml, "nvmlDeviceGetMemoryInfo", gpu)


def used(memory: "Any") -> float | None:
    """The bytes in use; more than there are is garbage."""
    return memory.used if memory is not None and memory.used <= memory.total else None
