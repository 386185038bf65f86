"""Memory, from /proc/meminfo (proc_meminfo(5)). A read costs about 7 us.

The file's kB are KiB, and leave as bytes. A field that the catalogue does not know is left out.
"""

from _operator import mul
from itertools import compress

from tocsin_agent.exposition import template
from tocsin_agent.kernelfile import KernelFile
from tocsin_schema.metrics.memory import FIELDS, METRICS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tocsin_agent.source import Values


_SUMMARY = """
MemTotal MemFree MemAvailable Buffers Cached SwapTotal SwapFree Dirty Writeback AnonPages Shmem Slab SReclaimable
HugePages_Total HugePages_Free Committed_AS
"""
IN_SUMMARY = frozenset(_SUMMARY.split())


def parse(data: bytes) -> tuple[list[bytes], list[bytes]]:
    """The fields' names, with their colon, and their values as they stand. Raises ValueError for anything else."""
    fields = data.replace(b" kB", b"").split()
    names, values = fields[::2], fields[1::2]
    if not names or len(names) != len(values) or not b"".join(values).isdigit():
        raise ValueError(f"lines of a name and a size expected, found {data[:80]!r}")
    return names, values


def known(data: bytes) -> list[tuple[str, int]]:
    """For each line, the field's name if the catalogue has it, else "", and the bytes that its unit stands for."""
    found = []
    for line in data.splitlines():
        name = line.partition(b":")[0].decode("ascii", "replace").strip()
        found.append((name if name in FIELDS else "", 1024 if line.endswith(b" kB") else 1))
    return found


class Meminfo:
    """``node_memory_*``."""

    METRICS = METRICS

    def __init__(self, values: "Values") -> None:
        self._file = KernelFile(f"{values['procfs']}/meminfo", single=True)
        self._fields = IN_SUMMARY if values["profile"] == "summary" else frozenset(FIELDS)
        self._names: list[bytes] = []
        self._kept: list[bool] = []
        self._units: list[int] = []
        self._template = b""

    def read(self) -> bytes:
        """One read of the file."""
        data = self._file.read()
        names, values = parse(data)
        if names != self._names:
            self._rebuild(data, names)
        return self._template % tuple(map(mul, map(int, compress(values, self._kept)), self._units))

    def _rebuild(self, data: bytes, names: list[bytes]) -> None:
        rows = [(name if name in self._fields else "", unit) for name, unit in known(data)]
        self._kept = [bool(name) for name, _ in rows]
        self._units = [unit for name, unit in rows if name]
        self._template = b"".join(template(FIELDS[name], [{}]) for name, _ in rows if name).replace(b" %b\n", b" %d\n")
        self._names = names

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


SOURCE = Meminfo
