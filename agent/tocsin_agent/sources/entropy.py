"""Random bits that the kernel holds ready, from /proc/sys/kernel/random (random(4)). A read costs about 4 us."""

from tocsin_agent.exposition import template
from tocsin_agent.kernelfile import KernelFile, integer
from tocsin_schema.metrics.entropy import METRICS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tocsin_agent.source import Values

SUMMARY = False  # it has been 256 on every host since Linux 5.18


class Entropy:
    """``node_entropy_*``."""

    METRICS = METRICS

    def __init__(self, values: "Values") -> None:
        folder = f"{values['procfs']}/sys/kernel/random"
        self._files = [KernelFile(f"{folder}/{name}", single=True) for name in ("entropy_avail", "poolsize")]
        self._template = b"".join(template(metric, [{}]) for metric in METRICS)

    def read(self) -> bytes:
        """One read of each file."""
        return self._template % tuple([integer(file.read()) for file in self._files])

    def close(self) -> None:
        """Let go of the files."""
        for file in self._files:
            file.close()


SOURCE = Entropy
