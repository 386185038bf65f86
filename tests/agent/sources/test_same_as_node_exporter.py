"""Every tree of `trees/`, and this host, read by us and by node_exporter: the same series with the same values."""

import contextlib
import math
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.agent.conftest import configured
from tests.agent.sources import tree
from tests.agent.sources.conftest import plain
from tests.servers import node_exporter
from tests.servers.process import free_port, serving
from tocsin_agent import listing
from tocsin_agent.settings import SOURCES

pytestmark = [pytest.mark.system, pytest.mark.timeout(60, func_only=True)]

DISKS = r"^(z?ram|loop|fd|(h|s|v|xv)d[a-z]|nvme\d+n\d+p)\d+$"
"""What upstream leaves out, and Debian's package does not."""
ALL = ("meminfo_numa", "mountstats")
"""The collectors that one has to ask for."""

COMPARED = [name for name in tree.names() if not name.endswith(".hostile")]

# What Debian's 1.5.0 does not have, or has otherwise, and later ones have as we do (1.12.1 was compared).
LATER = {
    "softnet": ("backlog_len", "cpu_collision", "received_rps", "flow_limit"),
    "netstat": ("TCPOFOQueue", "TCPRcvQDrop"),
    "cpufreq": ("scaling_governor", "frequency_avg"),
    "filesystem": ("mount_info",),
    "pressure": ("irq_stalled",),
    "nvme": ("namespace",),
    "os": ("support_end",),
    "infiniband": (
        *(
            "duplicate_requests",
            "implied_nak",
            "lifespan",
            "local_ack",
            "np_cnp",
            "np_ecn",
            "out_of",
            "packet_sequence",
        ),
        *("req_", "resp_", "rnr_", "roce_", "rp_cnp", "rx_"),
    ),
    "mountstats": ("mountpoint_info",),
}
LATER_LABELS = {
    "diskstats": {"rotational"},
    "filesystem": {"device_error"},
    "nvme": {"cntlid"},
    "mountstats": {"transport"},
}
LATER_TREES = {
    "softnet": "took the row's number for the CPU's",
    "hwmon.freq": "knows no frequencies",
    "infiniband.irdma": "fails when a driver has no common counters",
}


class Peer:
    """A node_exporter that reads a folder of its own, whatever is planted there."""

    def __init__(self, url: str, root: Path, later: bool) -> None:
        self.url, self.root, self.later = url, root, later

    def plant(self, name: str) -> dict[str, object]:
        """Another host in its folder; the configuration of a source that reads it too."""
        for top in self.root.iterdir():
            for path in top.iterdir():
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path)
                else:
                    path.unlink()
        tree.plant(self.root, (tree.FOLDER / f"{name}.tree").read_text(encoding="utf-8"))
        return configured(self.root)

    def has(self, collector: str) -> bool:
        """Whether it is of a version that has the collector."""
        try:
            self.scrape(collector)
        except HTTPError as error:
            error.close()
            return False
        return True

    def scrape(self, collector: str) -> bytes:
        """One collector's families."""
        with urlopen(f"{self.url}/metrics?collect[]={collector}", timeout=10) as answer:
            return answer.read()


@contextlib.contextmanager
def peer(program: str, log: Path, *flags: str) -> Iterator[tuple[str, bool]]:
    url = f"http://127.0.0.1:{free_port()}"
    command = [program, f"--web.listen-address={url.removeprefix('http://')}", *(f"--collector.{n}" for n in ALL)]
    with serving([*command, *flags], url, ready="/", log=str(log)):
        yield url, not node_exporter.version(program).startswith("1.5")


@pytest.fixture(scope="module")
def planted_peer(node_exporter_program, tmp_path_factory) -> Iterator[Peer]:
    root = tmp_path_factory.mktemp("host")
    for folder in ("proc/1", "sys", "rootfs", "textfile"):
        (root / folder).mkdir(parents=True)
    (root / "proc/self").symlink_to("1")
    flags = [f"--path.procfs={root}/proc", f"--path.sysfs={root}/sys", f"--path.rootfs={root}/rootfs"]
    flags.append(f"--collector.textfile.directory={root}/textfile")
    with peer(node_exporter_program, root.with_suffix(".log"), *flags) as (url, later):
        yield Peer(url, root, later)


@pytest.fixture(scope="module")
def live_peer(node_exporter_program, tmp_path_factory) -> Iterator[Peer]:
    log = tmp_path_factory.mktemp("live") / "log"
    flags = ("--collector.diskstats.device-exclude=" + DISKS, "--collector.netdev.device-exclude=")
    with peer(node_exporter_program, log, *flags) as (url, later):
        yield Peer(url, Path("/"), later)


