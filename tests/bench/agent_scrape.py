"""What the agent costs beside node_exporter with the same collectors, on this host and on a planted one of 224 CPUs.

All processes run at once and are scraped every 15 s for five minutes, as they would be: what they do now and then is in
it, and that a scrape finds the caches cold. The CPU is that of the whole process, by its CPU clock; ten minutes are
twice the five, and the detail has each minute. Beside it stands the CPU of a scrape among others, from batches that
alternate. The planted host moves between the scrapes, so that nobody gains by remembering what moves.
"""

import os
import platform
import re
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.agent.sources import big_server
from tests.bench.measure import Measure
from tests.bench.target import AGENT, ENCODINGS, Target, running
from tests.servers import node_exporter

MINUTES, SCRAPES, INTERVAL_S = 5, 4, 15.0
ROUNDS, BATCH = 5, 10
GOALS = {"this": {"identity": 1 / 10, "gzip": 1 / 7}, "224": {"identity": 1 / 25, "gzip": 1 / 12}}
SERIES_GOAL, SUMMARY_SERIES = 1.15, 300
OURS = "tocsin"


class Host:
    """What the programs read: this machine, or the planted one, which ``tick`` moves on."""

    def __init__(self, name: str, root: Path | None = None) -> None:
        self.name = name
        self.environ: dict[str, str] = {}
        self.flags = ["--collector.textfile.directory=/nonexistent"]
        self._root, self._turn = root, 0
        if root:
            big_server.plant(root)
            folders = {"procfs": "proc", "sysfs": "sys", "rootfs": "rootfs", "udev_data": "udev"}
            self.environ = {f"TOCSIN_AGENT_{key.upper()}": f"{root}/{name}" for key, name in folders.items()}
            self.flags += [f"--path.{key.replace('_', '.')}={root}/{name}" for key, name in folders.items()]
            self.flags += ["--no-collector.netdev.netlink"]

    def tick(self) -> None:
        """15 seconds later."""
        self._turn += 1
        if self._root:
            big_server.tick(self._root, self._turn)


class Side:
    """A program that watches a host and is asked in one encoding, with its figures."""

    def __init__(self, host: Host, encoding: str, name: str, target: Target) -> None:
        self.host, self.encoding, self.name, self.target = host, encoding, name, target
        self.minutes_ms: list[float] = []
        self.scrapes_ms: list[float] = []

    def scrape(self) -> bytes:
        """One scrape."""
        return self.target.scrape(ENCODINGS[self.encoding])

    def ten_minutes_ms(self) -> float:
        """All CPU of ten minutes."""
        return 10 * statistics.mean(self.minutes_ms)


def started(stack: ExitStack, hosts: list[Host], peers: dict[str, str]) -> list[Side]:
    """Every program on every host in every encoding, a process each."""
    sides = []
    for host in hosts:
        for encoding in ENCODINGS:
            for name, path in {OURS: "", **peers}.items():
                command = [path, *node_exporter.FLAGS, *host.flags, "--web.listen-address={}"] if path else AGENT
                sides.append(Side(host, encoding, name, stack.enter_context(running(command, host.environ))))
    return sides


def measured(sides: list[Side], work: Callable[[], None]) -> list[float]:
    """The CPU of each side while something happens."""
    before = [side.target.cpu_ms() for side in sides]
    work()
    return [side.target.cpu_ms() - start for side, start in zip(sides, before, strict=True)]


def minute(hosts: list[Host], sides: list[Side]) -> None:
    """Four scrapes of each, 15 s apart."""
    began = time.monotonic()
    for number in range(1, SCRAPES + 1):
        for host in hosts:
            host.tick()
        for side in sides:
            side.scrape()
        time.sleep(max(0.0, began + number * INTERVAL_S - time.monotonic()))


def batch(sides: list[Side]) -> None:
    """Scrapes one after the other, side by side."""
    for side in sides:
        cost = 0.0
        for _ in range(BATCH):
            side.host.tick()
            before = side.target.cpu_ms()
            side.scrape()
            cost += side.target.cpu_ms() - before
        side.scrapes_ms.append(cost / BATCH)


