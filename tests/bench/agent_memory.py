"""The resident memory of the installed agent with the shipped configuration: host alone, GPUs too, with TLS and logs.

Then what it grows by: 20,000 scrapes, while 10,000 processes come and go and GPUs are lost and found 1,000 times.
"""

import http.client
import os
import platform
import ssl
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.agent.certificates import Authority
from tests.agent.gpu.conftest import Control
from tests.agent.sink import Sink
from tests.bench.fake_gpus import COUNT, fake_gpus
from tests.bench.installed import CONFIG, installed
from tests.bench.measure import Measure
from tests.bench.target import ENCODINGS, Target, running
from tests.servers import node_exporter

MIB = 1024
LIMITS_MIB = {"host": 13, "gpus": 19, "tls-logs": 25}
GROWTH_KIB = 128
WARM_UP, SETTLED = 300, 3_000
"""Scrapes before a size is taken, and before growth is: Python's heap has taken its shape by then."""
SCRAPES, BIRTHS, LOSSES = 20_000, 10_000, 1_000
LOST = 15
"""NVML_ERROR_GPU_IS_LOST."""
LINES = 2_000


def scraped(target: Target, times: int = WARM_UP) -> Target:
    """A target after so many scrapes in both encodings."""
    for number in range(times):
        target.scrape(list(ENCODINGS.values())[number % 2])
    return target


def rss_mib(target: Target) -> float:
    """Resident memory now."""
    return target.memory_kib() / MIB


@contextmanager
def with_tls_and_logs(agent: str, folder: Path) -> Iterator[Target]:
    """An agent that serves TLS and ships a file of log lines to a collector."""
    authority = Authority(str(folder / "pki"))
    authority.sign("server")
    (folder / "web.yml").write_text(
        f"tls_server_config:\n  cert_file: {authority.path('server.pem')}\n  key_file: {authority.path('server.key')}\n"
    )
    (folder / "app.log").write_text("".join(f"2026-11-23T10:00:00Z INFO line {number}\n" for number in range(LINES)))
    sink = Sink()
    shipped = CONFIG.read_text().replace("http://127.0.0.1:10301", sink.url).replace("[]", f'["{folder}/*.log"]')
    config = folder / "agent.toml"
    config.write_text(f'web_config_file = "{folder}/web.yml"\nstate_dir = "{folder}/state"\n{shipped}')
    try:
        with running([agent, "run", "--config", str(config), "--listen", "{}"], connect=_trusting(authority)) as target:
            until = time.monotonic() + 60
            while len(sink.records) < LINES and time.monotonic() < until:
                time.sleep(0.1)
            assert len(sink.records) == LINES
            yield target
    finally:
        sink.close()


def _trusting(authority: Authority):
    context = ssl.create_default_context(cafile=authority.path("ca.pem"))
    return lambda port: http.client.HTTPSConnection("127.0.0.1", port, timeout=20, context=context)


def half_a_life(target: Target, control: Control) -> None:
    """Half of those scrapes, births and losses."""
    turns = -(-LOSSES // (2 * COUNT))
    for ret in (LOST, 0) * turns:
        for gpu in range(COUNT):
            control.set(gpu, ret=ret)
        scraped(target, SCRAPES // 4 // turns)
        for _ in range(BIRTHS // 4 // turns):
            os.waitpid(os.posix_spawn("/bin/true", ["true"], {}), 0)


def run() -> list[Measure]:
    """One agent after the other, then the hard life of the one with GPUs."""
    found: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        commands = stack.enter_context(installed(folder / "agent"))
        agent = os.fspath(commands / "tocsin-agent")
        command = [agent, "run", "--config", str(CONFIG), "--listen", "{}"]
        with running(command) as target:
            found["host"] = rss_mib(scraped(target))
        with with_tls_and_logs(agent, folder) as target:
            found["tls-logs"] = rss_mib(scraped(target))
        ((version, program), *_) = node_exporter.programs().items()
        with running([program, *node_exporter.FLAGS, "--web.listen-address={}"]) as target:
            peer = rss_mib(scraped(target))
        control, environ = stack.enter_context(fake_gpus(folder))
        config = folder / "often.toml"
        with running(command, environ) as target:
            time.sleep(10)
            found["gpus"] = rss_mib(scraped(target))
        config.write_text(CONFIG.read_text() + "[gpu]\ninterval_s = 0.1\n")
        with running([agent, "run", "--config", str(config), "--listen", "{}"], environ) as target:
            scraped(target, SETTLED)
            before = target.memory_kib()
            half_a_life(target, control)
            half = target.memory_kib()
            half_a_life(target, control)
            after = target.memory_kib()
    about = {"python": platform.python_version(), version: round(peer, 1)}
    life = {"before": SETTLED, "before_kib": before, "scrapes": SCRAPES, "births": BIRTHS, "losses": LOSSES}
    life["second_half_kib"] = after - half
    return [
        *[
            Measure(f"agent-rss-{name}", found[name], limit, 1, "MiB", about, "limit")
            for name, limit in LIMITS_MIB.items()
        ],
        Measure("agent-rss-growth", after - before, GROWTH_KIB, 1, "KiB", about | life, "limit"),
    ]
