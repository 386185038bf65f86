"""What is read of the kernel's files at each look: any bytes give values or a ValueError."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.agent.conftest import FIXTURES
from tocsin_agent.sampling import cpu, disks, memory, network, power

PARSERS = {
    "cpu": cpu.parse,
    "memory": memory.used,
    "disks": lambda data: disks.counts([data]),
    "network": lambda data: network.counts([data, data]),
    "power": lambda data: power.counts([data]),
}
WORDS = st.sampled_from(
    [b"cpu ", b"cpu0", b"MemTotal:", b"\nMemAvailable:", b" kB\n", b"\n", b" ", b"-1", b"0", b"99", b"x"]
)
BYTES = st.binary(max_size=40) | st.lists(WORDS, max_size=40).map(b"".join)


@pytest.mark.parametrize("name", PARSERS)
@given(data=BYTES)
def test_any_bytes_are_counts_or_a_clear_error(outcome, name, data):
    found, error = outcome(PARSERS[name], data)
    assert (found is None) == bool(error)
    assert not error or "expected" in error
    assert found is None or (0 <= found <= 1 if name == "memory" else min(found) >= 0)


def test_of_the_first_line_eight_modes_are_read():
    data = (FIXTURES / "vm_6.18/proc/stat").read_bytes()
    first = data.split(b"\n")[0].split()
    assert cpu.parse(data) == [int(field) for field in first[1:9]]


@pytest.mark.parametrize(
    ("ticks", "ratio"),
    [
        ([10, 0, 10, 60, 20, 0, 0, 0], 0.2),
        ([0, 0, 0, 100, 0, 0, 0, 0], 0.0),
        ([50, 10, 10, 0, 0, 10, 10, 10], 1.0),
        ([0] * 8, None),
    ],
)
def test_idle_cpus_and_those_that_wait_for_a_disk_are_not_busy(ticks, ratio):
    assert cpu.busy(ticks) == ratio


def test_memory_in_use_is_what_is_not_available():
    assert memory.used(b"MemTotal:     1000 kB\nMemFree:    10 kB\nMemAvailable:    250 kB\n") == 0.75


def test_a_disk_of_an_old_kernel_has_eleven_counts():
    assert disks.counts([b"1 2 3 4 5 6 7 8 9 10 11\n"]) == [3, 7, 10]


SYS = {
    "class/net/lo/statistics/rx_bytes": "1",
    "class/net/eth0/statistics/rx_bytes": "1",
    "class/net/eth0/device/uevent": "",
    "class/net/veth1/statistics/rx_bytes": "1",
    "class/net/bonding_masters": "",
    "block/sda/stat": "",
    "block/cciss!c0d0/stat": "",
    "block/dm-0/stat": "",
    "block/loop0/stat": "",
    "block/zram0/stat": "",
    "class/powercap/intel-rapl/enabled": "1",
    "class/powercap/intel-rapl:0/name": "package-0",
    "class/powercap/intel-rapl:0/energy_uj": "1",
    "class/powercap/intel-rapl:0:0/name": "core",
    "class/powercap/intel-rapl:0:0/energy_uj": "1",
    "class/powercap/intel-rapl-mmio:0/name": "package-0",
    "class/powercap/intel-rapl-mmio:0/energy_uj": "1",
}


@pytest.fixture
def sysfs(tmp_path):
    for name, content in SYS.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    return tmp_path


def test_only_network_devices_of_hardware_are_looked_at(sysfs):
    assert list(network.found(sysfs)) == ["eth0"]


def test_without_hardware_all_devices_but_the_loopback_are(sysfs):
    (sysfs / "class/net/eth0/device").rename(sysfs / "gone")
    assert list(network.found(sysfs)) == ["eth0", "veth1"]


def test_disks_are_looked_at_and_not_what_stands_upon_them(sysfs):
    assert disks.found(sysfs) == {
        "cciss/c0d0": [f"{sysfs}/block/cciss!c0d0/stat"],
        "sda": [f"{sysfs}/block/sda/stat"],
    }


def test_each_package_of_cpus_is_looked_at_once(sysfs):
    assert power.found(sysfs) == {"0": [f"{sysfs}/class/powercap/intel-rapl:0/energy_uj"]}


def test_a_host_without_any_has_none(tmp_path):
    assert network.found(tmp_path) == disks.found(tmp_path) == power.found(tmp_path) == {}
