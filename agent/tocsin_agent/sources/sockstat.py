"""Sockets in use by protocol, from /proc/net/sockstat and sockstat6 (proc_net(5)). A read costs about 4 us a file."""

import os

from tocsin_agent.exposition import template
from tocsin_agent.kernelfile import OptionalFile
from tocsin_schema.metrics.sockstat import METRICS, STATES, USED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tocsin_agent.source import Values

MEMORY, MEMORY_BYTES, IN_USE = "mem", "mem_bytes", "inuse"
IN_SUMMARY = frozenset({"TCP", "UDP", "TCP6", "UDP6"})


def parse(data: bytes) -> dict[str, dict[str, int]]:
    """The counts of each protocol by state. Raises ValueError for anything else."""
    found = {}
    for line in data.splitlines():
        protocol, *fields = line.decode("utf-8", "replace").split()
        if not protocol.endswith(":") or not fields or len(fields) % 2:
            raise ValueError(f"a protocol, states and counts expected, found {line[:120]!r}")
        found[protocol[:-1]] = dict(zip(fields[::2], map(int, fields[1::2]), strict=True))
    return found


class Sockstat:
    """``node_sockstat_*``."""

    METRICS = METRICS

    def __init__(self, values: "Values") -> None:
        # The first process' namespace where /proc shows it, as for network devices.
        net = [f"{values['procfs']}/1/net", f"{values['procfs']}/net"]
        self._files = [[OptionalFile(f"{folder}/{name}") for folder in net] for name in ("sockstat", "sockstat6")]
        self._summary = values["profile"] == "summary"
        self._page = os.sysconf("SC_PAGE_SIZE")
        self._names: list[tuple[str, str]] | None = None
        self._template = b""

    def read(self) -> bytes:
        """One read of each file; a host without IPv6, or without IPv4, has one of them."""
        found = parse(b"".join([first.read() or own.read() for first, own in self._files]))
        used = found.pop("sockets", {}).get("used")
        rows = [] if used is None else [(("sockets", "used"), used)]
        for protocol, counts in found.items():
            if self._summary and protocol not in IN_SUMMARY:
                continue
            counts.setdefault(IN_USE, 0)
            if MEMORY in counts:
                counts[MEMORY_BYTES] = counts[MEMORY] * self._page
            rows += [((protocol, state), counts[state]) for state in counts if (protocol, state) in STATES]
        names = [name for name, _ in rows]
        if names != self._names:
            metrics = [USED if name == ("sockets", "used") else STATES[name] for name in names]
            self._template = b"".join(template(metric, [{}]) for metric in metrics).replace(b" %b\n", b" %d\n")
            self._names = names
        return self._template % tuple([count for _, count in rows])

    def close(self) -> None:
        """Let go of the files."""
        for file in (file for pair in self._files for file in pair):
            file.close()


SOURCE = Sockstat
