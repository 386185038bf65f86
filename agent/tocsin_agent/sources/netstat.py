"""Counters of IP, TCP, UDP and ICMP, from /proc/net/netstat, snmp and snmp6 (proc_net(5)).

The kernel sums each counter over all CPUs: 53 us and more for the first file, 16 us for the second.
"""

from tocsin_agent.exposition import template
from tocsin_agent.kernelfile import HostNetFile, OptionalFile
from tocsin_schema.metrics.netstat import FIELDS, METRICS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    from tocsin_agent.source import Values

    Table: TypeAlias = tuple[list[bytes], list[list[bytes]]]
    """The lines of names as they stand, and the fields of the line of values below each."""


def parse(data: bytes) -> "Table":
    """/proc/net/netstat or snmp: two lines a protocol, names and values. Raises ValueError for anything else."""
    lines = data.split(b"\n")
    if lines.pop() or len(lines) % 2:
        raise ValueError(f"two whole lines a protocol expected, found {data[-80:]!r}")
    return lines[::2], [line.split(b" ") for line in lines[1::2]]


def matched(heads: list[bytes], rows: list[list[bytes]]) -> None:
    """Raise ValueError unless each protocol has a value for each name."""
    for head, row in zip(heads, rows, strict=True):
        if not head.startswith(row[0] + b" ") or not row[0].endswith(b":") or head.count(b" ") != len(row) - 1:
            raise ValueError(f"a value for each name expected, found {head[:80]!r} and {b' '.join(row)[:80]!r}")


def parse6(data: bytes) -> tuple[list[bytes], list[bytes]]:
    """/proc/net/snmp6: a name and a value a line. Raises ValueError for anything else."""
    fields = data.split()
    if len(fields) % 2 or len(fields) != 2 * data.count(b"\n"):
        raise ValueError(f"lines of a name and a value expected, found {data[:80]!r}")
    return fields[::2], fields[1::2]


def picks(heads: list[bytes]) -> list[tuple[int, int, str]]:
    """Row, column and name of the fields that the catalogue has."""
    found = []
    for row, head in enumerate(heads):
        protocol, *names = head.decode("utf-8", "replace").split(" ")
        for column, name in enumerate(names, 1):
            field = f"{protocol[:-1]}_{name}"
            if field in FIELDS:
                found.append((row, column, field))
    return found


def picks6(names: list[bytes]) -> list[tuple[int, str]]:
    """Row and name of the fields that the catalogue has: ``Udp6InErrors`` is ``Udp6_InErrors``."""
    fields = [name.decode("utf-8", "replace").replace("6", "6_", 1) for name in names]
    return [(row, field) for row, field in enumerate(fields) if field in FIELDS]


class Netstat:
    """``node_netstat_*``."""

    METRICS = METRICS

    def __init__(self, values: "Values") -> None:
        self._files = [HostNetFile(values["procfs"], name, single=True) for name in ("netstat", "snmp")]
        folders = f"{values['procfs']}/1/net", f"{values['procfs']}/net"
        self._file6 = [OptionalFile(f"{folder}/snmp6", single=True) for folder in folders]
        self._key: tuple[list[bytes], list[bytes]] | None = None
        self._data6, self._fields6 = b"", parse6(b"")
        self._widths: list[int] = []
        self._picks: list[tuple[int, int]] = []
        self._picks6: list[int] = []
        self._template = b""

    def read(self) -> bytes:
        """One read of each file; without IPv6 there are two."""
        heads, rows = parse(self._files[0].read() + self._files[1].read())
        data6 = self._file6[0].read() or self._file6[1].read()
        if data6 != self._data6:  # many a host speaks no IPv6
            self._fields6, self._data6 = parse6(data6), data6
        names6, values6 = self._fields6
        if (heads, names6) != self._key or list(map(len, rows)) != self._widths:
            matched(heads, rows)
            self._rebuild(heads, names6)
            self._key, self._widths = (heads, names6), list(map(len, rows))
        values = [rows[row][column] for row, column in self._picks]
        values += [values6[row] for row in self._picks6]
        if not b"".join(values).replace(b"-", b"").isdigit() and values:
            raise ValueError(f"counters expected, found {b' '.join(values)[:120]!r}")
        return self._template % tuple(values)

    def _rebuild(self, heads: list[bytes], names6: list[bytes]) -> None:
        found, found6 = picks(heads), picks6(names6)
        self._picks = [(row, column) for row, column, _ in found]
        self._picks6 = [row for row, _ in found6]
        names = [field for *_, field in found] + [field for _, field in found6]
        self._template = b"".join(template(FIELDS[name], [{}]) for name in names)

    def close(self) -> None:
        """Let go of the files."""
        for file in self._files:
            file.close()
        for file6 in self._file6:
            file6.close()


SOURCE = Netstat
