"""What a scrape of the host costs: the agent at its shipped defaults beside node_exporter with the same collectors.

CPU is that of the whole process (its CPU clock, which counts ended threads too) for one scrape and the 15 s until the
next: the scrape's part from batches of scrapes over a kept connection, the rest from a stretch without any.
"""

import http.client
import platform
import re
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.bench.measure import Measure
from tests.servers import node_exporter

ROUNDS, SCRAPES, WARM_UP = 7, 60, 40
IDLE_S, INTERVAL_S = 3.0, 15.0
CPU_GOAL, RSS_GOAL = 0.2, 0.8

IDENTITY = {"Accept": "text/plain;version=0.0.4", "Accept-Encoding": "identity"}
PROMETHEUS_3 = {
    "Accept": "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
    "text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
    "Accept-Encoding": "gzip",
}


class Target:
    """A running exporter and what was measured of it."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self.pid = process.pid
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        self.scrape_ms: dict[str, list[float]] = {"identity": [], "gzip": []}
        self.idle_ms_per_s = 0.0

    def cpu_ms(self) -> float:
        """CPU of the whole process since its start; clock id as in clock_getcpuclockid(3)."""
        return time.clock_gettime((~self.pid << 3) | 2) * 1000

    def scrape(self, headers: dict[str, str]) -> bytes:
        """One scrape."""
        self.connection.request("GET", "/metrics", headers=headers)
        response = self.connection.getresponse()
        body = response.read()
        assert response.status == 200
        return body

    def batch(self, name: str, headers: dict[str, str]) -> None:
        """Measure one batch."""
        before = self.cpu_ms()
        for _ in range(SCRAPES):
            self.scrape(headers)
        self.scrape_ms[name].append((self.cpu_ms() - before) / SCRAPES)

    def memory_kib(self, field: str) -> int:
        """Rss or Pss now."""
        with open(f"/proc/{self.pid}/smaps_rollup", encoding="ascii") as file:
            (found,) = re.findall(rf"^{field}: +(\d+) kB", file.read(), re.MULTILINE)
        return int(found)

    def interval_ms(self, name: str) -> float:
        """One scrape and the time until the next."""
        return statistics.median(self.scrape_ms[name]) + self.idle_ms_per_s * INTERVAL_S


@contextmanager
def running(command: list[str]) -> Iterator[Target]:
    """An exporter on a free port, ready; ended at the end. ``{}`` in the command becomes its address."""
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        port = reserved.getsockname()[1]
    arguments = [word.format(f"127.0.0.1:{port}") for word in command]
    process = subprocess.Popen(arguments, stderr=subprocess.DEVNULL, text=True)
    try:
        target = Target(process, port)
        _wait_until_ready(target, process)
        yield target
    finally:
        process.terminate()
        process.wait(10)


def _wait_until_ready(target: Target, process: subprocess.Popen[str]) -> None:
    until = time.monotonic() + 15
    while not _answers(target):
        if process.poll() is not None or time.monotonic() > until:
            raise RuntimeError(f"{process.args!r} does not answer; its exit status is {process.poll()}")
        time.sleep(0.02)


def _answers(target: Target) -> bool:
    try:
        target.scrape(IDENTITY)
    except OSError:
        target.connection.close()
        return False
    return True


def idle(targets: tuple[Target, ...]) -> None:
    """Measure what each costs while nobody asks."""
    before = [target.cpu_ms() for target in targets]
    time.sleep(IDLE_S)
    for target, start in zip(targets, before, strict=True):
        target.idle_ms_per_s = (target.cpu_ms() - start) / IDLE_S


def series(text: bytes) -> set[bytes]:
    """The host's series of a scrape, without values, without what each tells of itself."""
    own = (b"go_", b"process_", b"promhttp_", b"node_exporter_", b"node_scrape_", b"tocsin_")
    lines = [line for line in text.splitlines() if line and not line.startswith((b"#", *own))]
    return {re.sub(rb'[,{]\w+="",?', b"", line.rpartition(b" ")[0]) for line in lines}


def detail(agent: Target, peer: Target, name: str, versions: dict[str, str]) -> dict[str, Any]:
    """What one must know to read the figures."""
    return versions | {
        "scrape_ms": [round(statistics.median(target.scrape_ms[name]), 4) for target in (agent, peer)],
        "idle_ms_per_s": [round(target.idle_ms_per_s, 4) for target in (agent, peer)],
        "batches": ROUNDS,
        "scrapes_a_batch": SCRAPES,
    }


def run() -> list[Measure]:
    """Both processes at once, their batches alternating; medians."""
    program = node_exporter.binary()
    versions = {"peer": f"node_exporter {node_exporter.version(program)}", "python": platform.python_version()}
    agent_command = [sys.executable, "-m", "tocsin_agent", "run", "--listen", "{}"]
    peer_command = [program, *node_exporter.FLAGS, "--web.listen-address={}"]
    with running(agent_command) as agent, running(peer_command) as peer:
        counts = {"series": [len(series(target.scrape(IDENTITY))) for target in (agent, peer)]}
        for target in (agent, peer):
            for _ in range(WARM_UP):
                target.scrape(PROMETHEUS_3)
        idle((agent, peer))
        for _ in range(ROUNDS):
            for name, headers in (("identity", IDENTITY), ("gzip", PROMETHEUS_3)):
                for target in (agent, peer):
                    target.batch(name, headers)
        memory = {field: [target.memory_kib(field) for target in (agent, peer)] for field in ("Rss", "Pss")}
        measures = [
            Measure(
                f"agent-scrape-{name}",
                agent.interval_ms(name),
                peer.interval_ms(name),
                CPU_GOAL,
                "ms",
                detail(agent, peer, name, versions) | counts,
            )
            for name in ("identity", "gzip")
        ]
    rss = [kib / 1024 for kib in memory["Rss"]]
    return [
        *measures,
        Measure("agent-scrape-rss", rss[0], rss[1], RSS_GOAL, "MiB", versions | {"pss_kib": memory["Pss"]}),
    ]
