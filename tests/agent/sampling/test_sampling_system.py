"""The running agent: what wakes it, what it costs at rest, what it sees of real load."""

import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.agent.agent_process import Agent
from tests.agent.sampling.test_peaks import lines
from tocsin_agent.sampling import network
from tocsin_agent.sampling.host import Host

pytestmark = pytest.mark.system
ALARMS = "tocsin_sampling_alarms_total"
LOAD = "import time\nend = time.monotonic() + float({seconds})\nwhile time.monotonic() < end: pass"
needs_alarms = pytest.mark.skipif(
    not os.access("/proc/pressure/cpu", os.W_OK), reason="this kernel gives no pressure alarms"
)


@pytest.fixture
def agent(tmp_path):
    started = []

    def start(text="", **environ):
        (tmp_path / "agent.toml").write_text(text)
        started.append(Agent(tmp_path / "agent.toml", **environ))
        return started[-1]

    yield start
    for one in started:
        if one.process.returncode is None:
            one.stop()


@pytest.fixture
def load():
    """Processes that do nothing but count, for some seconds at most."""
    started = []

    def begin(count, seconds):
        code = LOAD.format(seconds=seconds)
        started.extend(subprocess.Popen([sys.executable, "-I", "-S", "-c", code]) for _ in range(count))

    yield begin
    for process in started:
        process.kill()
        process.wait(10)


def found(agent):
    """Values by name, summed over labels."""
    values = {}
    for family in text_string_to_metric_families(agent.metrics()):
        for sample in family.samples:
            values[sample.name] = values.get(sample.name, 0) + sample.value
    return values


def until(agent, condition, limit_s=20):
    deadline = time.monotonic() + limit_s
    while not condition(values := found(agent)):
        assert time.monotonic() < deadline, {name: value for name, value in values.items() if "sampling" in name}
        select.select([], [], [], 0.1)
    return values


@needs_alarms
def test_pressure_wakes_the_sampler(agent, load):
    """Four times as many processes as CPUs want to run, until that is seen."""
    one = agent()
    before = found(one)
    load(4 * os.cpu_count(), 50)
    values = until(
        one,
        lambda values: values["tocsin_sampling_active"] and values.get("tocsin_sampling_looks_total", 0) > 20,
        limit_s=45,  # a kernel that is busy may ring seconds late
    )
    assert values[ALARMS] > before[ALARMS]
    assert values["tocsin_host_cpu_busy_max_ratio"] > 0.8
    assert values["tocsin_sampling_failures_total"] == 0


def switches(pid):
    """How often the threads of a process went to sleep by themselves."""
    count = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/status", encoding="ascii") as file:
            count += sum(int(line.split()[1]) for line in file if line.startswith("voluntary_ctxt_switches"))
    return count


def rested(agent, seconds):
    """The wake-ups of a stretch in which nobody asks and nothing is logged."""
    before, last = switches(agent.process.pid), -1
    deadline = time.monotonic() + 2
    while before != last and time.monotonic() < deadline:  # it takes leave of the client that has just asked
        select.select([], [], [], 0.2)
        before, last = switches(agent.process.pid), before
    assert select.select([agent.process.stderr], [], [], seconds) == ([], [], [])
    return switches(agent.process.pid) - before


def test_without_pressure_nothing_wakes_between_scrapes(agent):
    """A host that is under pressure all the time has no such stretch."""
    one = agent("gpu.enabled = false\n")
    for _ in range(4):
        before = found(one)
        woken = rested(one, 3)
        after = found(one)
        quiet = not before["tocsin_sampling_active"] and before.get(ALARMS) == after.get(ALARMS)
        if quiet:
            assert woken == 0
            return
    pytest.skip("this machine is under pressure all the time")


def test_a_host_that_gives_no_alarms_is_never_woken(agent, tmp_path):
    """A recording of a host stands for a kernel without them."""
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/loadavg").write_text("0 0 0 1/1 1\n")
    one = agent(f'procfs = "{tmp_path}/proc"\nsources = ["loadavg", "peaks"]\n')
    assert found(one)["tocsin_sampling_active"] == 0
    assert rested(one, 3) == 0


