"""One look at the host: CPU, memory, network, disks, power; what is kept of all looks, and how it is told."""

from time import monotonic

from tocsin_agent.exposition import Text, family
from tocsin_agent.kernelfile import KernelFile
from tocsin_agent.sampling import cpu, disks, memory, network, power
from tocsin_agent.sampling.counters import Counters
from tocsin_agent.sampling.highest import WINDOW_S, Highest
from tocsin_agent.sampling.histogram import BYTES_PER_SECOND, RATIO, WATTS, Histogram
from tocsin_agent.sampling.kind import Kind, Reading
from tocsin_schema.metrics import peaks, sampling

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from tocsin_agent.exposition import Natives
    from tocsin_agent.source import Values
    from tocsin_schema.metric import Metric

REFRESH_S = 5.0
"""How soon a device that was plugged in is seen."""
SECTOR_BYTES, MILLI, MICRO = 512, 1e-3, 1e-6
LINE = b"\n"
SUMMARY = "summary"


class Host:
    """What was seen since the first look; one thread at a time."""

    def __init__(self, values: "Values", gap_s: float, clock: "Callable[[], float]" = monotonic) -> None:
        """Looks further apart than ``gap_s`` tell no rates."""
        self._gap_s = gap_s
        self._clock = clock
        self.looks = 0
        self.covered_s = 0.0
        self._looked: float | None = None
        self._refresh_at = 0.0
        self._stat, self._meminfo = KernelFile(f"{values['procfs']}/stat"), KernelFile(f"{values['procfs']}/meminfo")
        self._ticks = Counters([1.0] * cpu.MODES, gap_s)
        self._cpu, self._memory = Highest(WINDOW_S), Highest(WINDOW_S)
        self._cpus, self._memories = Histogram(peaks.CPU, RATIO), Histogram(peaks.MEMORY, RATIO)
        self._whole = values["profile"] != SUMMARY
        """Whether devices are told apart, and histograms told: not in the profile of few series."""
        self._kinds = kinds(values["sysfs"], gap_s, clock, apart=self._whole)
        readings = [reading.histogram for kind in self._kinds for reading in kind.readings]
        self._histograms = [self._cpus, self._memories, *readings]

    def sample(self) -> None:
        """Look once. Raises OSError or ValueError when CPU or memory cannot be read; a device that cannot is gone."""
        now = self._clock()
        if now >= self._refresh_at:
            self._refresh_at = now + REFRESH_S
            for kind in self._kinds:
                kind.refresh()
        for kind in self._kinds:
            kind.sample(now)
        rates = self._ticks.rates(now, cpu.parse(self._stat.read(LINE)))
        busy = cpu.busy(rates) if rates else None
        if busy is not None:
            self._cpu.add(now, busy)
            self._cpus.add(busy)
        used = memory.used(self._meminfo.read(LINE))
        self._memory.add(now, used)
        self._memories.add(used)
        self._count(now)

    def _count(self, now: float) -> None:
        passed_s = now - self._looked if self._looked is not None else 0.0
        self._looked = now
        self.looks += 1
        self.covered_s += passed_s if passed_s <= self._gap_s else 0.0

    def text(self, before: bytes) -> bytes:
        """The families of all that was seen, behind others."""
        now = self._clock()
        folded = [({"kind": kind.name}, float(kind.folded)) for kind in self._kinds if kind.folded]
        parts = [
            before,
            family(sampling.LOOKS, [({}, self.looks)]),
            family(sampling.COVERED, [({}, self.covered_s)]),
            _single(peaks.CPU_MAX, self._cpu.value(now)),
            _single(peaks.MEMORY_MAX, self._memory.value(now)),
            *([self._cpus.text(), self._memories.text()] if self._whole else []),
            *[kind.text(now) for kind in self._kinds],
            family(peaks.FOLDED, folded),
        ]
        return Text.of(b"".join(parts), self.natives)

    def natives(self) -> "Natives":
        """The histograms in exponential buckets, for the format that has them."""
        return {histogram.key: histogram.native() for histogram in self._histograms}

    def close(self) -> None:
        """Let go of all files."""
        self._stat.close()
        self._meminfo.close()
        for kind in self._kinds:
            kind.close()


def kinds(sysfs: object, gap_s: float, clock: "Callable[[], float]", *, apart: bool) -> tuple[Kind, ...]:
    """The devices that are looked at."""
    rate, share, watts = BYTES_PER_SECOND, RATIO, WATTS
    wires = (
        Reading(peaks.RECEIVED_MAX, Histogram(peaks.RECEIVED, rate)),
        Reading(peaks.SENT_MAX, Histogram(peaks.SENT, rate)),
    )
    drives = (
        Reading(peaks.READ_MAX, Histogram(peaks.READ, rate), SECTOR_BYTES),
        Reading(peaks.WRITTEN_MAX, Histogram(peaks.WRITTEN, rate), SECTOR_BYTES),
        Reading(peaks.DISK_BUSY_MAX, Histogram(peaks.DISK_BUSY, share), MILLI, together=max, most=1),
    )
    packages = (Reading(peaks.POWER_MAX, Histogram(peaks.POWER, watts), MICRO),)
    return (
        Kind("network", "device", lambda: network.found(sysfs), network.counts, wires, gap_s, apart, clock),
        Kind("disk", "device", lambda: disks.found(sysfs), disks.counts, drives, gap_s, apart, clock),
        Kind("power", "package", lambda: power.found(sysfs), power.counts, packages, gap_s, apart, clock),
    )


def _single(metric: "Metric", value: float | None) -> bytes:
    return family(metric, [({}, value)] if value is not None else [])
