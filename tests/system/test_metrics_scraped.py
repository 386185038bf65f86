"""A real Prometheus scrapes a real collector in each form: what it stores is what was acknowledged."""

import json
import subprocess
import urllib.request
from datetime import UTC, datetime, timedelta

import pytest

from tests.servers.cache import have
from tests.servers.process import free_port, until
from tests.servers.prometheus import NATIVE_HISTOGRAMS, binary, prometheus, query
from tests.system.beside import collector
from tocsin_schema.negotiation import OPENMETRICS, PROTOBUF

pytestmark = [pytest.mark.system, pytest.mark.timeout(180)]
CONFIG = """
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
  - job_name: collector
    static_configs: [{{targets: ['{target}']}}]
"""
LATENCIES_S = [0.001, 0.004, 0.1, 0.1, 0.12, 2.0, 9.0]
START = datetime(2026, 3, 2, tzinfo=UTC)
HOSTILE = 'a "b" \\ c % é}'


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """A collector that has seen a model with latencies, under a name that is hard to write."""
    folder = tmp_path_factory.mktemp("scraped")
    with collector(folder, free_port(), windows__length_s=3_600, windows__lateness_s=0) as found:
        events = [
            {"type": "prediction", "project": "shop", "model": HOSTILE, "version": "3", "id": f"e{number}"}
            | {"time": (START + timedelta(hours=number)).isoformat(), "prediction": "yes", "latency_s": seconds}
            for number, seconds in enumerate(LATENCIES_S)
        ]
        answer = found.send("POST", "/v1/events", json.dumps(events).encode())
        assert answer["accepted"] == len(events), answer
        yield found


def test_promtool_finds_no_fault_in_the_text(told):
    text = told.get("/metrics")
    done = subprocess.run(
        [have(lambda: binary("promtool")), "check", "metrics"], input=text, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(("kind", "flags"), [(OPENMETRICS, []), (PROTOBUF, [NATIVE_HISTOGRAMS])])
def test_prometheus_stores_every_series(told, tmp_path, kind, flags):
    have(binary)
    config = CONFIG.format(target=told.url.removeprefix("http://"))
    with prometheus(str(tmp_path), config, flags=flags) as server:
        until(lambda: query(server, "up == 1"), "the collector is scraped")
        (found,) = until(lambda: query(server, 'tocsin_predictions_total{project="shop"}'), "its series are stored")
        assert (found["metric"]["model"], found["value"][1]) == (HOSTILE, str(len(LATENCIES_S)))
        families = {line.split()[2] for line in told.get("/metrics").splitlines() if line.startswith("# TYPE ")}
        histogram = "tocsin_prediction_latency_seconds"
        stored = families - {histogram} | ({histogram} if kind == PROTOBUF else {f"{histogram}_bucket"})
        until(
            lambda: stored <= {one["metric"]["__name__"] for one in query(server, '{job="collector"}')},
            "every family is stored",
        )
        median = f"histogram_quantile(0.5, {histogram})" if kind == PROTOBUF else f"{histogram}_count"
        (found,) = query(server, median)
        expected = pytest.approx(0.1, rel=0.022) if kind == PROTOBUF else len(LATENCIES_S)
        assert float(found["value"][1]) == expected
        with urllib.request.urlopen(f"{server.url}/api/v1/metadata?metric={histogram}", timeout=10) as answer:
            (about,) = json.load(answer)["data"][histogram]
        assert (about["type"], about["unit"]) == ("histogram", "seconds" if kind == OPENMETRICS else "")
