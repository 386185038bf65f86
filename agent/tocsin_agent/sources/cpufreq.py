"""The CPUs' frequencies and governors, from /sys/devices/system/cpu/cpu*/cpufreq (admin-guide/pm/cpufreq.rst).

The kernel counts kHz: they leave with the exponent ``e3``. The current frequency is read at each scrape, about 2 us a
CPU; the limits and the governor, which people set, every five minutes. Where firmware is asked (CPPC on ARM), which may
never answer, all is read aside.
"""

from os.path import exists, isdir

from tocsin_agent.kernelfile import numbered, text
from tocsin_agent.readings import Reading, Readings, exponent
from tocsin_schema.metrics.cpufreq import (
    AGE,
    AVERAGE,
    FREQUENCY,
    GOVERNOR,
    MAXIMUM,
    METRICS,
    MINIMUM,
    SCALING,
    SCALING_MAXIMUM,
    SCALING_MINIMUM,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from tocsin_agent.source import Values
    from tocsin_schema.metric import Metric

KILO = exponent(b"e3")
CURRENT = {"cpuinfo_cur_freq": FREQUENCY, "cpuinfo_avg_freq": AVERAGE, "scaling_cur_freq": SCALING}
LIMITS = {
    "cpuinfo_min_freq": MINIMUM,
    "cpuinfo_max_freq": MAXIMUM,
    "scaling_min_freq": SCALING_MINIMUM,
    "scaling_max_freq": SCALING_MAXIMUM,
}
PROMPT = frozenset({"intel_pstate", "intel_cpufreq", "amd-pstate", "amd-pstate-epp", "acpi-cpufreq", "pcc-cpufreq"})
"""Drivers that read registers of the CPU."""
SUMMARY = False


def is_governor(name: bytes) -> "Callable[[bytes], bytes]":
    """1 while the file says this name."""
    return lambda data: b"%d" % (data.strip() == name)


class Cpufreq:
    """``node_cpu_frequency_*`` and ``node_cpu_scaling_*``; nothing in most virtual machines."""

    METRICS = METRICS

    def __init__(self, values: "Values") -> None:
        self._folder = f"{values['sysfs']}/devices/system/cpu"
        self._cpus: list[str] = []
        self._readings = Readings(self._find, AGE)

    def read(self) -> bytes:
        """One read a CPU."""
        return self._readings.text()

    def _find(self) -> list[Reading] | None:
        found = [cpu for cpu in numbered(self._folder, "cpu") if isdir(f"{self._folder}/cpu{cpu}/cpufreq")]
        if found == self._cpus:
            return None
        self._cpus = found
        return self._list(CURRENT, seldom=False) + self._list(LIMITS, seldom=True) + self._governors()

    def _list(self, files: "dict[str, Metric]", *, seldom: bool) -> list[Reading]:
        device = self._device()
        paths = [({"cpu": cpu}, f"{self._folder}/cpu{cpu}/cpufreq") for cpu in self._cpus]
        return [
            Reading(metric, labels, f"{path}/{file}", KILO, device, seldom=seldom)
            for labels, path in paths
            for file, metric in files.items()
            if exists(f"{path}/{file}")
        ]

    def _governors(self) -> list[Reading]:
        device, found = self._device(), []
        for cpu in self._cpus:
            folder = f"{self._folder}/cpu{cpu}/cpufreq"
            file = f"{folder}/scaling_governor"
            for name in text(f"{folder}/scaling_available_governors").split():
                labels = {"cpu": cpu, "governor": name}
                found.append(Reading(GOVERNOR, labels, file, is_governor(name.encode()), device, seldom=True))
        return found

    def _device(self) -> str:
        """The name of the firmware to wait for, "" where a read never waits."""
        driver = text(f"{self._folder}/cpu{self._cpus[0]}/cpufreq/scaling_driver") if self._cpus else ""
        return "" if driver in PROMPT else driver or "cpufreq"

    def close(self) -> None:
        """Let go of the files."""
        self._readings.close()


SOURCE = Cpufreq
