"""Paging, faults and out-of-memory kills, from /proc/vmstat.

A read costs 18 us and more, because the kernel sums all counters of all CPUs, and again for each page of the file; so
it stops at the page that has the last field that is wanted.
"""

from tocsin_agent.exposition import template
from tocsin_agent.kernelfile import KernelFile
from tocsin_schema.metrics.vmstat import FIELDS, METRICS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tocsin_agent.source import Values

_NAMES = tuple(b"\n" + field.encode() + b" " for field in FIELDS)


def parse(data: bytes) -> tuple[bytes, ...]:
    """The values of FIELDS, b"" for a field that this kernel does not have. Raises ValueError for what is no count."""
    data = b"\n" + data
    found = [_value(data, name) for name in _NAMES]
    if not b"".join(found).isdigit():
        raise ValueError(f"lines of a name and a count expected, found {data[1:81]!r}")
    return tuple(found)


def _value(data: bytes, name: bytes) -> bytes:
    start = data.find(name) + len(name)
    return data[start : data.find(b"\n", start)] if start >= len(name) else b""


class Vmstat:
    """``node_vmstat_*``."""

    METRICS = METRICS

    def __init__(self, values: "Values") -> None:
        self._file = KernelFile(f"{values['procfs']}/vmstat")
        self._present: tuple[bool, ...] = ()
        self._template = b""

    def read(self) -> bytes:
        """One read of the file."""
        values = parse(self._file.read(_NAMES[-1]))
        present = tuple(map(bool, values))
        if present != self._present:
            rows = zip(METRICS, present, strict=True)
            self._template = b"".join(template(metric, [{}]) for metric, there in rows if there)
            self._present = present
        return self._template % tuple([value for value in values if value])

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


SOURCE = Vmstat
