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


class Load(Reader):
    """Read at every sample."""

    __slots__ = ("_busy", "_throttle")

    def __init__(self, limit_s: float, procfs: str = "/proc") -> None:
        super().__init__(limit_s, procfs)
        self._busy = Busy(limit_s)
        self._throttle = throttle.Throttle()

    def read(self, nvml: "Any", gpu: object, now: float) -> "dict[Key, float]":
        """Utilisation too high to be true counts as none: drivers have reported 905 %."""
        found: dict[Key, float] = {}
        passed_s = self.passed(now)
        rates = known(nvml, "nvmlDeviceGetUtilizationRates", gpu)
        if rates is not None:
            found[metrics.UTILIZATION.name,] = rates.gpu / 100
            found[metrics.MEMORY_BUSY.name,] = rates.memory / 100
        memory = known(nvml, "nvmlDeviceGetMemoryInfo", gpu, version=MEMORY_V2)
        memory = memory or known(nvml, "nvmlDeviceGetMemoryInfo", gpu)
        if memory is not None:
            found[metrics.MEMORY_TOTAL.name,], found[metrics.MEMORY_USED.name,] = memory.total, memory.used
        milliwatts = known(nvml, "nvmlDeviceGetPowerUsage", gpu)
        if milliwatts is not None:
            found[metrics.POWER.name,] = milliwatts / 1000
        celsius = known(nvml, "nvmlDeviceGetTemperature", gpu, nvml.NVML_TEMPERATURE_GPU)
        if celsius is not None:
            found[metrics.TEMPERATURE.name,] = celsius
        seen = passed_s, found.get((metrics.UTILIZATION.name,))
        busy = self._busy.read(nvml, gpu, now, seen, found.get((metrics.POWER.name,)))
        return found | busy | self._fields(nvml, gpu, passed_s)

    def _fields(self, nvml: "Any", gpu: object, passed_s: float) -> "dict[Key, float]":
        values = fields(nvml, gpu, (ENERGY, MEMORY_CELSIUS, *throttle.FIELDS, *wires.BYTES))
        found = wires.moved(values) | self._throttle.read(nvml, gpu, values, passed_s)
        if ENERGY in values:
            found[metrics.ENERGY.name,] = values[ENERGY] / 1000
        if values.get(MEMORY_CELSIUS):
            found[metrics.MEMORY_TEMPERATURE.name,] = values[MEMORY_CELSIUS]
        return found
