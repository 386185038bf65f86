"""The running agent and another configuration: SIGHUP, systemd, a source that hangs."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator

import pytest

pytestmark = pytest.mark.system

RELOADS = 500
GROWTH_KIB = 1024


class Running:
    """``tocsin-agent run`` over a file; its log is read line by line."""

    def __init__(self, file: str, environ: dict[str, str]) -> None:
        command = [sys.executable, "-m", "tocsin_agent", "run", "--config", file]
        clean = {
            name: value for name, value in os.environ.items() if not name.startswith(("TOCSIN", "NOTIFY", "WATCHDOG"))
        }
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=clean | environ)
        self.url = self.until("tocsin_agent_listening").partition("address=")[2]

    def until(self, start: str) -> str:
        """The next line of the log that begins so."""
        while line := self.process.stderr.readline():
            if line.startswith(start):
                return line.strip()
        raise AssertionError(f"the agent has ended, and never said {start!r}")

    def hup(self) -> None:
        self.process.send_signal(signal.SIGHUP)

    def get(self, path: str = "/metrics", timeout_s: float = 10) -> str:
        request = urllib.request.Request(self.url + path)
        request.add_header("X-Prometheus-Scrape-Timeout-Seconds", f"{timeout_s:g}")
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.read().decode()

    def memory_kib(self) -> int:
        with open(f"/proc/{self.process.pid}/smaps_rollup", encoding="ascii") as file:
            return int(re.findall(r"^Rss: +(\d+) kB", file.read(), re.MULTILINE)[0])

    def count(self, what: str) -> int:
        """How many ``fd`` or ``task`` it has."""
        return len(os.listdir(f"/proc/{self.process.pid}/{what}"))


@pytest.fixture
def running(tmp_path) -> Iterator[Callable[..., Running]]:
    """Start an agent over the text of its configuration."""
    started: list[Running] = []

    def start(text: str = "", **environ: str) -> Running:
        configure(tmp_path, 'listen = "127.0.0.1:0"\n' + text)
        started.append(Running(str(tmp_path / "agent.toml"), environ))
        return started[-1]

    yield start
    for one in started:
        one.process.kill()
        one.process.communicate()


def configure(folder, text: str) -> None:
    """As an editor saves it: whole or not at all."""
    (folder / "agent.toml.new").write_text(text)
    os.replace(folder / "agent.toml.new", folder / "agent.toml")


def collectors(text: str) -> set[str]:
    return set(re.findall(r'node_scrape_collector_success\{collector="(\w+)"\} 1', text))


def test_what_changes_holds_from_then_on(running, tmp_path):
    one = running('sources = ["loadavg", "cpu"]\n')
    assert collectors(one.get()) == {"loadavg", "cpu", "agent"}
    configure(tmp_path, 'listen = "127.0.0.1:0"\nsources = ["stat", "cpu"]\ncollector = "http://127.0.0.1:9"\n')
    one.hup()
    assert one.until("reload").startswith("reloaded changed=collector,sources ")
    assert collectors(one.get()) == {"stat", "cpu", "task_relay", "agent"}
    assert "/v1/events" in error(one, "/none")
    configure(tmp_path, 'listen = "127.0.0.1:0"\nsources = ["cpu"]\n')
    one.hup()
    one.until("reloaded")
    assert collectors(one.get()) == {"cpu", "agent"}
    assert "/v1/events" not in error(one, "/none")


def error(one: Running, path: str) -> str:
    with pytest.raises(urllib.error.HTTPError) as caught:
        one.get(path)
    with caught.value as answer:
        return answer.read().decode()


def test_another_address_is_listened_at_and_the_old_one_is_free(running, tmp_path):
    one = running()
    before = one.url
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    configure(tmp_path, f'listen = "127.0.0.1:{port}"\n')
    one.hup()
    assert one.until("reloaded").endswith(f"address=http://127.0.0.1:{port}")
    with pytest.raises(urllib.error.URLError):
        one.get()
    one.url = f"http://127.0.0.1:{port}"
    assert collectors(one.get())
    assert before != one.url


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("lissten = 1\n", "lissten: unknown key; did you mean listen?"),
        ("= \n", "no TOML"),
        ('sources = ["cpuu"]\n', "sources: no source 'cpuu'"),
        ('web_config_file = "/nowhere/web.yml"\n', "/nowhere/web.yml: cannot be read: No such file or directory"),
    ],
)
def test_a_bad_configuration_changes_nothing_and_says_so(running, tmp_path, text, fault):
    one = running('sources = ["cpu"]\n')
    configure(tmp_path, text)
    one.hup()
    assert fault in one.until("reload_refused")
    found = one.get()
    assert collectors(found) == {"cpu", "agent"}
    assert "\ntocsin_agent_config_last_reload_successful 0\n" in found
    configure(tmp_path, 'listen = "127.0.0.1:0"\nsources = ["cpu"]\n')
    one.hup()
    assert one.until("reloaded").startswith("reloaded changed=nothing ")
    assert "\ntocsin_agent_config_last_reload_successful 1\n" in one.get()


def test_an_address_that_cannot_be_had_keeps_the_old_one(running, tmp_path):
    one = running()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        configure(tmp_path, f'listen = "127.0.0.1:{taken.getsockname()[1]}"\nsources = ["cpu"]\n')
        one.hup()
        assert "cannot listen on" in one.until("reload_refused")
    assert "loadavg" in collectors(one.get())


class Scraper(threading.Thread):
    """Scrapes without a pause until it is told to end; a kept connection, and another one each tenth time."""

    def __init__(self, one: Running) -> None:
        super().__init__()
        self.one = one
        self.answers = 0
        self.faults: list[str] = []
        self.over = threading.Event()

    def run(self) -> None:
        while not self.over.is_set():
            try:
                self.over.wait(0.02)
                found = self.one.get()
            except OSError as fault:
                self.faults.append(repr(fault))
                continue
            self.answers += 1
            if not found.endswith("\n") or "collector_success" not in found:
                self.faults.append(found[-200:])


@pytest.mark.timeout(300)
def test_five_hundred_reloads_half_of_them_bad_under_scrape(running, tmp_path):
    good = [
        'sources = ["cpu", "loadavg"]\n',
        'sources = ["stat"]\n[gpu]\ninterval_s = 2\n',
        'collector = "http://[::1]:9"\n',
    ]
    bad = ['sources = ["cpuu"]\n', "x = [\n", "listen = 5\n"]
    one = running(TOCSIN_AGENT_SAMPLE_HZ="10")  # or pressure would have it load what samples somewhere in between
    scraper = Scraper(one)
    scraper.start()
    try:
        for number in range(RELOADS):
            if number == RELOADS // 4:  # what is loaded once is loaded, and the heap has found its size
                before = one.memory_kib(), one.count("fd"), one.count("task")
            texts = bad if number % 2 else good
            configure(tmp_path, 'listen = "127.0.0.1:0"\n' * (texts is good) + texts[number // 2 % 3])
            one.hup()
            assert one.until("reload").startswith("reload_refused" if texts is bad else "reloaded")
    finally:
        scraper.over.set()
        scraper.join(30)
    assert scraper.faults == []
    assert scraper.answers > RELOADS / 10
    configure(tmp_path, 'listen = "127.0.0.1:0"\n' + good[0])
    one.hup()
    one.until("reloaded")
    assert one.memory_kib() - before[0] <= GROWTH_KIB
    assert one.count("fd") <= before[1] + 8  # other sources have other files
    assert one.count("task") <= before[2]


@pytest.fixture
def systemd(tmp_path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(str(tmp_path / "notify"))
        sock.settimeout(20)
        yield sock


def test_systemd_is_told_each_state_and_the_watchdog_is_fed(running, tmp_path, systemd):
    one = running(NOTIFY_SOCKET=str(tmp_path / "notify"), WATCHDOG_USEC="400000")

    def states():
        while True:
            yield systemd.recv(200).partition(b"\n")[0].decode()

    told = states()
    assert next(told) == "READY=1"
    assert [next(told) for _ in range(3)] == ["WATCHDOG=1"] * 3  # nobody asks for anything: it wakes for that
    one.hup()
    one.until("reloaded")
    assert [state for state in (next(told) for _ in range(12)) if state != "WATCHDOG=1"][:2] == [
        "RELOADING=1",
        "READY=1",
    ]
    one.process.terminate()
    while (state := next(told)) == "WATCHDOG=1":
        pass
    assert state == "STOPPING=1"
    assert one.process.wait(10) == 0


def test_a_source_that_hangs_costs_its_series_and_one_thread_ever(running, host, tmp_path):
    """A pipe that nobody writes stands where the kernel's file was: opening it hangs."""
    values = host("vm_6.18")
    (tmp_path / "proc/loadavg").unlink()
    os.mkfifo(tmp_path / "proc/loadavg")
    one = running(f'procfs = "{values["procfs"]}"\nsources = ["cpu", "loadavg", "stat"]\n')
    began = time.monotonic()
    found = one.get(timeout_s=2.5)
    assert 1.0 <= time.monotonic() - began < 2.5
    assert collectors(found) == {"cpu", "stat", "agent"}
    assert "\nnode_boot_time_seconds " in found
    assert "\ntocsin_agent_serving_takeovers_total 1\n" in one.get()
    threads = one.count("task")
    for number in range(30):
        began = time.monotonic()
        assert collectors(one.get()) == {"cpu", "stat", "agent"}
        if number % 10 == 5:
            one.hup()
            assert one.until("reloaded")
    assert one.count("task") == threads
    with open(tmp_path / "proc/loadavg", "wb"):  # what hung comes back, with an error: one cannot seek in a pipe
        os.unlink(tmp_path / "proc/loadavg")
        (tmp_path / "proc/loadavg").write_text("0.10 0.20 0.30 1/2 3\n")
    until = time.monotonic() + 10
    while "loadavg" not in collectors(one.get()):
        assert time.monotonic() < until
    assert one.count("task") <= threads
    one.process.terminate()
    assert one.process.wait(10) == 0


