"""The load averages, from /proc/loadavg (proc_loadavg(5)). A read costs about 2 us."""

from tocsin_agent.exposition import template
from tocsin_agent.kernelfile import KernelFile
from tocsin_schema.metrics.loadavg import METRICS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tocsin_agent.source import Values


def parse(data: bytes) -> tuple[bytes, ...]:
    """The averages over 1, 5 and 15 minutes, as the kernel writes them. Raises ValueError for anything else."""
    fields = tuple(data.split()[:3])
    if len(fields) < 3 or not all(field.replace(b".", b"", 1).isdigit() for field in fields):
        raise ValueError(f"three load averages expected, found {data[:80]!r}")
    return fields


class Loadavg:
    """``node_load1``, ``node_load5``, ``node_load15``."""

    METRICS = METRICS

    def __init__(self, values: "Values") -> None:
        self._file = KernelFile(f"{values['procfs']}/loadavg", single=True)
        self._template = b"".join(template(metric, [{}]) for metric in METRICS)

    def read(self) -> bytes:
        """One read of the file."""
        return self._template % parse(self._file.read())

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


SOURCE = Loadavg
