"""Sockets in use by protocol, from /proc/net/sockstat and sockstat6 (proc_net(5)). A read costs about 4 us a file."""

import os

from tocsin_agent.exposition import family, template
from tocsin_agent.kernelfile import OptionalFile, signed
from tocsin_schema.metrics.sockstat import METRICS, STATES, USED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tocsin_agent.source import Values

USED_SOCKETS = ("sockets", "used")
MEMORY, MEMORY_BYTES, IN_USE = "mem", "mem_bytes", "inuse"
IN_SUMMARY = frozenset({"TCP", "UDP", "TCP6", "UDP6"})


def parse(data: bytes) -> list[tuple[str, str, int]]:
    """Protocol, state and the place of its count among the words. Raises ValueError for anything else."""
    found = []
    place = 0
    for line in data.splitlines():
        protocol, *fields = line.decode("utf-8", "replace").split()
        if not protocol.endswith(":") or not fields or len(fields) % 2:
            raise ValueError(f"a protocol, states and counts expected, found {line[:120]!r}")
        for index in range(0, len(fields), 2):
            signed(fields[index + 1].encode())
            found.append((protocol[:-1], fields[index], place + index + 2))
        place += 1 + len(fields)
    return found


def shape(data: bytes, words: list[bytes]) -> tuple[bytes, list[bytes]]:
    """What is the same in two contents that differ in their counts only."""
    return data.translate(None, b"0123456789"), [word for word in words if word.endswith(b":")]


class Sockstat:
    """``node_sockstat_*``."""

    METRICS = METRICS

    def __init__(self, values: "Values") -> None:
        # The first process' namespace where /proc shows it, as for network devices.
        net = [f"{values['procfs']}/1/net", f"{values['procfs']}/net"]
        self._files = [
            [OptionalFile(f"{folder}/{name}", single=True) for folder in net] for name in ("sockstat", "sockstat6")
        ]
        protocols = IN_SUMMARY if values["profile"] == "summary" else {protocol for protocol, _ in STATES}
        self._metrics = {name: metric for name, metric in STATES.items() if name[0] in protocols}
        self._metrics[USED_SOCKETS] = USED
        self._page = os.sysconf("SC_PAGE_SIZE")
        self._shape: tuple[bytes, list[bytes]] | None = None
        self._data: bytes | None = None
        self._text = b""
        self._places: list[int] = []
        self._pages: list[int] = []
        self._template = b""

    def read(self) -> bytes:
        """One read of each file; a host without IPv6, or without IPv4, has one of them."""
        data = b"".join([first.read() or own.read() for first, own in self._files])
        if data == self._data:
            return self._text
        words = data.split()
        found = shape(data, words)
        if found != self._shape:
            self._rebuild(parse(data))
            self._shape = found
        pages = [b"%d" % (int(words[place]) * self._page) for place in self._pages]
        self._text = self._template % (*[words[place] for place in self._places], *pages)
        self._data = data
        return self._text

    def _rebuild(self, rows: list[tuple[str, str, int]]) -> None:
        told = {(protocol, state): place for protocol, state, place in rows if (protocol, state) in self._metrics}
        pages = [(protocol, place) for (protocol, state), place in told.items() if state == MEMORY]
        self._places, self._pages = list(told.values()), [place for _, place in pages]
        metrics = [self._metrics[name] for name in told] + [STATES[protocol, MEMORY_BYTES] for protocol, _ in pages]
        none = [
            STATES[protocol, IN_USE]
            for protocol in dict.fromkeys(protocol for protocol, *_ in rows)
            if (protocol, IN_USE) in self._metrics and (protocol, IN_USE) not in told
        ]
        self._template = b"".join([template(metric, [{}]) for metric in metrics] + [family(m, [({}, 0)]) for m in none])

    def close(self) -> None:
        """Let go of the files."""
        for file in (file for pair in self._files for file in pair):
            file.close()


SOURCE = Sockstat
