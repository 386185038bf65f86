"""The host between scrapes: every short burst is seen by everyone who scrapes, and nothing that was not there."""

import os
import random

import pytest

from tests.agent.test_agent_catalogue import check
from tests.protobuf_reader import families
from tocsin_agent.protobuf import Encoder
from tocsin_agent.sources.peaks import LINGER_S, Peaks, armed, is_kernels

BURST_S = 0.2
HIGH = {"busy": 1.0, "memory": 0.95, "network": 2e9, "disk": 1e9, "disk_busy": 0.9, "watts": 300.0}
LOW = {"busy": 0.05, "memory": 0.2, "network": 1e5, "disk": 1e4, "disk_busy": 0.01, "watts": 40.0}
ABOVE = {
    "tocsin_host_cpu_busy_sampled_ratio": "0.8",
    "tocsin_host_memory_used_sampled_ratio": "0.8",
    "tocsin_host_network_receive_sampled_bytes_per_second": "1073741824.0",
    "tocsin_host_network_transmit_sampled_bytes_per_second": "1073741824.0",
    "tocsin_host_disk_read_sampled_bytes_per_second": "268435456.0",
    "tocsin_host_disk_written_sampled_bytes_per_second": "268435456.0",
    "tocsin_host_disk_busy_sampled_ratio": "0.7",
    "tocsin_host_cpu_power_sampled_watts": "200.0",
}
"""A bound of each histogram that only bursts are above."""
MAXIMA = (
    "tocsin_host_cpu_busy_max_ratio",
    "tocsin_host_memory_used_max_ratio",
    ("tocsin_host_network_receive_max_bytes_per_second", "eth0"),
    ("tocsin_host_disk_written_max_bytes_per_second", "sda"),
    ("tocsin_host_disk_busy_max_ratio", "sda"),
    ("tocsin_host_cpu_power_max_watts", "0"),
)


@pytest.fixture
def always(fake_host):
    source = Peaks(fake_host.values | {"sampling.hz": 10.0}, fake_host.clock)
    yield source
    source.close()


def level(host, levels):
    for name, value in levels.items():
        setattr(host, name, value)


def run(host, source, until_s, late=lambda: 0.0):
    """Let time pass, and the loop turn when the source asks for it, or a little later."""
    while True:
        host.write()
        wait_s = source.sample() + late()
        if host.clock_s + wait_s >= until_s:
            host.pass_time(until_s - host.clock_s)
            return
        host.pass_time(wait_s)


class Scraper:
    """One who comes every few seconds: counts the looks above each bound since the time before."""

    def __init__(self, every_s, first_s):
        self.every_s, self.next_s = every_s, first_s
        self._before = {}
        self.seen = {name: [] for name in ABOVE}

    def scrape(self, found, now_s):
        self.next_s += self.every_s
        for name, bound in ABOVE.items():
            above = int(found[f"{name}_count"]) - int(found[f'{name}_bucket{{le="{bound}"}}'])
            if above > self._before.get(name, 0):
                self.seen[name].append(now_s)
            self._before[name] = above


def lines(source):
    """The samples of a text, read fast."""
    return dict(line.rsplit(" ", 1) for line in source.read().decode().splitlines() if not line.startswith("#"))


def test_both_of_two_scrapers_see_each_burst_of_200_ms(fake_host, always):
    """The loop is up to 8 ms late at each turn, as it is behind a scrape of a large host."""
    draw = random.Random(1)
    scrapers = Scraper(0.9, 1001.0), Scraper(1.7, 1001.5)
    bursts, now_s = [], 1003.0
    for _ in range(220):
        now_s += draw.uniform(2, 3)
        bursts.append(now_s)
    edges = sorted([(at, HIGH) for at in bursts] + [(at + BURST_S, LOW) for at in bursts])
    level(fake_host, LOW)
    for at, levels in edges:
        while (scraper := min(scrapers, key=lambda one: one.next_s)).next_s < at:
            run(fake_host, always, scraper.next_s, lambda: draw.uniform(0, 0.008))
            scraper.scrape(lines(always), fake_host.clock_s)
        run(fake_host, always, at, lambda: draw.uniform(0, 0.008))
        level(fake_host, levels)
    for _ in range(2):
        for scraper in scrapers:
            run(fake_host, always, fake_host.clock_s + 1)
            scraper.scrape(lines(always), fake_host.clock_s)
    for scraper in scrapers:
        for name, seen in scraper.seen.items():
            found = [at for at in bursts if any(at < seen_s < at + BURST_S + scraper.every_s + 0.2 for seen_s in seen)]
            assert len(found) >= 0.995 * len(bursts), name
            assert len(seen) <= 2 * len(bursts), name


