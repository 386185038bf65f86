"""The profile `summary`: few series, whatever the host has, and sums that do not fall."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.agent.sources import tree
from tocsin_agent.parts import Parts
from tocsin_agent.scrape import Scrape
from tocsin_agent.sources.cpu import Cpu
from tocsin_agent.sources.diskstats import Diskstats
from tocsin_agent.sources.filesystem import Filesystem
from tocsin_agent.sources.meminfo import Meminfo
from tocsin_agent.sources.netdev import Netdev
from tocsin_agent.sources.softnet import Softnet
from tocsin_agent.sources.timex import TimeX
from tocsin_agent.summary import Steady

MOST_SERIES = 300


@given(st.lists(st.tuples(st.integers(0, 3), st.lists(st.integers(0, 1000), min_size=2, max_size=2)), min_size=1))
def test_what_is_shown_never_falls(steps):
    steady, before = Steady(), [0, 0]
    for names, sums in steps:
        shown = steady.hold(names, sums)
        assert all(now >= last for now, last in zip(shown, before, strict=True))
        before = shown


def test_a_sum_goes_on_from_where_it_was_when_a_device_goes_and_grows_as_the_others_do():
    steady = Steady()
    assert steady.hold("ab", [1000]) == [1000]
    assert steady.hold("ab", [1010]) == [1010]
    assert steady.hold("a", [400]) == [1010]
    assert steady.hold("a", [407]) == [1017]
    assert steady.hold("a", [3]) == [1017], "it counts anew"
    assert steady.hold("a", [5]) == [1019]


@pytest.fixture
def summary(big_host):
    return big_host | {"profile": "summary"}


def of(found, name: str) -> dict[str, float]:
    return {",".join(dict(labels).values()): value for (metric, labels), value in found.items() if metric == name}


def test_a_busy_share_of_the_mean_is_that_of_the_host(summary, big_host, series):
    mean, each = series(Cpu(summary).read()), series(Cpu(big_host).read())
    idle = [value for (_, labels), value in each.items() if ("mode", "idle") in labels]
    shown = {dict(labels)["mode"]: value for (name, labels), value in mean.items() if name == "node_cpu_seconds_total"}
    assert shown["idle"] == pytest.approx(sum(idle) / 224, abs=1e-4)
    assert mean["tocsin_host_cpus", frozenset()] == 224
    assert len(mean) == 11


def test_disks_are_summed_without_partitions_and_without_what_stands_upon_them(summary, series, tmp_path):
    path = tmp_path / "big/proc/diskstats"
    path.write_text(path.read_text() + " 253 0 dm-0 " + " ".join(["7"] * 17) + "\n")
    found = series(Diskstats(summary).read())
    assert of(found, "node_disk_reads_completed_total") == {"sum": sum(n * 100 for n in range(16))}
    assert of(found, "node_disk_written_bytes_total") == {"sum": 512 * sum(n * 100 + 6 for n in range(16))}
    assert len(found) == 17


def test_a_host_without_disks_has_no_sum(summary, tmp_path):
    (tmp_path / "big/proc/diskstats").write_text(" 7 0 loop0 " + " ".join(["0"] * 17) + "\n")
    assert Diskstats(summary).read() == b""


def test_only_network_devices_of_hardware_are_summed_where_there_are_some(summary, series, tmp_path):
    found = series(Netdev(summary).read())
    assert of(found, "node_network_receive_packets_total") == {"sum": 65 * 2}
    (tmp_path / "big/sys/class/net/eth0/device").mkdir(parents=True)
    found = series(Netdev(summary).read())
    assert of(found, "node_network_receive_packets_total") == {"sum": 2}
    assert len(found) == 8


def test_a_container_that_ends_takes_nothing_from_the_sum(summary, series, tmp_path):
    source = Netdev(summary)
    before = of(series(source.read()), "node_network_receive_packets_total")
    path = tmp_path / "big/proc/1/net/dev"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))
    assert of(series(source.read()), "node_network_receive_packets_total") == before


def test_receive_queues_are_summed(planted, series):
    found = series(Softnet(planted("softnet") | {"profile": "summary"}).read())
    assert of(found, "node_softnet_backlog_len") == {"sum": 20}
    assert of(found, "node_softnet_processed_total") == {"sum": 89203 + 23478194}
    assert len(found) == 7


def test_few_fields_of_memory_and_of_the_clock(host, series, this_host):
    memory = series(Meminfo(host("vm_6.18") | {"profile": "summary"}).read())
    assert {"node_memory_MemTotal_bytes", "node_memory_MemAvailable_bytes"} <= {name for name, _ in memory}
    assert len(memory) == 16
    assert len(series(TimeX(this_host | {"profile": "summary"}).read())) == 4


def test_mounts_of_disks_and_of_servers_only(host, series, tmp_path: Path):
    values = host("server_4.14") | {"profile": "summary"}
    (tmp_path / "rootfs/run/user/1000").mkdir(parents=True)
    (tmp_path / "rootfs/srv/nfs share").mkdir(parents=True)
    found = series(Filesystem(values).read())
    assert {dict(labels)["mountpoint"] for _, labels in found} == {"/", "/srv/nfs share", "/boot"}
    room = os.statvfs(tmp_path)
    root = frozenset({("device", "/dev/dm-0"), ("mountpoint", "/"), ("fstype", "ext4")})
    assert found["node_filesystem_size_bytes", root] == room.f_blocks * room.f_frsize
    assert len([labels for _, labels in found if ("mountpoint", "/") in labels]) == 2
    readonly = {dict(labels)["mountpoint"] for name, labels in found if name == "node_filesystem_readonly"}
    assert readonly == {"/boot"}, "what is as it should be is not told"


def test_a_host_of_224_cpus_has_at_most_300_series(summary, host, series, tmp_path):
    """With all that the planted hosts have at once, and two arrays; the states of the sources count too."""
    root = tmp_path / "big"
    for name in tree.names():
        if "." not in name and name not in ("textfile", "mdadm"):
            for path, kind, content in tree.entries((tree.FOLDER / f"{name}.tree").read_text(encoding="utf-8")):
                target = Path(os.fsdecode(os.path.join(os.fsencode(root), path)))
                if kind == "=" and not os.path.lexists(target):
                    target.parent.mkdir(parents=True, exist_ok=True)
                    target.write_bytes(content)
    host("vm_6.18")
    for name in ("loadavg", "meminfo", "vmstat", "pressure", "sys/kernel/domainname"):
        (tmp_path / "proc" / name).rename(root / "proc" / name)
    arrays = (f"md{n} : active raid1 a[0] b[1]\n  5 blocks [2/2] [UU]\n" for n in range(2))
    (root / "proc/mdstat").write_text("".join(arrays))
    disks = "".join(f"{n} 1 8:{n} / /data{n} rw - ext4 /dev/nvme{n}n1 rw\n" for n in range(4))
    (root / "proc/1/mountinfo").write_text(disks)
    for number in range(4):
        (root / f"rootfs/data{number}").mkdir(parents=True)
    parts = Parts()
    parts.open_sources(summary)
    sources = parts.sources
    found = series(b"".join(Scrape([(name, source.read) for name, source in sources.items()]).texts()))
    parts.close()
    success = of(found, "node_scrape_collector_success")
    assert set(success.values()) == {1}
    assert {"cpu", "infiniband", "mdadm", "netstat"} <= set(success)
    assert not {"hwmon", "cpufreq", "mountstats"} & set(success)
    assert len(found) <= MOST_SERIES
