"""A real Prometheus scrapes the agent in protobuf: what it stores is what the workers have counted."""

import subprocess

import pytest

from tests.agent.agent_process import Agent
from tests.servers import prometheus
from tests.servers.process import until
from tests.servers.prometheus import NATIVE_HISTOGRAMS, binary
from tocsin_agent.capture import Capture
from tocsin_schema.native import ZERO_S

pytestmark = pytest.mark.system

CONFIG = """
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
  - job_name: agent
    static_configs: [{{targets: ['{target}']}}]
"""
DURATIONS_S = [0.0, 0.0005, 0.001, 0.004, 0.1, 0.1, 0.12, 2.0, 9.0]


@pytest.fixture
def counted(tmp_path):
    capture = Capture(model="credit", version="3", runtime_dir=str(tmp_path / "run"), endpoint="")
    capture._series.done += [("/predict", 0, int(seconds * 1e9), int(seconds * 1e9)) for seconds in DURATIONS_S]
    capture._worker.start()
    assert capture.flush(5)
    yield capture
    capture.close()


@pytest.mark.timeout(180)
@pytest.mark.usefixtures("counted")
def test_prometheus_stores_native_histograms_and_every_series_of_the_text(tmp_path):
    (tmp_path / "agent.toml").write_text(f'runtime_dir = "{tmp_path / "run"}"\n')
    with Agent(tmp_path / "agent.toml") as agent:
        target = agent.url.removeprefix("http://")
        with prometheus.prometheus(str(tmp_path), CONFIG.format(target=target), flags=[NATIVE_HISTOGRAMS]) as server:

            def query(text: str) -> list[dict]:
                return prometheus.query(server, text)

            until(lambda: query("up == 1"), "the agent is scraped")
            name = "tocsin_inference_request_duration_seconds"
            (found,) = until(lambda: query(name), "a native histogram is stored")
            histogram = found["histogram"][1]
            assert found["metric"]["model"] == "credit"
            assert float(histogram["count"]) == len(DURATIONS_S)
            assert float(histogram["sum"]) == pytest.approx(sum(DURATIONS_S))
            buckets = [(float(low), float(high), float(count)) for _, low, high, count in histogram["buckets"]]
            for low, high, count in buckets:
                inside = [seconds for seconds in DURATIONS_S if low < seconds <= high or (low < 0 <= seconds <= high)]
                assert len(inside) == count
                assert low == -ZERO_S or high / low == pytest.approx(2 ** (1 / 32))
            (quantile,) = query(f"histogram_quantile(0.5, {name})")
            assert float(quantile["value"][1]) == pytest.approx(0.1, rel=0.022)
            text = {line.split()[2] for line in agent.metrics().splitlines() if line.startswith("# TYPE ")}
            until(
                lambda: text <= {one["metric"]["__name__"] for one in query('{job="agent"}')}, "every family is stored"
            )
        agent.stop()


def test_promtool_finds_no_fault_in_the_text(tmp_path):
    (tmp_path / "agent.toml").write_text("")
    with Agent(tmp_path / "agent.toml") as agent:
        text = agent.metrics()
        agent.stop()
    done = subprocess.run(
        [binary("promtool"), "check", "metrics"], input=text, capture_output=True, text=True, check=False
    )
    problems = [line for line in done.stderr.splitlines() if line.startswith("error")]
    assert (done.returncode in (0, 3), problems) == (True, []), done.stderr  # 3: lint of names that are node_exporter's
