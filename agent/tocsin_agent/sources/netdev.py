"""Network devices of the first process's namespace, from /proc/1/net/dev (proc_net(5)). A read costs about 7 us."""

from itertools import chain
from os.path import exists

from tocsin_agent.exposition import template
from tocsin_agent.kernelfile import HostNetFile
from tocsin_agent.summary import SUM, Steady
from tocsin_schema.metrics.network import METRICS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tocsin_agent.source import Values

COLUMNS = len(METRICS)
IN_SUMMARY = (0, 1, 2, 3, 8, 9, 10, 11)
"""The columns of bytes, packets, errors and drops."""


def parse(data: bytes) -> tuple[list[bytes], list[list[bytes]]]:
    """The devices' names and the row of 16 counters of each. Raises ValueError for anything else."""
    first, second, *lines = data.split(b"\n") if b"\n" in data else (b"", b"")
    if not first.startswith(b"Inter-") or not second.startswith(b" face |") or lines.pop():
        raise ValueError(f"the headings of /proc/net/dev and whole lines expected, found {data[:80]!r}")
    names, rows = [], []
    for line in lines:
        name, _, counters = line.rpartition(b":")
        row = counters.split()
        if len(row) != COLUMNS or not b"".join(row).isdigit() or not name:
            raise ValueError(f"a device and {COLUMNS} counters expected, found {line[:120]!r}")
        names.append(name.strip())
        rows.append(row)
    return names, rows


class Netdev:
    """``node_network_*``."""

    METRICS = METRICS

    def __init__(self, values: "Values") -> None:
        self._file = HostNetFile(values["procfs"], "dev")
        self._class = f"{values['sysfs']}/class/net"
        self._names: list[bytes] | None = None
        self._wires: set[bytes] = set()
        self._steady = Steady() if values["profile"] == "summary" else None
        self._template = b""

    def read(self) -> bytes:
        """One read of the file."""
        names, rows = parse(self._file.read())
        if names != self._names:
            devices = [name.decode("utf-8", "backslashreplace") for name in names]  # distinct, whatever they are
            self._wires = self._find_wires(names)
            labels, metrics = [{"device": device} for device in devices], METRICS
            if self._steady is not None:
                labels, metrics = [{"device": SUM}], tuple(METRICS[column] for column in IN_SUMMARY)
            self._template = b"".join(template(metric, labels) for metric in metrics)
            self._names = names
        if self._steady is not None:
            rows = [self._sums(names, rows, self._steady)]
        return self._template % tuple(chain.from_iterable(zip(*rows, strict=True)))

    def _find_wires(self, names: list[bytes]) -> set[bytes]:
        """The devices of hardware; what stands upon them (bridges, tunnels, a container's end) would count twice."""
        wires = {name for name in names if exists(f"{self._class}/{name.decode('utf-8', 'replace')}/device")}
        return wires or set(names) - {b"lo"}

    def _sums(self, names: list[bytes], rows: list[list[bytes]], steady: Steady) -> list[bytes]:
        wires = [row for name, row in zip(names, rows, strict=True) if name in self._wires]
        sums = [sum([int(row[column]) for row in wires]) for column in IN_SUMMARY]
        return [b"%d" % total for total in steady.hold(frozenset(self._wires), sums)]

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


SOURCE = Netdev
