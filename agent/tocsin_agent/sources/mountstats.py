"""Each NFS mount, from /proc/PID/mountstats (fs/nfs/super.c, net/sunrpc/stats.c), with its address from mountinfo.

Two hundred series a mount and more, so one has to ask for it. A read costs about 50 us a mount, and asks no server.
"""

from tocsin_agent.exposition import family
from tocsin_agent.kernelfile import KernelFile
from tocsin_agent.later import Later

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tocsin_agent.source import Values
    from tocsin_schema.metric import Metric

    Rows = dict[Metric, list[tuple[dict[str, str], float]]]

DEFAULT = False
NFS = ("nfs", "nfs4")
EVENTS, BYTES, OPERATION = 27, 8, 8
UDP_LACKS = 3
"""Counts of connections that a transport without any has not: they stand behind the first two."""
MILLISECONDS = (5, 6, 7)
"""The columns of an operation that count them."""


class Mount:
    """The statistics of one NFS mount, as they stand in the file."""

    __slots__ = ("age", "bytes", "device", "events", "operations", "path", "transports")

    def __init__(self, device: str, path: str) -> None:
        self.device, self.path = device, path
        self.age = 0
        self.bytes: list[int] = []
        self.events: list[int] = []
        self.transports: list[tuple[str, list[int]]] = []
        self.operations: list[tuple[str, list[int]]] = []

    def add(self, line: str) -> None:
        """Take one line below the one that names it. Raises ValueError when it is torn."""
        name, _, rest = line.strip().partition(" ")
        fields = rest.split()
        if name == "age:":
            self.age = int(fields[0])
        elif name == "bytes:":
            self.bytes = _counts(line, fields, BYTES)
        elif name == "events:":
            self.events = _counts(line, fields, EVENTS)
        elif name == "xprt:" and fields:
            self.transports.append((fields[0], transport(fields)))
        elif name.endswith(":") and name[:-1].isupper() and line[:1].isspace():
            self.operations.append((name[:-1], _counts(line, fields, OPERATION)))


def _counts(line: str, fields: list[str], least: int) -> list[int]:
    if len(fields) < least or not "".join(fields).isdecimal():
        raise ValueError(f"{least} counts expected, found {line[:120]!r}")
    return list(map(int, fields))


def transport(fields: list[str]) -> list[int]:
    """The ten counts of METRICS' order, 0 for those that a UDP transport or an old kernel does not have."""
    protocol, counts = fields[0], _counts(" ".join(fields), fields[1:], 7)
    if protocol == "udp":
        counts[2:2] = [0] * UDP_LACKS
    counts += [0] * (13 - len(counts))
    return [*counts[1:3], *counts[4:8], *counts[9:13]]


def parse(data: bytes) -> list[tuple[str, "Mount | None"]]:
    """Every mount in the file's order, its path and, of NFS, its statistics. Raises ValueError for anything else."""
    found: list[tuple[str, Mount | None]] = []
    for line in data.decode("utf-8", "replace").splitlines():
        fields = line.split(" ")
        if fields[0] == "device":
            if len(fields) < 8 or fields[2:4] != ["mounted", "on"] or fields[5:7] != ["with", "fstype"]:
                raise ValueError(f"a mounted device expected, found {line[:120]!r}")
            counted = fields[7] in NFS and len(fields) > 8
            found.append((fields[4], Mount(fields[1], fields[4]) if counted else None))
        elif found and found[-1][1] is not None:
            found[-1][1].add(line)
    return found


def addresses(data: bytes) -> list[str]:
    """The option ``addr`` of each mount, in the order of mountinfo, which is that of mountstats."""
    found = []
    for line in data.decode("utf-8", "replace").splitlines():
        options = line.rpartition(" ")[2].split(",")
        found.append(next((word[5:] for word in options if word.startswith("addr=")), ""))
    return found


class Mountstats:
    """``node_mountstats_nfs_*``."""

    METRICS = Later("mountstats")

    def __init__(self, values: "Values") -> None:
        folder = f"{values['procfs']}/self"
        self._stats, self._info = KernelFile(f"{folder}/mountstats"), KernelFile(f"{folder}/mountinfo")

    def read(self) -> bytes:
        """One read of each file."""
        mounts = parse(self._stats.read())
        if not any(mount for _, mount in mounts):
            return b""
        known = addresses(self._info.read())
        return render([(mount, known[n] if n < len(known) else "") for n, (_, mount) in enumerate(mounts) if mount])

    def close(self) -> None:
        """Let go of the files."""
        self._stats.close()
        self._info.close()


def render(mounts: "list[tuple[Mount, str]]") -> bytes:
    """The families of all mounts; an export that is mounted twice has one set of counters."""
    from tocsin_schema.metrics import mountstats as metrics

    rows: Rows = {metric: [] for metric in metrics.METRICS}
    seen = set()
    for mount, address in mounts:
        for protocol in dict.fromkeys(protocol for protocol, _ in mount.transports):
            labels = {"export": mount.device, "protocol": protocol, "mountaddr": address}
            rows[metrics.INFO].append((labels | {"mountpoint": mount.path}, 1))
            if tuple(labels.values()) in seen:
                break
            seen.add(tuple(labels.values()))
            _add(rows, mount, labels)
    return b"".join(family(metric, found) for metric, found in rows.items())


def _add(rows: "Rows", mount: Mount, labels: dict[str, str]) -> None:
    from tocsin_schema.metrics import mountstats as metrics

    rows[metrics.AGE].append((labels, mount.age))
    for metric, count in zip(metrics.BYTES, mount.bytes, strict=False):
        rows[metric].append((labels, count))
    for index, (_, counts) in enumerate(mount.transports):
        for metric, count in zip(metrics.TRANSPORT, counts, strict=True):
            rows[metric].append((labels | {"transport": str(index)}, count))
    for operation, counts in mount.operations:
        for column, (metric, count) in enumerate(zip(metrics.OPERATION, counts, strict=False)):  # errors since 5.3
            value = count / 1000 if column in MILLISECONDS else count
            rows[metric].append((labels | {"operation": operation}, value))
    for event, count in zip(metrics.EVENTS, mount.events, strict=False):
        if event is not None:
            rows[event].append((labels, count))


SOURCE = Mountstats
