"""A real collector pushes to a real Prometheus that takes remote write: all arrives, whatever happens to it."""

import re

import pytest

from tests.servers.cache import have
from tests.servers.process import free_port, until
from tests.servers.prometheus import binary, prometheus, query
from tests.system.beside import Collector, collector

pytestmark = [pytest.mark.system, pytest.mark.timeout(180)]
RECEIVER = "--web.enable-remote-write-receiver"
SCRAPES = "count_over_time(tocsin_push_waiting_bytes[10m])"


@pytest.fixture
def receiver(tmp_path):
    have(binary)
    with prometheus(str(tmp_path), "scrape_configs: []\n", flags=[RECEIVER]) as server:
        yield server


def pushing(folder, receiver, **more):
    return collector(
        folder / "collector",
        free_port(),
        remote_write__url=f"{receiver.url}/api/v1/write",
        remote_write__interval_s=1,
        **more,
    )


def counted(found: Collector, outcome: str) -> float:
    return told(found, f'tocsin_push_samples_total{{to="remote_write",outcome="{outcome}"}}')


def told(found: Collector, series: str) -> float:
    (text,) = re.findall(rf"^{re.escape(series)} (\S+)$", found.get("/metrics"), re.MULTILINE)
    return float(text)


def value(receiver, text: str) -> float:
    found = query(receiver, text)
    return float(found[0]["value"][1]) if found else 0.0


def test_all_series_arrive_and_end_with_the_collector(tmp_path, receiver):
    with pushing(tmp_path, receiver) as found:
        until(lambda: value(receiver, SCRAPES) >= 3, "three pushes are stored")
        families = {line.split()[2] for line in found.get("/metrics").splitlines() if line.startswith("# TYPE ")}
        until(
            lambda: families <= {one["metric"]["__name__"] for one in query(receiver, '{job="tocsin-collector"}')},
            "every family is stored",
        )
        (one,) = query(receiver, "tocsin_fleet_series")
        assert one["metric"] == {
            "__name__": "tocsin_fleet_series",
            "job": "tocsin-collector",
            "instance": found.url.removeprefix("http://"),
        }
        assert counted(found, "refused") == counted(found, "dropped") == 0
        found.server.stop()
        until(lambda: not query(receiver, '{job="tocsin-collector"}'), "its series have ended", limit_s=10)


def test_a_receiver_of_version_1_gets_version_1(tmp_path, receiver):
    """Debian's Prometheus knows version 1.0 alone, does not look at the type, and says 204 to what it cannot read."""
    with pushing(tmp_path, receiver, remote_write__version="2.0") as found:
        until(lambda: value(receiver, SCRAPES) >= 2, "pushes are stored")
        assert counted(found, "refused") > 0


@pytest.mark.parametrize(("begin", "end"), [("pause", "resume"), ("kill", "start")])
def test_what_was_shown_while_the_receiver_was_away_arrives_late(tmp_path, receiver, begin, end):
    with pushing(tmp_path, receiver) as found:
        until(lambda: value(receiver, SCRAPES) >= 2, "pushes are stored")
        pushed = value(receiver, SCRAPES)
        getattr(receiver, begin)()
        first = until(lambda: _waiting(found), "requests wait")
        until(lambda: _waiting(found) > 2 * first, "more wait")
        assert found.slowest_s < 5, "it answers meanwhile"
        getattr(receiver, end)()
        until(lambda: not _waiting(found), "none wait", limit_s=90)
        until(lambda: value(receiver, SCRAPES) >= pushed + 3, "what waited is stored too")
        assert counted(found, "refused") == counted(found, "dropped") == 0


def _waiting(found: Collector) -> float:
    return told(found, 'tocsin_push_waiting_bytes{to="remote_write"}')
