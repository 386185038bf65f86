"""This very machine, read by us and by psutil at the same time."""

import os
import time

import psutil
import pytest

from tocsin_agent import listing
from tocsin_agent.settings import SOURCES


@pytest.fixture
def live(this_host, series):
    def read(name: str):
        source = listing.module(SOURCES, name).SOURCE(this_host)
        try:
            return series(source.read())
        finally:
            source.close()

    return read


def plain(found) -> dict[str, float]:
    return {name: value for (name, labels), value in found.items() if not labels}


def test_cpu_seconds(live):
    before = psutil.cpu_times(percpu=True)
    found = live("cpu")
    after = psutil.cpu_times(percpu=True)
    for cpu, (low, high) in enumerate(zip(before, after, strict=True)):
        for mode in ("user", "system", "idle", "iowait", "irq", "softirq", "steal", "nice"):
            value = found["node_cpu_seconds_total", frozenset({("cpu", str(cpu)), ("mode", mode)})]
            assert getattr(low, mode) <= value + 0.011
            assert value <= getattr(high, mode) + 0.011


def test_memory(live):
    found, peer = plain(live("meminfo")), psutil.virtual_memory()
    assert found["node_memory_MemTotal_bytes"] == peer.total
    assert found["node_memory_MemAvailable_bytes"] == pytest.approx(peer.available, rel=0.05)
    assert found["node_memory_SwapTotal_bytes"] == psutil.swap_memory().total


def test_stat(live):
    before, found, after = psutil.cpu_stats(), plain(live("stat")), psutil.cpu_stats()
    assert before.ctx_switches <= found["node_context_switches_total"] <= after.ctx_switches
    assert before.interrupts <= found["node_intr_total"] <= after.interrupts
    assert found["node_boot_time_seconds"] == psutil.boot_time()


def test_load(live):
    before, found, after = os.getloadavg(), plain(live("loadavg")), os.getloadavg()
    assert min(before[0], after[0]) - 0.02 <= found["node_load1"] <= max(before[0], after[0]) + 0.02


def test_network(live):
    before = psutil.net_io_counters(pernic=True, nowrap=False)
    found = live("netdev")
    after = psutil.net_io_counters(pernic=True, nowrap=False)
    assert {dict(labels)["device"] for _, labels in found} == set(before)
    for device in before:
        labels = frozenset({("device", device)})
        assert (
            before[device].bytes_recv <= found["node_network_receive_bytes_total", labels] <= after[device].bytes_recv
        )
        assert (
            before[device].packets_sent
            <= found["node_network_transmit_packets_total", labels]
            <= after[device].packets_sent
        )


def test_disks(live):
    before = psutil.disk_io_counters(perdisk=True, nowrap=False)
    found = live("diskstats")
    after = psutil.disk_io_counters(perdisk=True, nowrap=False)
    devices = {dict(labels)["device"] for _, labels in found}
    assert devices <= set(before)
    for device in devices:
        labels = frozenset({("device", device)})
        for name, field in (
            ("read_bytes", "read_bytes"),
            ("written_bytes", "write_bytes"),
            ("reads_completed", "read_count"),
        ):
            value = found[f"node_disk_{name}_total", labels]
            assert getattr(before[device], field) <= value <= getattr(after[device], field)


def test_filesystems(live):
    found = live("filesystem")
    checked = 0
    for (name, labels), size in found.items():
        if name == "node_filesystem_size_bytes":
            usage = os.statvfs(dict(labels)["mountpoint"])
            assert size == usage.f_blocks * usage.f_frsize
            checked += 1
    assert checked >= 1


def test_vmstat_counts_this_process_reading(live):
    # The kernel gathers its counts of each CPU once a second or so, and when they grow large.
    before = plain(live("vmstat"))["node_vmstat_pgfault"]
    limit = time.monotonic() + 10
    while plain(live("vmstat"))["node_vmstat_pgfault"] <= before:
        assert time.monotonic() < limit
        bytearray(1 << 22)


def test_pressure(live):
    if not os.path.exists("/proc/pressure/cpu"):
        pytest.skip("this kernel counts no pressure")
    found = plain(live("pressure"))
    with open("/proc/pressure/cpu") as file:
        total = int(file.readline().rpartition("total=")[2]) / 1e6
    assert 0 <= total - found["node_pressure_cpu_waiting_seconds_total"] < 5


def test_own_process(live):
    peer = psutil.Process()
    found = plain(live("process"))
    assert found["process_cpu_seconds_total"] == pytest.approx(time.process_time(), abs=0.2)
    assert found["process_resident_memory_bytes"] == pytest.approx(peer.memory_info().rss, rel=0.1)
    assert found["process_start_time_seconds"] == pytest.approx(peer.create_time(), abs=2)
    assert found["process_open_fds"] == pytest.approx(peer.num_fds(), abs=2)
    assert found["process_max_fds"] == peer.rlimit(psutil.RLIMIT_NOFILE)[0]
