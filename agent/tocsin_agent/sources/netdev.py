"""Network devices of the first process's namespace, from /proc/1/net/dev (proc_net(5)). A read costs about 7 us."""

from itertools import chain

from tocsin_agent.exposition import template
from tocsin_agent.kernelfile import HostNetFile
from tocsin_schema.metrics.network import METRICS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tocsin_agent.source import Values

COLUMNS = len(METRICS)


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
        self._names: list[bytes] | None = None
        self._template = b""

    def read(self) -> bytes:
        """One read of the file."""
        names, rows = parse(self._file.read())
        if names != self._names:
            labels = [{"device": name.decode("utf-8", "replace")} for name in names]
            self._template = b"".join(template(metric, labels) for metric in METRICS)
            self._names = names
        return self._template % tuple(chain.from_iterable(zip(*rows, strict=True)))

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


SOURCE = Netdev
