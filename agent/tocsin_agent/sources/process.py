"""The agent's own cost, under the names of Prometheus' clients, from /proc/self (proc_pid_stat(5)), clock_gettime(2).

Always the /proc of the agent's own namespace, whatever `procfs` says. About 10 us a read.
"""

import os
import time

from tocsin_agent.exposition import family, template
from tocsin_agent.kernelfile import KernelFile, text
from tocsin_schema.metrics.process import (
    CPU_SECONDS,
    MAX_FDS,
    METRICS,
    OPEN_FDS,
    RESIDENT,
    START_TIME,
    VIRTUAL,
    VIRTUAL_MAX,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tocsin_agent.source import Values

UNLIMITED = 2.0**64 - 1


def limit(limits: str, name: str) -> float | None:
    """One soft limit of /proc/self/limits, None when it is not there."""
    for line in limits.splitlines():
        if line.startswith(name):
            soft = line[len(name) :].split()[:1]
            return UNLIMITED if soft == ["unlimited"] else int(soft[0]) if soft and soft[0].isdecimal() else None
    return None


def started(stat: str) -> int | None:
    """Field 22 of /proc/self/stat: ticks from the boot to the start. The name in field 2 may hold anything."""
    fields = stat.rpartition(")")[2].split()
    return int(fields[19]) if len(fields) > 19 and fields[19].isdigit() else None


def descriptors() -> int:
    """How many descriptors are open: the size of the folder since Linux 6.2, before that the length of its listing."""
    return os.stat("/proc/self/fd").st_size or len(os.listdir("/proc/self/fd")) - 1  # the listing opens one itself


def sizes(statm: bytes) -> tuple[int, int]:
    """Virtual and resident pages, of /proc/self/statm. Raises ValueError for anything else."""
    fields = statm.split()
    if len(fields) < 2 or not (fields[0] + fields[1]).isdigit():
        raise ValueError(f"counts of pages expected, found {statm[:80]!r}")
    return int(fields[0]), int(fields[1])


class Process:
    """``process_*``."""

    METRICS = METRICS

    def __init__(self, values: "Values") -> None:
        del values
        self._statm = KernelFile("/proc/self/statm", single=True)
        self._page = os.sysconf("SC_PAGE_SIZE")
        limits = text("/proc/self/limits")
        constant = [
            (MAX_FDS, limit(limits, "Max open files")),
            (VIRTUAL_MAX, limit(limits, "Max address space")),
            (START_TIME, _start_time()),
        ]
        fixed = b"".join(family(metric, [({}, value)]) for metric, value in constant if value is not None)
        self._template = fixed + template(CPU_SECONDS, [{}], b"e-9")
        self._template += b"".join(template(metric, [{}]) for metric in (VIRTUAL, RESIDENT, OPEN_FDS))

    def read(self) -> bytes:
        """One read of statm, one look at the clock and one at the descriptors."""
        virtual, resident = sizes(self._statm.read())
        values = (time.process_time_ns(), virtual * self._page, resident * self._page, descriptors())
        return self._template % tuple([b"%d" % value for value in values])

    def close(self) -> None:
        """Let go of the file."""
        self._statm.close()


def _start_time() -> float | None:
    ticks = started(text("/proc/self/stat"))
    if ticks is None:
        return None
    since_boot = time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
    return round(time.time() - since_boot, 2)


SOURCE = Process
