"""Packets in the receive queue of each CPU, from /proc/net/softnet_stat (net/core/net-procfs.c). About 1 us a CPU."""

from itertools import repeat

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


def parse(data: bytes) -> tuple[list[bytes], list[list[bytes]]]:
    """The CPUs, and their counts in the order of METRICS, a list a metric, in the kernel's hexadecimal digits.

    Raises ValueError for what is no table.
    """
    fields = data.split()
    width = len(data.split(b"\n", 1)[0].split())
    if width < LEAST or len(fields) % width:
        raise ValueError(f"rows of at least {LEAST} columns expected, found {data[:80]!r}")
    rows = len(fields) // width
    columns = [fields[n::width] if n < width else [b"0"] * rows for n in COLUMNS]
    return fields[CPU::width] if width > CPU else [b"%x" % row for row in range(rows)], columns


def counts(column: list[bytes]) -> list[int]:
    """A column as numbers. Raises ValueError."""
    return list(map(int, column, repeat(16)))


class Softnet:
    """``node_softnet_*``. Most columns are zeros that stay so: one that is as it was keeps its text."""

    METRICS = METRICS

    def __init__(self, values: "Values") -> None:
        self._file = KernelFile(f"{values['procfs']}/net/softnet_stat")
        self._cpus: list[bytes] = []
        self._columns: list[list[bytes]] = []
        self._templates: list[bytes] = []
        self._texts: list[bytes] = []
        self._steady = Steady() if values["profile"] == "summary" else None

    def read(self) -> bytes:
        """One read of the file."""
        cpus, columns = parse(self._file.read())
        if cpus != self._cpus:
            self._rebuild(counts(cpus))
            self._cpus = cpus
        if self._steady is not None:
            *sums, backlog = [sum(counts(column)) for column in columns]
            held = *self._steady.hold(cpus, sums), backlog
            return b"".join([form % total for form, total in zip(self._templates, held, strict=True)])
        rows = zip(columns, self._columns, self._texts, self._templates, strict=True)
        self._texts = [text if new == old else form % tuple(counts(new)) for new, old, text, form in rows]
        self._columns = columns
        return b"".join(self._texts)

    def _rebuild(self, cpus: list[int]) -> None:
        labels = [{"cpu": str(cpu)} for cpu in cpus] if self._steady is None else [{"cpu": SUM}]
        self._templates = [template(metric, labels).replace(b" %b\n", b" %d\n") for metric in METRICS]
        self._columns, self._texts = [[]] * len(METRICS), [b""] * len(METRICS)

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


SOURCE = Softnet