MOVING = {("node_time_seconds", frozenset())}
"""What is never the same twice."""
_MEMORY = ("Balloon", "FileHugePages", "FilePmdMapped", "Hugetlb", "KReclaimable", "SecPageTables")
MORE = {
    "node_cpu_online",
    "node_mountstats_nfs_operations_errors_total",
    *(f"node_memory_{name}_bytes" for name in _MEMORY),
}
"""Ours has these where the kernel tells of them; one or the other version does not."""
SWAPPED = {("method", "LayoutGet"), ("method", "GetDeviceInfo")}
"""Later ones take one for the other; the kernel's order is that of NFSPROC4_CLNT_* in include/linux/nfs4.h."""
APART = {
    "node_filefd_allocated": 100,
    "node_netstat_Tcp_CurrEstab": 10,
    "node_sockstat_TCP_inuse": 10,
    "node_sockstat_TCP_alloc": 10,
    "node_sockstat_sockets_used": 10,
}
"""Whoever asks node_exporter has a connection open, which it counts and we do not."""
LACKING = ("node_network_receive_nohandler_total", "node_filesystem_purgeable_bytes")
"""Ours does not have them: the one stands in no file of /proc, but in a netlink message; the other tells of macOS."""
OWN = (*LACKING, "go_", "process_", "promhttp_", "node_exporter_", "node_scrape_")


def theirs(text: bytes):
    """Types and series of the host, without what the exporter tells of itself."""
    families = [f for f in text_string_to_metric_families(text.decode()) if not f"{f.name}_total".startswith(OWN)]
    series = {(s.name, frozenset(s.labels.items())): s.value for family in families for s in family.samples}
    return {family.name: family.type for family in families}, plain(series)


def early(ours, source: str, later: bool):
    """Our series without what only later ones than Debian's have."""
    if later:
        return ours
    hidden = LATER_LABELS.get(source, set())
    return {
        (name, frozenset(pair for pair in labels if pair[0] not in hidden)): value
        for (name, labels), value in ours.items()
        if not any(part in name for part in LATER.get(source, ()))
    }


def alike(one: float, other: float) -> bool:
    return math.isclose(one, other, rel_tol=1e-12) or (math.isnan(one) and math.isnan(other))


def same(ours, peers, source: str, later: bool) -> None:
    (types, ours), (their_types, peers) = ours, peers
    ours = early(ours, source, later)
    ours = {key: value for key, value in ours.items() if key in peers or key[0] not in MORE}
    assert set(ours) == set(peers)
    wrong = {key: (ours[key], peers[key]) for key in ours if not alike(ours[key], peers[key])}
    wrong = {key: pair for key, pair in wrong.items() if not (later and key[1] & SWAPPED)}
    assert not wrong
    assert {name: types[name] for name in their_types} == their_types


@pytest.mark.parametrize("name", COMPARED)
def test_a_planted_host_reads_the_same(planted_peer, read_here, name):
    if name in LATER_TREES and not planted_peer.later:
        pytest.skip(f"node_exporter 1.5 {LATER_TREES[name]}")
    source = name.partition(".")[0]
    if not planted_peer.has(source):
        pytest.skip(f"this node_exporter has no collector {source}")
    values = planted_peer.plant(name)
    ours, peers = read_here(source, values), theirs(planted_peer.scrape(source))
    for key in MOVING & set(ours[1]) & set(peers[1]):
        ours[1][key] = peers[1][key] = 0
    same(ours, peers, source, planted_peer.later)


NOT_THERE = {"gpu", "process", "serving"}
"""What node_exporter has no collector for."""
ELSEWHERE = {"filesystem": "test_live_host.py, test_crowded_host.py", "systemd": "test_systemd.py", "textfile": "trees"}
LIVE = [name for name in listing.names(SOURCES) if name not in NOT_THERE | ELSEWHERE.keys()]
TRIES = 50


@pytest.mark.parametrize("source", LIVE)
def test_this_host_reads_the_same(live_peer, read_here, this_host, source):
    """Each of our values lies between two of theirs, read before and after; what moves back and forth may try again."""
    if not live_peer.has(source):
        pytest.skip(f"this node_exporter has no collector {source}")
    missing: set[object] = {""}
    for _ in range(TRIES):
        before = theirs(live_peer.scrape(source))
        types, ours = read_here(source, this_host)
        _, after = theirs(live_peer.scrape(source))
        ours = early(ours, source, live_peer.later)
        ours = {key: value for key, value in ours.items() if key in before[1] or key[0] not in MORE}
        if set(ours) != set(before[1]):  # a device came between, or the set itself is wrong
            missing = {("series", frozenset(set(ours) ^ set(before[1])))}
            continue
        assert {name: types[name] for name in before[0]} == before[0]
        lows, highs = before[1], after
        wrong = {key for key, value in ours.items() if not between(key[0], lows[key], value, highs.get(key, lows[key]))}
        missing = wrong if "" in missing or not missing <= set(ours) else missing & wrong
        if not missing:
            return
    pytest.fail(f"never the same in {TRIES} tries: {sorted(map(str, missing))[:10]}")


def between(name: str, one: float, value: float, other: float) -> bool:
    margin = 1e-9 * max(abs(one), abs(other)) + APART.get(name, 0)
    return min(one, other) - margin <= value <= max(one, other) + margin
