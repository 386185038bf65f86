"""Memory of each NUMA node, from /sys/devices/system/node (Documentation/admin-guide/numastat.rst).

The file's kB are KiB, and leave as bytes. A read costs about 10 us a file.
"""

from tocsin_agent.exposition import template
from tocsin_agent.kernelfile import KernelFile, numbered
from tocsin_agent.later import Later

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tocsin_agent.source import Values

DEFAULT = False


def parse_meminfo(data: bytes) -> dict[str, int]:
    """The fields of one node in their base unit. Raises ValueError for anything else."""
    found = {}
    for line in data.decode("utf-8", "replace").splitlines():
        fields = line.split()
        if not fields:
            continue
        if fields[0] != "Node" or not 4 <= len(fields) <= 5 or fields[4:] not in ([], ["kB"]):
            raise ValueError(f"a line of a node, a field and a size expected, found {line[:80]!r}")
        found[fields[2].rstrip(":")] = int(fields[3]) * (1024 if fields[4:] else 1)
    return found


def parse_numastat(data: bytes) -> dict[str, int]:
    """The counters of one node. Raises ValueError for anything else."""
    fields = data.decode("utf-8", "replace").split()
    if len(fields) % 2:
        raise ValueError(f"names and counts expected, found {data[:80]!r}")
    return dict(zip(fields[::2], map(int, fields[1::2]), strict=True))


class MeminfoNuma:
    """``node_memory_numa_*``."""

    METRICS = Later("memory_numa")

    def __init__(self, values: "Values") -> None:
        self._folder = f"{values['sysfs']}/devices/system/node"
        self._files: dict[str, tuple[KernelFile, KernelFile]] = {}
        self._key: list[tuple[str, str]] = []
        self._kept: list[tuple[str, str]] = []
        self._template = b""

    def read(self) -> bytes:
        """Two reads a node; a node may be plugged in."""
        nodes = numbered(self._folder, "node")
        if nodes != list(self._files):
            self.close()
            self._files = {node: self._open(node) for node in nodes}
        found = {
            (name, node): value
            for node, (meminfo, numastat) in self._files.items()
            for name, value in (parse_meminfo(meminfo.read()) | parse_numastat(numastat.read())).items()
        }
        key = list(found)
        if key != self._key:
            self._rebuild(key)
            self._key = key
        return self._template % tuple([found[name, node] for name, node in self._kept])

    def _open(self, node: str) -> tuple[KernelFile, KernelFile]:
        folder = f"{self._folder}/node{node}"
        return KernelFile(f"{folder}/meminfo"), KernelFile(f"{folder}/numastat")

    def _rebuild(self, key: list[tuple[str, str]]) -> None:
        from tocsin_schema.metrics.memory_numa import COUNTERS, FIELDS

        known = FIELDS | COUNTERS
        names = dict.fromkeys(name for name, _ in key if name in known)
        rows = {name: [node for other, node in key if other == name] for name in names}
        self._kept = [(name, node) for name, nodes in rows.items() for node in nodes]
        parts = [template(known[name], [{"node": node} for node in nodes]) for name, nodes in rows.items()]
        self._template = b"".join(parts).replace(b" %b\n", b" %d\n")

    def close(self) -> None:
        """Let go of the files."""
        for pair in self._files.values():
            for file in pair:
                file.close()


SOURCE = MeminfoNuma
