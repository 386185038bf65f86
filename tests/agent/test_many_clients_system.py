"""The running agent among clients that mean no good: what they cost, and that nobody else notices."""

import os
import re
import socket
import statistics
import time
import urllib.request
from collections.abc import Iterator

import pytest

from tests.agent.agent_process import Agent

pytestmark = pytest.mark.system

IDLE = 1_000
GROWTH_KIB = 2_048
SCRAPES = 40


class Scraper:
    """A scraper with one kept connection, as Prometheus has; each scrape must be whole and on that connection."""

    def __init__(self, host: str, port: int) -> None:
        self.sock = socket.create_connection((host, port), timeout=10)
        self.seconds: list[float] = []

    def scrape(self) -> None:
        began = time.monotonic()
        self.sock.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        data = b""
        while b"\r\n\r\n" not in data:
            data += self._more()
        head, _, body = data.partition(b"\r\n\r\n")
        length = int(re.findall(rb"Content-Length: (\d+)", head)[0])
        while len(body) < length:
            body += self._more()
        assert head.startswith(b"HTTP/1.1 200 ")
        self.seconds.append(time.monotonic() - began)

    def _more(self) -> bytes:
        part = self.sock.recv(65_536)
        assert part, "the scraper's connection was cut"
        return part


class Besieged:
    """An agent, its scraper, and what the others cost it."""

    def __init__(self, agent: Agent) -> None:
        self.agent = agent
        host, port = agent.url.removeprefix("http://").split(":")
        self.address = host, int(port)
        self.scraper = Scraper(*self.address)
        for _ in range(SCRAPES):
            self.scraper.scrape()
        self.usual_s = statistics.median(self.scraper.seconds)
        self.before = self.memory_kib()
        self.opened: list[socket.socket] = []

    def memory_kib(self) -> int:
        with open(f"/proc/{self.agent.process.pid}/smaps_rollup", encoding="ascii") as file:
            return int(re.findall(r"^Rss: +(\d+) kB", file.read(), re.MULTILINE)[0])

    def connect(self, data: bytes = b"") -> socket.socket:
        self.opened.append(socket.create_connection(self.address, timeout=10))
        if data:
            self.opened[-1].sendall(data)
        return self.opened[-1]

    def nobody_noticed(self) -> None:
        self.scraper.seconds.clear()
        for _ in range(SCRAPES):
            self.scraper.scrape()
        assert statistics.median(self.scraper.seconds) < 5 * self.usual_s + 0.05
        assert self.memory_kib() - self.before <= GROWTH_KIB
        assert len(os.listdir(f"/proc/{self.agent.process.pid}/fd")) < 120
        request = urllib.request.Request(self.agent.url + "/-/healthy")
        with urllib.request.urlopen(request, timeout=5) as answer:
            assert answer.read() == b"ok\n"


@pytest.fixture
def besieged(tmp_path) -> Iterator[Besieged]:
    (tmp_path / "agent.toml").write_text('sources = ["cpu", "meminfo", "stat"]\n')
    with Agent(tmp_path / "agent.toml") as agent:
        one = Besieged(agent)
        yield one
        for sock in (*one.opened, one.scraper.sock):
            sock.close()


def test_a_thousand_idle_connections(besieged):
    for number in range(IDLE):
        besieged.connect()
        if number % 100 == 0:
            besieged.scraper.scrape()
    besieged.nobody_noticed()


def test_slow_heads(besieged):
    for number in range(300):
        besieged.connect(b"GET /metrics HTTP/1.1\r\nHost: x\r\nX: ")
        if number % 50 == 0:
            besieged.scraper.scrape()
    for sock in besieged.opened:
        try:
            sock.send(b"y")
        except OSError:
            continue
    besieged.nobody_noticed()


def test_heads_that_never_end(besieged):
    for _ in range(100):
        sock = besieged.connect()
        try:
            for _ in range(20):
                sock.sendall(b"X: " + b"y" * 8_000 + b"\r\n")
        except OSError:
            continue
        besieged.scraper.scrape()
    besieged.nobody_noticed()


def test_who_pipelines_without_reading(besieged):
    many = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * 500
    for _ in range(30):
        besieged.connect(many)
    besieged.nobody_noticed()


def test_who_asks_and_does_not_read_makes_room_in_the_end(besieged):
    for _ in range(200):
        sock = besieged.connect()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
    besieged.nobody_noticed()
