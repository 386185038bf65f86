"""Whole hosts, read by us and by node_exporter: the same series with the same values, source by source."""

import pytest

from tests.agent.conftest import configured
from tests.agent.sources import hosts
from tests.agent.sources.test_same_as_node_exporter import DISKS, LIVE, Peer, early, peer, same, theirs

pytestmark = [pytest.mark.system, pytest.mark.timeout(60, func_only=True)]

SOURCES = sorted({*LIVE, "filesystem"} - {"os", "time", "timex", "uname"})
"""But for those that ask the kernel, or what it is called."""
MOUNTS = "^/(dev|proc|run/credentials/.+|sys|var/lib/docker/.+|var/lib/containers/storage/.+)($|/)"
FLAGS = (
    "--no-collector.netdev.netlink",  # which reads the netdevs of the reader's own namespace
    f"--collector.diskstats.device-exclude={DISKS}",
    "--collector.netdev.device-exclude=",
    f"--collector.filesystem.mount-points-exclude={MOUNTS}",
)
LIVING = ("node_filesystem_avail_bytes", "node_filesystem_free_bytes", "node_filesystem_files_free")
"""The room of the file system that the tests write to, together with others: asked for in test_live_host.py."""
COVERED = ("device", "rootfs")
"""A mount below another: node_exporter tells the size of the one above in its name, and we tell of it once."""


def comparable(found):
    types, series = found
    kept = {key: value for key, value in series.items() if key[0] not in LIVING and COVERED not in key[1]}
    return {name: kind for name, kind in types.items() if name not in LIVING}, kept


def misread(source: str, host: hosts.Host) -> bool:
    """Whether node_exporter 1.5 reads a host wrongly: it invents CPUs, and did not know of `emergency_ro`."""
    return bool(host.offline and source in ("cpu", "softnet")) or (host.mounts == hosts.ODD and source == "filesystem")


@pytest.mark.parametrize("name", hosts.HOSTS)
def test_a_whole_host_reads_the_same(node_exporter_program, tmp_path, read_here, name):
    root, host = tmp_path / "host", hosts.HOSTS[name]
    hosts.plant(root, host)
    paths = [f"--path.{kind}fs={root}/{kind}" for kind in ("proc", "sys")]
    paths += [f"--path.rootfs={root}/rootfs", f"--path.udev.data={root}/udev"]
    values, compared = configured(root), 0
    with peer(node_exporter_program, tmp_path / "log", *paths, *FLAGS) as (url, later):
        other = Peer(url, root, later)
        for source in SOURCES:
            unlike = (name, source) in hosts.NO_PEER or (not later and misread(source, host))
            if unlike or not other.has(source):
                continue
            peers = comparable(theirs(other.scrape(source)))
            same(comparable(read(read_here, source, values)), peers, source, later)
            compared += len(early(peers[1], source, later))
    assert compared > 100 or host.lacks


def read(read_here, source: str, values):
    """What a source tells; nothing when it fails."""
    try:
        return read_here(source, values)
    except (OSError, ValueError):
        return {}, {}
