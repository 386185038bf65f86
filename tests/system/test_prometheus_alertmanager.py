"""From a fault to a message by way of the real Prometheus and Alertmanager: in seconds, and in the embedded alarms'
words."""

import asyncio
import contextlib
import re
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.agent.agent_process import Agent
from tests.collector.alarms.conftest import Clock, Http
from tests.servers import alertmanager, prometheus
from tests.servers.cache import have
from tests.servers.process import free_port, until
from tests.system.beside import PAGE, Beside, Collector, beside, collector
from tocsin_collector.alarms import Alarms
from tocsin_collector.fleet import Fleet

pytestmark = [
    pytest.mark.system,
    pytest.mark.timeout(180),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # Apprise's, about itself (imghdr)
]
WITHIN_S = 20
WINDOWS = {"windows__length_s": 3_600, "windows__lateness_s": 0, "drift__min_rows": 50}
START = datetime(2026, 3, 2, tzinfo=UTC)
FINE = (
    'node_uname_info{nodename="alpha"} 1\nnode_memory_MemTotal_bytes 17179869184\n'
    "node_memory_MemAvailable_bytes 8589934592\n"
)
LOW = FINE.replace("8589934592", "523456789")
DROPPED = 'tocsin_capture_rows_dropped_total{reason="spool_full"} 17\n'


@dataclass(frozen=True)
class Chain:
    """The chain through the real servers, a collector that judges by itself, and what both watch."""

    real: Beside
    embedded: Collector
    told: Http
    exporters: list[Http]
    agent: Agent
    folder: Path


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chain]:
    have(prometheus.binary)
    have(alertmanager.binary)
    folder = tmp_path_factory.mktemp("chain")
    config = folder / "agent.toml"
    config.write_text(f'state_dir = "{folder}/agent"\n')
    with contextlib.ExitStack() as running:
        exporters = [running.enter_context(contextlib.closing(Http())) for _ in range(2)]
        told = running.enter_context(contextlib.closing(Http()))
        for exporter in exporters:
            exporter.exposition = FINE.encode()
        agent = running.enter_context(Agent(config))
        agents = [*(f"http://{exporter.address}" for exporter in exporters), agent.url]
        (folder / "told").write_text(f"json://127.0.0.1:{told.port}/\n")
        real = running.enter_context(beside(folder, agents, **WINDOWS))
        embedded = running.enter_context(
            collector(
                folder / "embedded", free_port(), agents=agents, alerting__targets_file=str(folder / "told"), **WINDOWS
            )
        )
        # A counter that is there at the first scrape has not been born.
        until(lambda: 'tocsin_fleet_agents{state="up"} 3\n' in embedded.get("/metrics"), "its agents are scraped")
        yield Chain(real, embedded, told, exporters, agent, folder)
        # Whatever was told was told once, and by the judge alone.
        titles = [re.sub(r"over after.*", "", title) for title in real.hook.titles()]
        assert len(set(titles)) == len(titles)
        assert 'tocsin_notifications_received_total{outcome="refused"} 0\n' in real.collector.get("/metrics")


def _timeless(message: dict[str, str]) -> tuple[str, str]:
    """Title and body without what a clock says."""
    text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", "TIME", message["message"])
    return re.sub(r"over after [\w ]+", "over after TIME", message["title"]), text


def _message(hook: Http, begins: str) -> dict[str, str]:
    """The one message whose title begins so, once it has come."""
    until(lambda: _about(hook, begins), f"{begins} in {hook.titles()}", WITHIN_S)
    (found,) = _about(hook, begins)
    return found


def _about(hook: Http, begins: str) -> list[dict[str, str]]:
    return [message for message in hook.posted if message["title"].startswith(begins)]


def _stepped(chain: Chain, address: str) -> list[dict[str, str]]:
    """What the embedded alarms tell of an agent when its state lasts: their own code, with a clock that is moved."""
    hook, clock = Http(), Clock()
    folder = chain.folder / f"stepped-{hook.port}"
    folder.mkdir()
    (folder / "targets").write_text(f"json://127.0.0.1:{hook.port}/\n")
    fleet = Fleet([address], clock=clock, interval_s=2)
    alarms = Alarms(str(folder), fleet, targets_file=str(folder / "targets"), page_url=PAGE, clock=clock)
    alarms.start()
    try:
        for _ in range(2):
            clock.now += 1_000
            asyncio.run(fleet.scrape())
            alarms.evaluate()
        hook.wait(1)
    finally:
        alarms.stop()
        hook.close()
    return hook.posted


def _events(window: int, missing: float, rows: int = 120) -> bytes:
    lines = []
    for row in range(rows):
        age = "null" if row < missing * rows else str(20 + (7 * row) % 60)
        moment = START + timedelta(hours=window, seconds=25 * row)
        lines.append(
            f'{{"type":"prediction","project":"shop","model":"credit","version":"3","id":"{window}-{row}",'
            f'"time":"{moment:%Y-%m-%dT%H:%M:%SZ}","features":{{"age":{age},"wind":{row % 10}}},"prediction":"yes"}}'
        )
    return "\n".join(lines).encode()


