"""The planted server of 224 CPUs, which the benches measure."""

from pathlib import Path

import pytest

from tests.agent.conftest import configured
from tests.agent.sources import big_server
from tocsin_agent.parts import Parts
from tocsin_agent.scrape import Scrape

MOST_SERIES = 300
MOVES = ("cpu", "cpufreq", "diskstats", "hwmon", "meminfo", "netdev", "pressure", "schedstat", "softnet", "vmstat")


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("server")
    big_server.plant(root)
    return root


@pytest.fixture
def scrape(server):
    opened = []

    def take(profile: str) -> Scrape:
        values = configured(server) | {"profile": profile}
        opened.append(Parts())
        opened[-1].open_sources(values)
        readers = [(name, source.read) for name, source in opened[-1].sources.items()]
        return Scrape(readers, timed=profile == "full")

    yield take
    for parts in opened:
        parts.close()


def test_every_source_reads_it_and_most_of_them_see_it_move(scrape, server, series):
    taken = scrape("full")
    before = dict(zip(taken.names, taken.texts(), strict=False))
    success = {dict(labels)["collector"]: value for (name, labels), value in series(taken.texts()[-1]).items()
               if name == "node_scrape_collector_success"}  # fmt: skip
    assert set(success.values()) == {1}
    big_server.tick(server, 1)
    after = dict(zip(taken.names, taken.texts(), strict=False))
    assert {name for name in MOVES if before[name] == after[name]} == set()
    assert before["thermal_zone"] == after["thermal_zone"]


def test_the_summary_of_it_has_at_most_300_series(scrape, series):
    assert 200 < len(series(b"".join(scrape("summary").texts()))) <= MOST_SERIES


def test_the_same_turn_has_the_same_bytes(server):
    big_server.tick(server, 7)
    first = (server / "proc/stat").read_bytes()
    big_server.tick(server, 8)
    assert (server / "proc/stat").read_bytes() != first
    big_server.tick(server, 7)
    assert (server / "proc/stat").read_bytes() == first
