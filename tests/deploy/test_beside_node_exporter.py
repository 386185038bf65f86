"""The how-to beside-node-exporter, with the real Prometheus and node_exporter: sums doubled, and not."""

import contextlib
import json
import urllib.parse
import urllib.request
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.agent.agent_process import Agent
from tests.deploy.manuals import blocks
from tests.servers import node_exporter, prometheus
from tests.servers.cache import have
from tests.servers.process import Server, free_port, serving, until

pytestmark = [pytest.mark.system, pytest.mark.timeout(120)]
MANUAL = "beside-node-exporter"
SUMS = (
    "sum(node_memory_MemTotal_bytes)",
    "count(node_uname_info)",
    'count(node_cpu_seconds_total{mode="idle"})',
    'count(node_network_receive_bytes_total{device!="lo"})',  # Debian's build leaves it out
    "count(node_boot_time_seconds)",
    "count(node_load1)",
)


def hostport(url: str) -> str:
    return urllib.parse.urlsplit(url).netloc


def scraped(**targets: str) -> dict[str, Any]:
    """A configuration with one job a target."""
    jobs = [{"job_name": name, "static_configs": [{"targets": [target]}]} for name, target in targets.items()]
    return {"scrape_configs": jobs}


def from_manual(number: int, ports: dict[str, str]) -> dict[str, Any]:
    """A configuration of the how-to with the ports of this test."""
    text = blocks(MANUAL, "yaml")[number]
    for told, port in ports.items():
        text = text.replace(told, port)
    return yaml.safe_load(text)


class Ask:
    """Queries of one Prometheus."""

    def __init__(self, url: str) -> None:
        self._url = url

    def __call__(self, query: str) -> list[dict[str, Any]]:
        url = f"{self._url}/api/v1/query?{urllib.parse.urlencode({'query': query})}"
        with urllib.request.urlopen(url, timeout=10) as answer:
            return json.load(answer)["data"]["result"]

    def sums(self) -> dict[str, float]:
        found = {query: self(query) for query in SUMS}
        return {query: float(result[0]["value"][1]) if result else 0.0 for query, result in found.items()}

    def names(self, job: str) -> set[str]:
        return {row["metric"]["__name__"] for row in self(f'{{job="{job}"}}')}


class World:
    """One host with node_exporter and two agents, one of them without host sources, and a Prometheus a situation.

    They run side by side: a Prometheus waits five seconds before its first scrape.
    """

    def __init__(self, folder: Path, running: contextlib.ExitStack) -> None:
        self._folder = folder
        self._running = running
        self.exporter = self._exporter()
        self.agent = self._agent("agent", "")
        self.quiet = self._agent("quiet", blocks(MANUAL, "toml")[0])
        exporter, agent, quiet = (hostport(one.url) for one in (self.exporter, self.agent, self.quiet))
        whole = {"127.0.0.1:9100": exporter, "127.0.0.1:10300": agent}
        ports = {f":{told}": f":{at.rpartition(':')[2]}" for told, at in ((10300, agent), (9100, exporter))}
        situations = {
            "before": scraped(node=exporter),
            "doubled": scraped(node=exporter, **{"tocsin-agent": agent}),
            "dropped": from_manual(0, whole),
            "off": scraped(node=exporter, **{"tocsin-agent": quiet}),
            "instead": from_manual(1, ports),
        }
        self.ask = {name: self._prometheus(name, what) for name, what in situations.items()}
        for name, what in situations.items():
            jobs = len(what["scrape_configs"])
            until(partial(self._settled, name, jobs), f"{jobs} jobs of {name} are scraped", 30)

    def _settled(self, name: str, jobs: int) -> bool:
        return len(self.ask[name]("count_over_time(up[1m]) >= 2 and up == 1")) == jobs

    def _exporter(self) -> Server:
        address = f"127.0.0.1:{free_port()}"
        command = [have(node_exporter.binary), f"--web.listen-address={address}", "--log.level=error"]
        return self._running.enter_context(serving(command, f"http://{address}", ready="/metrics", log="/dev/null"))

    def _agent(self, name: str, text: str) -> Agent:
        config = self._folder / f"{name}.toml"
        config.write_text(text)
        return self._running.enter_context(Agent(config))

    def _prometheus(self, name: str, configuration: dict[str, Any]) -> Ask:
        folder = self._folder / name
        folder.mkdir()
        text = yaml.safe_dump({"global": {"scrape_interval": "1s"}} | configuration)
        return Ask(self._running.enter_context(prometheus.prometheus(str(folder), text)).url)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    have(prometheus.binary)
    with contextlib.ExitStack() as running:
        yield World(tmp_path_factory.mktemp("beside"), running)


@pytest.fixture
def before(world: World) -> dict[str, float]:
    """What boards said when there was only node_exporter."""
    found = world.ask["before"].sums()
    assert all(found.values())
    return found


def test_both_scraped_whole_double_every_sum_unless_the_board_says_whose(world, before):
    ask = world.ask["doubled"]
    assert ask.sums() == {query: 2 * value for query, value in before.items()}
    (total,) = ask('sum(node_memory_MemTotal_bytes{job="node"})')
    assert float(total["value"][1]) == before["sum(node_memory_MemTotal_bytes)"]


def test_dropped_by_prometheus_sums_are_as_before(world, before):
    assert world.ask["dropped"].sums() == before
    kept = world.ask["dropped"].names("tocsin-agent")
    own = {"node_scrape_collector_duration_seconds", "node_scrape_collector_success"}
    assert {name for name in kept if name.startswith("node_")} == own
    assert "tocsin_agent_info" in kept
    assert "node_memory_MemTotal_bytes" in world.agent.metrics()  # tocsin's own page asks for it here


def test_with_its_host_sources_off_sums_are_as_before(world, before):
    assert world.ask["off"].sums() == before
    assert "tocsin_agent_info" in world.ask["off"].names("tocsin-agent")


def test_in_its_place_the_series_go_on_under_their_names(world, before):
    assert world.ask["instead"].sums() == before
    labels = [
        {frozenset(row["metric"].items()) for row in world.ask[name]("node_cpu_seconds_total or node_load1")}
        for name in ("before", "instead")
    ]
    assert labels[0] == labels[1]