def series(text: bytes) -> set[bytes]:
    """The host's series of a scrape, without values, without what each tells of itself."""
    own = (b"go_", b"process_", b"promhttp_", b"node_exporter_", b"node_scrape_", b"tocsin_")
    lines = [line for line in text.splitlines() if line and not line.startswith((b"#", *own))]
    return {re.sub(rb'[,{]\w+="",?', b"", line.rpartition(b" ")[0]) for line in lines}


def count(text: bytes) -> int:
    """All series of a scrape."""
    return sum(bool(line) and not line.startswith(b"#") for line in text.splitlines())


def summary_series(host: Host) -> int:
    """How many series the profile `summary` has."""
    environ = {**os.environ, **host.environ, "TOCSIN_AGENT_PROFILE": "summary"}
    command = [*AGENT[:4], "--once"]
    return count(subprocess.run(command, env=environ, stdout=subprocess.PIPE, check=True, timeout=60).stdout)


def compared(ours: Side, peer: Side) -> Measure:
    """All CPU of ten minutes; what one must know to read it."""
    host, encoding = ours.host.name, ours.encoding
    names = {"this": f"agent-scrape-{encoding}", "224": f"agent-scrape-224-{encoding}"}
    debian = "" if peer.name.split()[1] == node_exporter.NEWEST else "-debian"
    detail: dict[str, Any] = {
        "peer": peer.name,
        "python": platform.python_version(),
        "ten_minutes_ms": [round(side.ten_minutes_ms(), 2) for side in (ours, peer)],
        "minutes_ms": [[round(ms, 2) for ms in side.minutes_ms] for side in (ours, peer)],
        "warm_scrape_ms": [round(statistics.median(side.scrapes_ms), 3) for side in (ours, peer)],
        "warm_scrape_ratio": round(statistics.median(ours.scrapes_ms) / statistics.median(peer.scrapes_ms), 4),
        "answer_bytes": [len(side.scrape()) for side in (ours, peer)],
        "rss_kib": [side.target.memory_kib() for side in (ours, peer)],
    }
    figures = ours.ten_minutes_ms(), peer.ten_minutes_ms()
    return Measure(names[host] + debian, *figures, round(GOALS[host][encoding], 4), "ms/10min", detail)


def counted(host: Host, ours: Target, peer: Target, version: str) -> list[Measure]:
    """How many series each has, and how many of the peer's the agent lacks."""
    texts = ours.scrape(), peer.scrape()
    lacking = sorted(series(texts[1]) - series(texts[0]))
    detail = {"peer": version, "lacking": len(lacking), "such_as": [name.decode()[:100] for name in lacking[:3]]}
    return [
        Measure(f"agent-series-{host.name}", count(texts[0]), count(texts[1]), SERIES_GOAL, "", detail),
        Measure(f"agent-series-{host.name}-summary", summary_series(host), SUMMARY_SERIES, 1, "", {}, "limit"),
    ]


def run() -> list[Measure]:
    """Five minutes, then batches."""
    peers = node_exporter.programs()
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        hosts = [Host("this"), Host("224", Path(folder))]
        sides = started(stack, hosts, peers)
        batch(sides)  # what is built at the first scrapes
        for side in sides:
            side.scrapes_ms.clear()
        for _ in range(MINUTES):
            for side, cost in zip(sides, measured(sides, lambda: minute(hosts, sides)), strict=True):
                side.minutes_ms.append(cost)
        for _ in range(ROUNDS):
            batch(sides)
        by_key = {(side.host.name, side.encoding, side.name): side for side in sides}
        measures = [
            compared(by_key[host.name, encoding, OURS], by_key[host.name, encoding, peer])
            for host in hosts
            for encoding in ENCODINGS
            for peer in peers
        ]
        for host in hosts[1:]:
            for version in list(peers)[:1]:
                ours, peer = (by_key[host.name, "identity", name].target for name in (OURS, version))
                measures += counted(host, ours, peer, version)
    return measures