def _reference() -> bytes:
    times = (START - timedelta(hours=12) + timedelta(seconds=25 * row) for row in range(1_600))
    rows = [f"{time:%Y-%m-%dT%H:%M:%SZ},{20 + (7 * row) % 60},{row % 10}" for row, time in enumerate(times)]
    return "\n".join(["time,feature.age,feature.wind", *rows, ""]).encode()


def _both(chain: Chain, window: int, missing: float) -> None:
    for each in (chain.real.collector, chain.embedded):
        answer = each.send("POST", "/v1/events", _events(window, missing), "application/x-ndjson")
        assert answer["accepted"] == 120


def test_prometheus_scrapes_what_the_collectors_file_says(chain: Chain) -> None:
    found = Collector(chain.real.prometheus).json("/api/v1/targets?state=active")["data"]["activeTargets"]
    agents = [f"http://{exporter.address}" for exporter in chain.exporters] + [chain.agent.url]
    own = chain.real.collector.url.removeprefix("http://")
    assert {each["labels"]["instance"]: each["labels"]["job"] for each in found} == {
        own: "tocsin-collector",
        **dict.fromkeys(agents, "tocsin-agent"),
    }
    assert {each["scrapeUrl"] for each in found} == {f"{agent}/metrics" for agent in [*agents, f"http://{own}"]}


def test_the_collector_says_that_it_is_not_the_judge_and_that_its_servers_answer(chain: Chain) -> None:
    assert chain.real.collector.json("/v1/alarms")["judge"] == "prometheus"
    text = chain.real.collector.get("/metrics")
    assert 'tocsin_server_up{server="prometheus"} 1\n' in text
    assert 'tocsin_server_up{server="alertmanager"} 1\n' in text


def test_the_how_to_has_configurations_that_the_servers_take(tmp_path: Path) -> None:
    guide = Path(__file__).parents[2] / "docs/how-to/prometheus-alertmanager.md"
    config, routes = re.findall(r"```yaml\n(.*?)```", guide.read_text(), re.DOTALL)
    (tmp_path / "prometheus.yml").write_text(config)
    (tmp_path / "alertmanager.yml").write_text(routes)
    for command in (
        [have(lambda: prometheus.binary("promtool")), "check", "config", "--syntax-only", "prometheus.yml"],
        [have(lambda: alertmanager.binary("amtool")), "check-config", "alertmanager.yml"],
    ):
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def test_an_alarm_of_a_model_comes_in_the_collectors_own_words_and_ends(chain: Chain) -> None:
    for each in (chain.real.collector, chain.embedded):
        each.send("PUT", "/v1/references/shop/credit?version=3", _reference(), "text/csv")
    for window, missing in ((0, 0.0), (1, 0.4)):
        _both(chain, window, missing)
    started = time.monotonic()
    _both(chain, 2, 0.0)  # the watermark passes the end of the bad window
    begun = _message(chain.real.hook, "[WARNING] Model credit")
    assert time.monotonic() - started < 15
    assert _timeless(begun) == _timeless(_message(chain.told, "[WARNING] Model credit"))
    assert "age" in begun["title"]
    assert "Window: 2026-03-02 01:00 to 2026-03-02 02:00 (event time)" in begun["message"]
    _both(chain, 3, 0.0)
    over = _message(chain.real.hook, "[RESOLVED] Model credit")
    assert _timeless(over) == _timeless(_message(chain.told, "[RESOLVED] Model credit"))


def test_an_alarm_with_a_value_comes_in_the_collectors_own_words(chain: Chain) -> None:
    """A counter of a fake exporter, judged at once by both."""
    exporter = chain.exporters[0]
    exporter.exposition = (FINE + DROPPED).encode()
    about = f"[WARNING] Host http://{exporter.address}: 17 events lost"
    assert _timeless(_message(chain.real.hook, about)) == _timeless(_message(chain.told, about))


def test_low_memory_comes_in_the_collectors_own_words_and_ends(chain: Chain) -> None:
    exporter = chain.exporters[1]
    exporter.exposition = LOW.encode()
    about = f"[CRITICAL] Host http://{exporter.address}: only 3.047 % of memory left"
    told = _stepped(chain, f"http://{exporter.address}")
    assert [_timeless(_message(chain.real.hook, about))] == [_timeless(each) for each in told]
    exporter.exposition = FINE.encode()
    over = f"[RESOLVED] Host http://{exporter.address}: HostMemoryLow over after"
    assert "Fired: " in _message(chain.real.hook, over)["message"]


def test_a_stopped_agent_is_told_in_the_collectors_own_words(chain: Chain) -> None:
    chain.agent.stop()
    down = _message(chain.real.hook, f"[CRITICAL] Host {chain.agent.url}: agent")
    assert [_timeless(down)] == [_timeless(each) for each in _stepped(chain, chain.agent.url)]