def test_an_agent_whose_source_hangs_can_be_ended(running, host, tmp_path):
    values = host("vm_6.18")
    (tmp_path / "proc/loadavg").unlink()
    os.mkfifo(tmp_path / "proc/loadavg")
    one = running(f'procfs = "{values["procfs"]}"\nsources = ["cpu", "loadavg"]\n')
    assert collectors(one.get(timeout_s=1.5)) == {"cpu", "agent"}
    one.process.terminate()
    assert one.process.wait(10) == 0
    assert "tocsin_agent_stopped\n" in one.process.stderr.read()


@pytest.mark.parametrize("signals", [1, 2])
def test_a_scrape_that_is_on_its_way_is_answered_before_the_end(running, host, tmp_path, signals):
    """Also where the signal comes twice, as timeout(1) sends it."""
    values = host("vm_6.18")
    (tmp_path / "proc/loadavg").unlink()
    os.mkfifo(tmp_path / "proc/loadavg")
    one = running(f'procfs = "{values["procfs"]}"\nsources = ["cpu", "loadavg"]\n')
    found: list[str] = []
    scraper = threading.Thread(target=lambda: found.append(one.get(timeout_s=2)))
    scraper.start()
    one.until("serving_thread_hung")
    for _ in range(signals):
        one.process.terminate()
    scraper.join(20)
    assert collectors(found[0]) == {"cpu", "agent"}
    assert one.process.wait(10) == 0
