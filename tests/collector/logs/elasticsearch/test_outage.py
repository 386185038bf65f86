"""A real collector before a real Elasticsearch, both killed, stopped and held up while senders send."""

import contextlib
import sys
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.collector.logs.elasticsearch.conftest import Real
from tests.collector.logs.elasticsearch.sender import Sender
from tests.servers.cache import have
from tests.servers.elasticsearch import elasticsearch, installed
from tests.servers.process import Server, free_port, serving, until

VERSION = "9.2.0"
LINES = 300
pytestmark = [pytest.mark.system, pytest.mark.timeout(240)]


@pytest.fixture
def real(tmp_path: Path) -> Iterator[Real]:
    """An Elasticsearch that a test may kill."""
    have(lambda: installed(VERSION))
    with elasticsearch(str(tmp_path), VERSION) as server:
        yield Real(server)


@pytest.fixture
def collector(real: Real, tmp_path: Path) -> Iterator[Server]:
    port = free_port()
    config = tmp_path / "collector.toml"
    config.write_text(
        f'listen = "127.0.0.1:{port}"\ndata_dir = "{tmp_path}/data"\nscrape_interval_s = 1\n'
        f'elasticsearch.urls = ["{real.server.url}"]\n'
    )
    command = [sys.executable, "-m", "tocsin_collector", "collector", "--config", str(config)]
    log = str(tmp_path / "collector.log")
    with serving(command, f"http://127.0.0.1:{port}", ready="/-/healthy", log=log) as server:
        yield server


def _get(url: str) -> str:
    """What a page says; it may not wait for a server that is away."""
    with urllib.request.urlopen(url, timeout=3) as answer:
        text: str = answer.read().decode()
        return text


def _more(senders: list[Sender], batches: int) -> Callable[[], bool]:
    """Whether each sender has had so many batches acknowledged from now on."""
    wanted = [len(sender.acknowledged) + 20 * batches for sender in senders]
    return lambda: all(len(sender.acknowledged) >= wanted_by for sender, wanted_by in zip(senders, wanted, strict=True))


def test_kills_and_outages_lose_nothing_and_double_nothing(real: Real, collector: Server, tmp_path: Path) -> None:
    """Senders over HTTP, and an agent that tails a file, while collector and Elasticsearch are killed."""
    with _tailing(collector.url, tmp_path) as (agent, file):
        senders = [Sender(number, collector.url) for number in range(3)]
        try:
            until(_more(senders, 3), "the first records are acknowledged", 60)
            for turn in range(2):
                collector.kill()
                _append(file, turn)
                collector.start()
                until(_more(senders, 2), "records are acknowledged by the collector's successor", 60)
            real.server.kill()
            _append(file, 2)
            until(lambda: 'server="elasticsearch"} 0' in _get(f"{collector.url}/metrics"), "the collector notices", 30)
            assert "cannot be searched now" in _get(f"{collector.url}/logs")
            until(lambda: "http_5xx" in _get(f"{agent}/metrics"), "the agent is asked to come back", 60)
            real.server.start()
            until(_more(senders, 2), "records are acknowledged after the server's death", 60)
        finally:
            for sender in senders:
                sender.finish()
        lines = {f"line {number}" for number in range(3 * LINES)}
        until(lambda: len(real.documents("tailed")) >= len(lines), "all lines are stored", 90, every_s=0.5)
    confirmed = [name for sender in senders for name in sender.acknowledged]
    assert Counter(hit["_source"]["message"] for hit in real.documents("outage")) == Counter(confirmed)
    assert Counter(hit["_source"]["message"] for hit in real.documents("tailed")) == Counter(lines)
    assert all(sender.refusals for sender in senders)
    assert len(confirmed) > 400


@contextlib.contextmanager
def _tailing(collector: str, folder: Path) -> Iterator[tuple[str, Path]]:
    """An agent that tails a file: its address, and the file."""
    file, config = folder / "app.log", folder / "agent.toml"
    address = f"127.0.0.1:{free_port()}"
    config.write_text(
        f'listen = "{address}"\nstate_dir = "{folder}/agent"\ncollector = "{collector}"\n'
        f'logs.files = ["{file}"]\nlogs.dataset = "tailed"\n'
    )
    command = [sys.executable, "-m", "tocsin_agent", "run", "--config", str(config)]
    with serving(command, f"http://{address}", ready="/-/healthy", log=str(folder / "agent.log")):
        yield f"http://{address}", file


def _append(file: Path, turn: int) -> None:
    with file.open("a") as more:
        more.writelines(f"line {number}\n" for number in range(turn * LINES, (turn + 1) * LINES))
