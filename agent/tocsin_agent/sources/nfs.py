"""What this host asks of NFS servers, from /proc/net/rpc/nfs (net/sunrpc/stats.c). A read costs about 5 us.

Nothing where the NFS client is not loaded.
"""

from tocsin_agent.exposition import template
from tocsin_agent.kernelfile import OptionalFile
from tocsin_schema.metrics.nfs import CONNECTIONS, METRICS, PACKETS, REFRESHES, REQUESTS, RETRANSMISSIONS, RPCS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tocsin_agent.source import Values

# The procedures of each version in the kernel's order (fs/nfs/nfs*proc.c, include/linux/nfs4.h), as node_exporter
# writes them. A later kernel may have more.
METHODS = {
    "2": """Null GetAttr SetAttr Root Lookup ReadLink Read WrCache Write Create Remove Rename Link SymLink MkDir RmDir
        ReadDir FsStat""",
    "3": """Null GetAttr SetAttr Lookup Access ReadLink Read Write Create MkDir SymLink MkNod Remove RmDir Rename Link
        ReadDir ReadDirPlus FsStat FsInfo PathConf Commit""",
    "4": """Null Read Write Commit Open OpenConfirm OpenNoattr OpenDowngrade Close Setattr FsInfo Renew SetClientID
        SetClientIDConfirm Lock Lockt Locku Access Getattr Lookup LookupRoot Remove Rename Link Symlink Create Pathconf
        StatFs ReadLink ReadDir ServerCaps DelegReturn GetACL SetACL FsLocations ReleaseLockowner Secinfo FsidPresent
        ExchangeID CreateSession DestroySession Sequence GetLeaseTime ReclaimComplete LayoutGet GetDeviceInfo
        LayoutCommit LayoutReturn SecinfoNoName TestStateID FreeStateID GetDeviceList BindConnToSession DestroyClientID
        Seek Allocate DeAllocate LayoutStats Clone""",
}


def parse(data: bytes) -> dict[str, list[bytes]]:
    """The counts of each line, by its first word. Raises ValueError for anything else."""
    found = {}
    for line in data.splitlines():
        first, *counts = line.split()
        if not b"".join(counts).isdigit():
            raise ValueError(f"a name and counts expected, found {line[:120]!r}")
        found[first.decode("utf-8", "replace")] = counts
    for name, least in (("net", 4), ("rpc", 3)):
        if len(found.get(name, [])) < least:
            raise ValueError(f"a line `{name}` of {least} counts expected, found {data[:120]!r}")
    return found


def requests(found: dict[str, list[bytes]], methods: dict[str, str]) -> list[bytes]:
    """The counts in the order of ``methods``; 0 for a procedure that this kernel does not have."""
    counts = []
    for version, names in methods.items():
        wanted = len(names.split())
        there = found.get(f"proc{version}", [])[1 : wanted + 1]
        counts += there + [b"0"] * (wanted - len(there))
    return counts


class Nfs:
    """``node_nfs_*``."""

    METRICS = METRICS

    def __init__(self, values: "Values") -> None:
        self._file = OptionalFile(f"{values['procfs']}/net/rpc/nfs")
        self._methods = METHODS if values["profile"] != "summary" else {}
        self._template = b""

    def read(self) -> bytes:
        """One read of the file."""
        data = self._file.read()
        if not data:
            return b""
        found = parse(data)
        if not self._template:
            names = [(version, name) for version, names in self._methods.items() for name in names.split()]
            rows = [{"proto": version, "method": name} for version, name in names]
            parts = [template(PACKETS, [{"protocol": "udp"}, {"protocol": "tcp"}])]
            parts += [template(metric, [{}]) for metric in (CONNECTIONS, RPCS, RETRANSMISSIONS, REFRESHES)]
            self._template = b"".join([*parts, template(REQUESTS, rows)])
        return self._template % (*found["net"][1:4], *found["rpc"][:3], *requests(found, self._methods))

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


SOURCE = Nfs
