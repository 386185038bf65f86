"""Seconds of each CPU by mode, from /proc/stat (proc_stat(5)); online and throttled CPUs, from /sys/devices/system/cpu.

The kernel counts ticks of 1/100 s: they leave as text with the exponent ``e-2``. A read costs about 9 us on a small
host; the files of sysfs are few, and kept open.
"""

from _operator import lt
from itertools import chain
from os.path import isdir

from tocsin_agent.exposition import family, template
from tocsin_agent.kernelfile import KernelFile, integer, text
from tocsin_agent.procstat import shared
from tocsin_agent.summary import MEAN, Steady
from tocsin_schema.metrics.cpu import (
    CORE_THROTTLES,
    COUNT,
    CPU_SECONDS,
    GUEST_SECONDS,
    ISOLATED,
    ONLINE,
    PACKAGE_THROTTLES,
)
from tocsin_schema.metrics.cpu import CPU as METRICS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import TypeAlias

    from tocsin_agent.source import Values

    Throttles: TypeAlias = list[tuple[dict[str, str], KernelFile]]

MODES = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")
GUEST_MODES = ("user", "nice")
IDLE, IOWAIT = 3, 4
COUNTERS = len(MODES) + len(GUEST_MODES)
MOST_CPUS = 8192
JUMP = 300
"""Ticks: a counter that falls by less is the kernel's jitter, by more a CPU that was unplugged."""


def parse(data: bytes) -> tuple[list[bytes], list[bytes]]:
    """The CPUs' names (``cpu0``…) and ten columns in one list, row by row. Raises ValueError for anything else.

    A kernel before 2.6.33 counts no niced guests, and one before 2.6.24 no guests: theirs is 0 then.
    """
    end = data.find(b"\nintr ")
    fields = data[:end].split() if end > 0 else data.split()
    width = len(data.split(b"\n", 1)[0].split())
    if width <= len(MODES) or len(fields) % width or len(fields) < 2 * width:
        raise ValueError(f"rows of a cpu and ten counters expected, found {data[:80]!r}")
    names, values = fields[width::width], fields[width:]  # the first row is the sum of the others
    del values[::width]
    for extra in range(width - 1, COUNTERS, -1):
        del values[extra - 1 :: extra]
    if not b"".join(values).isdigit() or not all(name.startswith(b"cpu") for name in names):
        raise ValueError(f"rows of a cpu and ten counters expected, found {data[:80]!r}")
    return names, values if width > COUNTERS else _padded(values, width - 1)


def _padded(values: list[bytes], width: int) -> list[bytes]:
    columns = [values[column::width] for column in range(width)]
    columns += [[b"0"] * len(columns[0])] * (COUNTERS - width)
    return list(chain.from_iterable(zip(*columns, strict=True)))


def by_family(values: list[bytes]) -> list[bytes]:
    """The same values with the eight modes first, row by row, then the two guest columns."""
    user, nice = values[8::10], values[9::10]
    del values[9::10]
    del values[8::9]
    return values + user + nice


class Rising:
    """Holds columns that the kernel lets fall now and then (idle and iowait: get_cpu_iowait_time_us) where they were.

    A counter that falls reads as a restart, and a rate over it as a spike of years.
    """

    def __init__(self, column: int) -> None:
        self._column = column
        self._last: list[int] = []

    def hold(self, values: list[bytes]) -> None:
        """Lift what fell a little back to its last value, in place. ``values``: eight columns a row."""
        now = list(map(int, values[self._column :: len(MODES)]))
        if len(now) == len(self._last) and any(map(lt, now, self._last)):
            now = [last if new < last <= new + JUMP else new for new, last in zip(now, self._last, strict=True)]
            values[self._column : len(now) * len(MODES) : len(MODES)] = [b"%d" % ticks for ticks in now]
        self._last = now


