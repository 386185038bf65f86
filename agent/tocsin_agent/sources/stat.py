"""Interrupts, context switches, forks, boot time and runnable processes, from /proc/stat (proc_stat(5)).

The read is shared with the source ``cpu``.
"""

from tocsin_agent.exposition import template
from tocsin_agent.procstat import shared
from tocsin_schema.metrics.cpu import STAT as METRICS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tocsin_agent.source import Values

FIELDS = (b"intr", b"ctxt", b"btime", b"processes", b"procs_running", b"procs_blocked")
"""In the order of METRICS."""


def parse(data: bytes) -> tuple[bytes, ...]:
    """The first count of each of FIELDS. Raises ValueError when one is missing or no count."""
    return tuple(_first(data, field) for field in FIELDS)


def _first(data: bytes, field: bytes) -> bytes:
    start = data.find(b"\n" + field + b" ") + len(field) + 2
    value = data[start : data.find(b"\n", start)].split(b" ", 1)[0] if start > len(field) + 1 else b""
    if not value.isdigit():
        raise ValueError(f"a line `{field.decode()}` with a count expected, found {value[:80]!r}")
    return value


class Stat:
    """``node_intr_total``, ``node_context_switches_total``, ``node_forks_total`` and their neighbours."""

    METRICS = METRICS

    def __init__(self, values: "Values") -> None:
        self._stat = shared(values["procfs"])
        self._template = b"".join(template(metric, [{}]) for metric in METRICS)

    def read(self) -> bytes:
        """One read of the file, or the one that ``cpu`` has just done."""
        return self._template % parse(self._stat.read())

    def close(self) -> None:
        """Let go of the file."""
        self._stat.close()


SOURCE = Stat