def test_what_is_not_sampled_is_not_loaded(agent, tmp_path):
    (tmp_path / "proc").mkdir()
    code = (
        "import sys\nfrom tocsin_agent.sources.peaks import Peaks\n"
        f"source = Peaks({{'procfs': {str(tmp_path / 'proc')!r}, 'sampling.hz': 0.0}})\n"
        "source.alarms(), source.sample(), source.read()\n"
        "print([name for name in sys.modules if 'sampling.' in name or name.endswith('metrics.peaks')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=20)
    assert done.stdout == "[]\n"


def test_real_load_is_seen(agent, load, tmp_path):
    one = agent("sampling.hz = 10\n")
    until(one, lambda values: values.get("tocsin_sampling_looks_total", 0) > 2)
    load(os.cpu_count(), 2)
    disk = any(os.path.exists(f"/sys/block/{name}/stat") for name in ("vda", "sda"))
    with open(tmp_path / "written", "wb", buffering=0) as file:

        def seen(values):
            """A look that took too long is left out: on a busy machine it takes some writes until one is seen."""
            file.seek(0)
            file.write(bytes(1 << 20))
            os.fsync(file.fileno())
            written = values.get("tocsin_host_disk_written_max_bytes_per_second", 0) > 1 << 20
            return values.get("tocsin_host_cpu_busy_max_ratio", 0) > 0.9 and (written or not disk)

        values = until(one, seen)
    assert 0 < values["tocsin_host_memory_used_max_ratio"] < 1
    looks = values["tocsin_sampling_looks_total"]
    values = until(one, lambda values: values["tocsin_sampling_looks_total"] >= looks + 20)
    assert values["tocsin_sampling_covered_seconds_total"] > 1.5


def test_bytes_over_a_real_device_are_seen(tmp_path):
    """The loopback stands where hardware would: its counters are the kernel's own."""
    (tmp_path / "class/net/wire0").mkdir(parents=True)
    (tmp_path / "class/net/wire0/statistics").symlink_to("/sys/class/net/lo/statistics")
    assert list(network.found(tmp_path)) == ["wire0"]
    host = Host({"procfs": "/proc", "sysfs": str(tmp_path), "profile": "full"}, 5.0)
    host.sample()
    begun = time.monotonic()
    sent = threading.Thread(target=over_loopback, args=(4 << 20,))
    sent.start()
    sent.join(20)
    passed_s = time.monotonic() - begun
    host.sample()

    class Read:
        @staticmethod
        def read():
            return host.text(b"")

    rate = float(lines(Read)['tocsin_host_network_receive_max_bytes_per_second{device="wire0"}'])
    assert rate >= (4 << 20) / (passed_s + 0.5)
    host.close()


def over_loopback(size):
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as sender:
        receiver, _ = server.accept()
        with receiver:
            for _ in range(size >> 16):
                sender.sendall(bytes(1 << 16))
                left = 1 << 16
                while left:
                    left -= len(receiver.recv(left))


def test_a_reload_changes_the_pace(agent, tmp_path):
    one = agent("sampling.hz = 0\n")
    (tmp_path / "agent.toml").write_text("sampling.hz = 10\n")
    one.process.send_signal(signal.SIGHUP)
    until(one, lambda values: values.get("tocsin_sampling_looks_total", 0) > 10 and values["tocsin_sampling_active"])
    assert ALARMS not in found(one)


def test_the_command_line_sets_the_pace_and_refuses_another(tmp_path):
    command = [sys.executable, "-m", "tocsin_agent", "check", "--sample-hz"]
    done = subprocess.run([*command, "11"], capture_output=True, text=True, check=False, timeout=20)
    assert done.returncode == 78
    assert done.stderr.startswith("tocsin-agent: --sample-hz '11': from 0 to 10 expected, found 11.0\n")
    done = subprocess.run([*command, "often"], capture_output=True, text=True, check=False, timeout=20)
    assert done.stderr.startswith("tocsin-agent: --sample-hz 'often': number expected\n")
    assert subprocess.run([*command, "2.5"], capture_output=True, check=False, timeout=20).returncode == 0