def test_the_highest_of_the_last_minute_is_that_of_the_burst(fake_host, always, told):
    """Each burst is higher than the one before, so that none hides behind another."""
    draw = random.Random(2)
    level(fake_host, LOW)
    for step in range(5, 20):
        share = step / 20
        run(fake_host, always, fake_host.clock_s + draw.uniform(1, 3))
        level(fake_host, {name: HIGH[name] * share for name in HIGH})
        run(fake_host, always, fake_host.clock_s + BURST_S)
        level(fake_host, LOW)
        run(fake_host, always, fake_host.clock_s + draw.uniform(1, 3))
        first, second = told(always), told(always)
        for name, high in zip(MAXIMA, (1.0, 0.95, 2e9, 1e9, 0.9, 300.0), strict=True):
            assert first[name] == second[name] == pytest.approx(high * share, rel=0.05), name
    run(fake_host, always, fake_host.clock_s + 61)
    assert told(always)["tocsin_host_cpu_busy_max_ratio"] == pytest.approx(0.05, abs=0.01)


def test_a_gap_is_no_peak(fake_host, always, told):
    """The process is stopped for ten seconds in which the host is busy."""
    level(fake_host, LOW)
    run(fake_host, always, fake_host.clock_s + 2)
    covered_s = told(always)["tocsin_sampling_covered_seconds_total"]
    level(fake_host, HIGH)
    fake_host.pass_time(10)
    level(fake_host, LOW)
    fake_host.write()
    run(fake_host, always, fake_host.clock_s + 1)
    found = told(always)
    assert found["tocsin_host_network_receive_max_bytes_per_second", "eth0"] == pytest.approx(1e5, rel=0.1)
    assert found["tocsin_host_cpu_busy_max_ratio"] < 0.1
    assert found["tocsin_sampling_covered_seconds_total"] == pytest.approx(covered_s + 1, abs=0.11)


def test_a_look_that_comes_late_is_followed_by_one_on_the_beat(fake_host, always):
    """And not by one a moment later, in which a single tick would be a whole CPU."""
    waits = []
    for late in (0, 0, 0.04, 0, 0.07, 0, 0.3, 0):
        fake_host.pass_time(always.sample() + late)
        fake_host.write()
        waits.append(always.sample())
    assert min(waits) >= 0.05
    assert max(waits) <= 0.15


def test_counters_that_begin_anew_are_no_peak(fake_host, always, told):
    level(fake_host, LOW)
    run(fake_host, always, fake_host.clock_s + 2)
    fake_host._bytes, fake_host._disk, fake_host._joules = {}, [0.0, 0.0], 0.0
    fake_host.write()
    run(fake_host, always, fake_host.clock_s + 1)
    found = told(always)
    assert found["tocsin_host_network_receive_max_bytes_per_second", "eth0"] == pytest.approx(1e5, rel=0.1)
    assert found["tocsin_host_cpu_power_max_watts", "0"] == pytest.approx(40, rel=0.1)


def test_a_device_that_goes_takes_its_peaks_along_and_one_that_comes_begins_with_none(fake_host, always, told):
    level(fake_host, HIGH)
    run(fake_host, always, fake_host.clock_s + 1)
    fake_host.forget("sys/class/net/eth0")
    fake_host.wires = ["eth1"]
    fake_host._bytes["eth1"] = 1e15
    fake_host.write()
    run(fake_host, always, fake_host.clock_s + 6)
    found = told(always)
    assert ("tocsin_host_network_receive_max_bytes_per_second", "eth0") not in found
    assert found["tocsin_host_network_receive_max_bytes_per_second", "eth1"] == pytest.approx(2e9, rel=0.1)


def test_beyond_fifteen_devices_the_rest_is_one_and_counted(fake_host, always, told):
    fake_host.forget("sys/class/net/eth0")
    fake_host.wires = [f"eth{number:02}" for number in range(20)]
    level(fake_host, HIGH)
    fake_host.write()
    run(fake_host, always, fake_host.clock_s + 1)
    found = told(always)
    name = "tocsin_host_network_receive_max_bytes_per_second"
    assert len([key for key in found if key[0] == name]) == 16
    assert found[name, "_other"] == pytest.approx(5 * 2e9, rel=0.05)
    assert found["tocsin_sampling_folded_devices", "network"] == 5
    assert found["tocsin_host_network_receive_sampled_bytes_per_second_sum"] > 20 * 2e9
    check(always.read())


def test_the_summary_has_one_of_each(fake_host, told):
    source = Peaks(fake_host.values | {"sampling.hz": 10.0, "profile": "summary"}, fake_host.clock)
    fake_host.wires, fake_host.drives = ["eth0", "eth1"], ["sda", "sdb", "sdc"]
    level(fake_host, HIGH)
    run(fake_host, source, fake_host.clock_s + 1)
    found = told(source)
    assert found["tocsin_host_network_receive_max_bytes_per_second", "all"] == pytest.approx(2 * 2e9, rel=0.01)
    assert found["tocsin_host_disk_read_max_bytes_per_second", "all"] == pytest.approx(3 * 1e9, rel=0.01)
    assert found["tocsin_host_disk_busy_max_ratio", "all"] == pytest.approx(0.9, rel=0.01)
    assert found["tocsin_host_cpu_busy_max_ratio"] == 1
    assert len(found) <= 14
    source.close()


