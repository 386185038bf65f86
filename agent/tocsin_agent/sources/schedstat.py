"""Seconds that each CPU ran tasks, and that tasks waited for it, from /proc/schedstat (scheduler/sched-stats.rst).

The kernel counts nanoseconds: they leave as text with the exponent ``e-9``. It writes a line a CPU and one for each of
the CPU's domains, so a read costs about 10 us a CPU.
"""

from tocsin_agent.exposition import template
from tocsin_agent.kernelfile import OptionalFile
from tocsin_schema.metrics.schedstat import METRICS, RUNNING, TIMESLICES, WAITING

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tocsin_agent.source import Values

SUMMARY = False
FIELDS = 10


def parse(data: bytes) -> tuple[list[bytes], list[bytes]]:
    """The CPUs' numbers, and the last three columns of their lines, one after the other. Raises ValueError."""
    if not data.startswith(b"version ") or not data.endswith(b"\n"):
        raise ValueError(f"a version expected, and whole lines, found {data[:80]!r}")
    lines = [part[: part.find(b"\n")] for part in data.split(b"\ncpu")[1:]]
    fields = b" ".join(lines).split()
    width = len(lines[0].split()) if lines else FIELDS
    if width < FIELDS or len(fields) != width * len(lines) or not (b"".join(fields).isdigit() or not lines):
        raise ValueError(f"a cpu and nine counts expected, found {b' '.join(lines)[:120]!r}")
    return fields[::width], fields[7::width] + fields[8::width] + fields[9::width]


class Schedstat:
    """``node_schedstat_*``; nothing in a kernel without CONFIG_SCHEDSTATS."""

    METRICS = METRICS

    def __init__(self, values: "Values") -> None:
        self._file = OptionalFile(f"{values['procfs']}/schedstat")
        self._cpus: list[bytes] = []
        self._template = b""

    def read(self) -> bytes:
        """One read of the file."""
        data = self._file.read()
        if not data:
            return b""
        cpus, values = parse(data)
        if cpus != self._cpus:
            labels = [{"cpu": cpu.decode()} for cpu in cpus]
            parts = (template(RUNNING, labels, b"e-9"), template(WAITING, labels, b"e-9"), template(TIMESLICES, labels))
            self._template = b"".join(parts)
            self._cpus = cpus
        return self._template % tuple(values)

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


SOURCE = Schedstat
