"""Pressure stall information, from /proc/pressure (Documentation/accounting/psi.rst). A read costs about 3 us a file.

The kernel counts microseconds: they leave as text with the exponent ``e-6``.
"""

from tocsin_agent.exposition import template
from tocsin_agent.kernelfile import KernelFile
from tocsin_schema.metrics.pressure import (
    CPU_WAITING,
    IO_STALLED,
    IO_WAITING,
    IRQ_STALLED,
    MEMORY_STALLED,
    MEMORY_WAITING,
    METRICS,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tocsin_agent.source import Values
    from tocsin_schema.metric import Metric

WAITING, STALLED = "some", "full"
# The CPU's `full` is always 0 for a whole host, and interrupts have no `some`.
RESOURCES: "dict[str, dict[str, Metric]]" = {
    "cpu": {WAITING: CPU_WAITING},
    "io": {WAITING: IO_WAITING, STALLED: IO_STALLED},
    "memory": {WAITING: MEMORY_WAITING, STALLED: MEMORY_STALLED},
    "irq": {STALLED: IRQ_STALLED},
}


def parse(data: bytes, line: str) -> bytes:
    """The total of the line ``some`` or ``full`` in microseconds. Raises ValueError when it is not there."""
    for row in data.split(b"\n"):
        if row.startswith(line.encode()):
            total = row.rpartition(b" total=")[2]
            if total.isdigit():
                return total
    raise ValueError(f"a line `{line} … total=` with a count expected, found {data[:80]!r}")


class Pressure:
    """``node_pressure_*``."""

    METRICS = METRICS

    def __init__(self, values: "Values") -> None:
        self._files = {name: KernelFile(f"{values['procfs']}/pressure/{name}", single=True) for name in RESOURCES}
        self._absent: set[str] = set()  # what a kernel does not count it does not begin to count
        self._templates = {
            name: b"".join(template(metric, [{}], b"e-6") for metric in RESOURCES[name].values()) for name in RESOURCES
        }

    def read(self) -> bytes:
        """One read a resource; one that this kernel does not count is left out, and none at all is an error."""
        found = [self._resource(name, file) for name, file in self._files.items()]
        if not any(found):
            self._absent.clear()
            raise FileNotFoundError("no file under /proc/pressure: the kernel is older than 4.20, or booted with psi=0")
        return b"".join(found)

    def _resource(self, name: str, file: KernelFile) -> bytes:
        if name in self._absent:
            return b""
        try:
            data = file.read()
        except FileNotFoundError:
            self._absent.add(name)
            return b""
        return self._templates[name] % tuple([parse(data, line) for line in RESOURCES[name]])

    def close(self) -> None:
        """Let go of the files."""
        for file in self._files.values():
            file.close()


SOURCE = Pressure