class Means:
    """The profile `summary`: the mean over all CPUs, so that what is written for each of them holds for it too.

    ``1 - avg(rate(…{mode="idle"}))`` is how busy the host is, with one series as with 224; with sums it would not be.
    """

    def __init__(self) -> None:
        self._steady = Steady()
        seconds = template(CPU_SECONDS, [{"cpu": MEAN, "mode": mode} for mode in MODES], b"e-5")
        guests = template(GUEST_SECONDS, [{"cpu": MEAN, "mode": mode} for mode in GUEST_MODES], b"e-5")
        self._template = (seconds + guests + template(COUNT, [{}])).replace(b" %b", b" %d")

    def text(self, names: list[bytes], columns: list[bytes]) -> bytes:
        """``columns``: ten values a CPU, in ticks."""
        count = len(names)
        means = [sum(map(int, columns[column::COUNTERS])) * 1000 // count for column in range(COUNTERS)]
        return self._template % (*self._steady.hold(names, means), count)


class Cpu:
    """``node_cpu_*``."""

    METRICS = METRICS

    def __init__(self, values: "Values") -> None:
        self._stat = shared(values["procfs"])
        self._sysfs = f"{values['sysfs']}/devices/system/cpu"
        self._online = KernelFile(f"{self._sysfs}/online")
        self._key: tuple[list[bytes], bytes] = ([], b"")
        self._template = b""
        self._rising = (Rising(IDLE), Rising(IOWAIT))
        self._throttles: list[KernelFile] = []
        self._means = Means() if values["profile"] == "summary" else None

    def read(self) -> bytes:
        """One read of /proc/stat and one of each kept file of sysfs."""
        names, columns = parse(self._stat.read())
        if self._means is not None:
            return self._means.text(names, columns)
        key = names, self._online_cpus()
        if key != self._key:
            self._rebuild(*key)
            self._key = key
        values = by_family(columns)
        for column in self._rising:
            column.hold(values)
        values += [integer(file.page()) for file in self._throttles]
        return self._template % tuple(values)

    def _online_cpus(self) -> bytes:
        try:
            return self._online.read()
        except OSError:
            return b""

    def _rebuild(self, names: list[bytes], online: bytes) -> None:
        self._close_throttles()
        cpus = [name[3:].decode("ascii", "replace") for name in names]
        rows = [{"cpu": cpu, "mode": mode} for cpu in cpus for mode in MODES]
        guests = [{"cpu": cpu, "mode": mode} for mode in GUEST_MODES for cpu in cpus]
        parts = [template(CPU_SECONDS, rows, b"e-2"), template(GUEST_SECONDS, guests, b"e-2")]
        present = ranges(text(f"{self._sysfs}/present"))
        up = set(ranges(online.decode("ascii", "replace")))
        parts.append(family(ONLINE, [({"cpu": str(cpu)}, int(cpu in up)) for cpu in present if up]))
        isolated = ranges(text(f"{self._sysfs}/isolated"))  # by the kernel's command line: it does not change
        parts.append(family(ISOLATED, [({"cpu": str(cpu)}, 1) for cpu in isolated]))
        for metric, found in zip((CORE_THROTTLES, PACKAGE_THROTTLES), self._find_throttles(present), strict=True):
            parts.append(template(metric, [labels for labels, _ in found]))
            self._throttles += [file for _, file in found]
        self._template = b"".join(parts)

    def _find_throttles(self, present: list[int]) -> "tuple[Throttles, Throttles]":
        """The counters that this machine has (Intel's, not in a guest): one a core, one a package."""
        cores: dict[tuple[str, str], tuple[dict[str, str], KernelFile]] = {}
        packages: dict[str, tuple[dict[str, str], KernelFile]] = {}
        for cpu in sorted(present, key=str):  # of a core's two CPUs the one that node_exporter takes, by name
            folder = f"{self._sysfs}/cpu{cpu}"
            if not isdir(f"{folder}/thermal_throttle"):
                continue
            package, core = text(f"{folder}/topology/physical_package_id"), text(f"{folder}/topology/core_id")
            file = KernelFile(f"{folder}/thermal_throttle/core_throttle_count")
            cores.setdefault((package, core), ({"package": package, "core": core}, file))
            file = KernelFile(f"{folder}/thermal_throttle/package_throttle_count")
            packages.setdefault(package, ({"package": package}, file))
        return _readable(cores.values()), _readable(packages.values())

    def _close_throttles(self) -> None:
        for file in self._throttles:
            file.close()
        self._throttles = []

    def close(self) -> None:
        """Let go of all files."""
        self._close_throttles()
        self._online.close()
        self._stat.close()


def ranges(text: str) -> list[int]:
    """The numbers of a kernel list, ``0-3,8``; what is no number is left out."""
    found: list[int] = []
    for part in text.split(","):
        first, _, last = part.strip().partition("-")
        if first.isdecimal() and (last or first).isdecimal():
            found.extend(range(int(first), min(int(last or first), int(first) + MOST_CPUS) + 1))
    return found[:MOST_CPUS]


def _readable(found: "Iterable[tuple[dict[str, str], KernelFile]]") -> "Throttles":
    return [(labels, file) for labels, file in found if text(file.path).isdecimal()]


SOURCE = Cpu
