"""Open files of the whole host, from /proc/sys/fs/file-nr (sysctl fs.rst). A read costs about 2 us."""

from tocsin_agent.exposition import template
from tocsin_agent.kernelfile import KernelFile
from tocsin_schema.metrics.filefd import METRICS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tocsin_agent.source import Values


def parse(data: bytes) -> tuple[bytes, bytes]:
    """The files that are open and the most that may be. Raises ValueError for anything else."""
    fields = data.split()
    if len(fields) != 3 or not b"".join(fields).isdigit():
        raise ValueError(f"three counts expected, found {data[:80]!r}")
    return fields[0], fields[2]  # the second has been 0 since Linux 2.6


class Filefd:
    """``node_filefd_*``."""

    METRICS = METRICS

    def __init__(self, values: "Values") -> None:
        self._file = KernelFile(f"{values['procfs']}/sys/fs/file-nr", single=True)
        self._template = b"".join(template(metric, [{}]) for metric in METRICS)

    def read(self) -> bytes:
        """One read of the file."""
        return self._template % parse(self._file.read())

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


SOURCE = Filefd
