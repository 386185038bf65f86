"""Packets in the receive queue of each CPU, from /proc/net/softnet_stat (net/core/net-procfs.c). About 1 us a CPU."""

from itertools import chain, repeat

from tocsin_agent.exposition import template
from tocsin_agent.kernelfile import KernelFile
from tocsin_agent.summary import SUM, Steady
from tocsin_schema.metrics.softnet import METRICS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tocsin_agent.source import Values

LEAST = 9
"""Columns: Linux 2.6.23 has nine, 2.6.36 one more, 3.11 two; since 5.10 there are the backlog's length and the CPU."""
COLUMNS = (0, 1, 2, 8, 9, 10, 11)
"""In the order of METRICS."""
CPU = 12


def parse(data: bytes) -> tuple[list[int], list[list[int]]]:
    """The CPUs, and their counts in the order of METRICS, a list a metric. Raises ValueError for anything else."""
    fields = data.split()
    width = len(data.split(b"\n", 1)[0].split())
    if width < LEAST or len(fields) % width:
        raise ValueError(f"rows of at least {LEAST} columns expected, found {data[:80]!r}")
    rows = len(fields) // width
    columns = [list(map(int, fields[n::width], repeat(16))) if n < width else [0] * rows for n in (*COLUMNS, CPU)]
    cpus = columns.pop()
    return (cpus if width > CPU else list(range(rows))), columns


class Softnet:
    """``node_softnet_*``."""

    METRICS = METRICS

    def __init__(self, values: "Values") -> None:
        self._file = KernelFile(f"{values['procfs']}/net/softnet_stat")
        self._cpus: list[int] = []
        self._template = b""
        self._steady = Steady() if values["profile"] == "summary" else None

    def read(self) -> bytes:
        """One read of the file."""
        cpus, columns = parse(self._file.read())
        if self._steady is not None:
            *counters, backlog = [sum(column) for column in columns]
            columns = [[total] for total in (*self._steady.hold(cpus, counters), backlog)]
        if cpus != self._cpus:
            labels = [{"cpu": str(cpu)} for cpu in cpus] if self._steady is None else [{"cpu": SUM}]
            self._template = b"".join(template(metric, labels) for metric in METRICS).replace(b" %b\n", b" %d\n")
            self._cpus = cpus
        return self._template % tuple(chain.from_iterable(columns))

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


SOURCE = Softnet