def test_everything_that_is_told_is_in_the_catalogue(fake_host, always):
    level(fake_host, LOW)
    run(fake_host, always, fake_host.clock_s + 1)
    names = check(always.read())
    missing = {metric.name for metric in Peaks.METRICS} - names
    assert missing == {"tocsin_sampling_alarms_total", "tocsin_sampling_folded_devices"}


def test_the_protobuf_format_has_the_histograms_in_exponential_buckets_too(fake_host, always):
    level(fake_host, LOW)
    run(fake_host, always, fake_host.clock_s + 2)
    found = {family["name"]: family for family in families(Encoder().encode([always.read()]))}
    for name in ABOVE:
        histogram = found[name]["metric"][0]["histogram"]
        deltas = histogram["positive_delta"]
        counts = [sum(deltas[: place + 1]) for place in range(len(deltas))]
        assert sum(counts) + histogram["zero_count"] == histogram["sample_count"] > 10, name


def test_a_look_that_fails_is_counted_and_told_once(fake_host, always, told, capfd):
    level(fake_host, LOW)
    run(fake_host, always, fake_host.clock_s + 1)
    stat = f"{fake_host.values['procfs']}/stat"
    os.truncate(stat, 0)
    for _ in range(5):
        fake_host.pass_time(always.sample() + 0.001)
    assert told(always)["tocsin_sampling_failures_total"] == 4
    logged = [line.split(" ")[0] for line in capfd.readouterr().err.splitlines()]
    assert logged == ["sampling_failed"]
    run(fake_host, always, fake_host.clock_s + 0.3)
    assert capfd.readouterr().err.split() == ["sampling_recovered"]


@pytest.fixture
def resting(fake_host):
    """At the default."""
    source = Peaks(fake_host.values, fake_host.clock)
    yield source
    source.close()


def test_at_rest_nothing_is_read_nor_told(fake_host, resting, told):
    assert resting.alarms() == ()
    assert resting.sample() > 600
    assert told(resting) == {"tocsin_sampling_active": 0, "tocsin_sampling_failures_total": 0}


def test_a_recording_of_a_host_is_not_taken_for_the_kernel(fake_host):
    assert not is_kernels(fake_host.values["procfs"])
    assert not is_kernels("/nowhere")
    assert is_kernels("/proc")


def test_a_kernel_without_alarms_is_told_of_once_and_leaves_no_file_open(capfd):
    before = os.listdir("/proc/self/fd")
    assert armed("/sys/kernel", own="/sys/kernel") == {}
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith("pressure_alarms_refused file=/sys/kernel/pressure/cpu error=")
    assert line.endswith(' instead="--sample-hz 10"')
    assert len(os.listdir("/proc/self/fd")) == len(before)


@pytest.mark.skipif(not os.access("/proc/pressure/cpu", os.W_OK), reason="this kernel gives no pressure alarms")
def test_where_the_hosts_procfs_may_only_be_read_a_containers_own_gives_the_alarms():
    """A folder of sysfs stands for it: a file system of the kernel's in which nothing can be made."""
    alarms = armed("/sys/kernel")
    assert sorted(alarms.values()) == ["cpu", "io", "memory"]
    for fd in alarms:
        os.close(fd)


@pytest.mark.skipif(not os.access("/proc/pressure/cpu", os.W_OK), reason="this kernel gives no pressure alarms")
def test_sampling_ends_a_while_after_the_last_alarm_and_what_was_seen_stays(fake_host, told):
    """Real triggers and files, in a time of the test's own; real alarms are in `test_pressure_alarms_system.py`."""
    source = Peaks(fake_host.values | {"procfs": "/proc"}, fake_host.clock)
    fd, *_ = source.alarms()
    assert source.alarms()[0] == fd
    for _ in range(3):
        source.alarmed(fd)
        run(fake_host, source, fake_host.clock_s + 2)
    run(fake_host, source, fake_host.clock_s + 2)
    found = told(source)
    assert (found["tocsin_sampling_active"], found["tocsin_sampling_alarms_total", "cpu"]) == (1, 3)
    run(fake_host, source, fake_host.clock_s + LINGER_S)
    assert source.sample() > 600
    looks = told(source)["tocsin_sampling_looks_total"]
    assert looks == pytest.approx((4 + LINGER_S) * 10, abs=2)
    run(fake_host, source, fake_host.clock_s + 20)
    found = told(source)
    assert (found["tocsin_sampling_active"], found["tocsin_sampling_looks_total"]) == (0, looks)
    assert 0 < found["tocsin_host_memory_used_max_ratio"] < 1
    source.close()
