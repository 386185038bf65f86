"""A real collector before a real Elasticsearch, both killed, stopped and held up while senders send."""

import contextlib
import http.client
import json
import sys
import threading
import urllib.parse
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.collector.logs.elasticsearch.conftest import Real
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


class Sender:
    """Sends small batches one after the other, each until it is acknowledged."""

    def __init__(self, number: int, url: str) -> None:
        self.acknowledged: list[str] = []
        self.refusals: Counter[int] = Counter()
        self._number = number
        self._address = urllib.parse.urlsplit(url)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def finish(self) -> None:
        self._stop.set()
        self._thread.join(60)
        assert not self._thread.is_alive()

    def _run(self) -> None:
        turn = 0
        while not self._stop.is_set():
            turn += 1
            names = [f"{self._number}-{turn}-{row}" for row in range(20)]
            rows = [{"message": name, "event.id": name, "event.dataset": "outage"} for name in names]
            body = "\n".join(map(json.dumps, rows)).encode()
            while not self._sent(body):
                self._stop.wait(0.05)
            self.acknowledged += names
            self._stop.wait(0.02)

    def _sent(self, body: bytes) -> bool:
        connection = http.client.HTTPConnection(self._address.hostname or "", self._address.port, timeout=20)
        try:
            connection.request("POST", "/v1/logs", body)
            answer = connection.getresponse()
            told = json.loads(answer.read())
        except (OSError, http.client.HTTPException, ValueError):
            self.refusals[0] += 1
            return False
        finally:
            connection.close()
        if answer.status == 200:
            assert told["accepted"] + told["duplicate"] == 20
            return True
        assert answer.status == 503
        assert answer.headers["Retry-After"] == "5"
        self.refusals[503] += 1
        return False


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
