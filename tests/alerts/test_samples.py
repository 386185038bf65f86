"""The sample configurations of Prometheus and Alertmanager, by their own tools and in a real Alertmanager."""

import json
import re
import shlex
import shutil
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.alerts.stories.telling import AGENT, COLLECTOR, MODEL
from tests.servers.alertmanager import alertmanager
from tests.servers.alertmanager import binary as of_alertmanager
from tests.servers.cache import have
from tests.servers.process import Server, until
from tests.servers.prometheus import binary as of_prometheus
from tocsin_alerts import alerts, rules
from tocsin_alerts.recording import RECORDS

DEPLOY = Path(__file__).parents[2] / "deploy"
ROUTES = DEPLOY / "alertmanager/alertmanager.yml"
CONFIG = yaml.safe_load(ROUTES.read_text(encoding="utf-8"))
Alarm = tuple[str, dict[str, str]]
"""Name and labels."""

DISK = {"mountpoint": "/", "device": "/dev/sda1", **AGENT}
OTHER_HOST = {**AGENT, "instance": "http://b:10300"}
OF_MODEL = {**MODEL, **COLLECTOR}
DOWN, LOW = ("HostDown", AGENT), ("HostMemoryLow", AGENT)


def _away(server: str) -> Alarm:
    return "ServerDown", {"server": server, **COLLECTOR}


def _done(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


# --- Prometheus -------------------------------------------------------------------------------------------------------


def test_prometheus_takes_its_configuration_and_finds_rules_and_targets(tmp_path: Path) -> None:
    for name, text in rules().items():
        (tmp_path / name).write_text(text)
    (tmp_path / "targets.json").write_text('[{"targets": ["127.0.0.1:1"], "labels": {"job": "tocsin-agent"}}]')
    config = (DEPLOY / "prometheus/prometheus.yml").read_text(encoding="utf-8")
    here = config.replace("/provision/rules", str(tmp_path)).replace("/provision/targets", str(tmp_path))
    (tmp_path / "prometheus.yml").write_text(here)
    said = _done(have(lambda: of_prometheus("promtool")), "check", "config", str(tmp_path / "prometheus.yml"))
    assert sum(map(int, re.findall(r"(\d+) rules found", said))) == len(alerts()) + len(RECORDS)


def test_a_job_is_what_the_collectors_file_says() -> None:
    config = yaml.safe_load((DEPLOY / "prometheus/prometheus.yml").read_text(encoding="utf-8"))
    (scrape,) = config["scrape_configs"]
    assert set(scrape) == {"job_name", "file_sd_configs"}, "a relabelling or a path would overrule the file"


def test_the_how_to_turns_the_samples_into_those_of_one_host(tmp_path: Path) -> None:
    """Its own commands, with another place to write to."""
    guide = (DEPLOY.parent / "docs/how-to/prometheus-alertmanager.md").read_text(encoding="utf-8")
    commands = re.findall(r"^(sed .*?) \| sudo tee /etc/prometheus/(\S+)$", guide, re.MULTILINE)
    assert [name for _, name in commands] == ["prometheus.yml", "alertmanager.yml"]
    for command, name in commands:
        written = subprocess.run(shlex.split(command), cwd=DEPLOY.parent, capture_output=True, check=True).stdout
        (tmp_path / name).write_bytes(written)
    _done(have(lambda: of_prometheus("promtool")), "check", "config", str(tmp_path / "prometheus.yml"))
    _done(have(lambda: of_alertmanager("amtool")), "check-config", str(tmp_path / "alertmanager.yml"))
    hosts = re.findall(r"(?:://|targets: \[\")([\w.]+):\d+", "".join(path.read_text() for path in tmp_path.iterdir()))
    assert hosts == ["127.0.0.1", "127.0.0.1"]


# --- Alertmanager: routes ---------------------------------------------------------------------------------------------


def test_alertmanager_takes_its_configuration() -> None:
    _done(have(lambda: of_alertmanager("amtool")), "check-config", str(ROUTES))


@pytest.mark.parametrize("name", list(alerts()))
def test_every_alert_goes_through_the_collector_but_the_one_about_itself(name: str) -> None:
    receiver = "past-the-collector" if name == "CollectorDown" else "collector"
    labels = [f"alertname={name}", f"severity={alerts()[name].severity}", "instance=a"]
    amtool = have(lambda: of_alertmanager("amtool"))
    _done(amtool, "config", "routes", "test", f"--config.file={ROUTES}", f"--verify.receivers={receiver}", *labels)


def test_what_goes_past_the_collector_does_not_call_it() -> None:
    past, through = (
        next(r for r in CONFIG["receivers"] if r["name"] == n) for n in ("past-the-collector", "collector")
    )
    assert "webhook_configs" not in past
    assert [hook["url"].rpartition("/v1/")[2] for hook in through["webhook_configs"]] == ["notifications"]
    assert all(each["send_resolved"] for kind in ("email_configs", "webhook_configs") for r in (past, through)
               for each in r.get(kind, []))  # fmt: skip


def test_the_graver_is_repeated_sooner_and_no_reminder_passes_for_a_retry() -> None:
    hours = [
        int(CONFIG["route"]["repeat_interval"][:-1]),
        *(int(r["repeat_interval"][:-1]) for r in CONFIG["route"]["routes"]),
    ]
    everything, collector, critical = hours
    assert 1 <= collector <= critical < everything
    # The collector takes what comes again within half an hour for a retry.
    assert CONFIG["route"]["group_interval"] == "1m"


def test_alerts_of_one_model_come_in_one_group_and_hosts_apart() -> None:
    assert set(CONFIG["route"]["group_by"]) == {*MODEL, "instance"}


# --- Alertmanager: what holds back what -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    have(of_alertmanager)
    # The grouping waits, so that nothing is sent to anybody.
    config = ROUTES.read_text(encoding="utf-8").replace("group_wait: 10s", "group_wait: 1h")
    folder = tmp_path_factory.mktemp("alertmanager")
    with alertmanager(str(folder), config) as running:
        yield running
    shutil.rmtree(folder)


def _held_back(server: Server, *told: Alarm) -> set[str]:
    """The names of those that another one holds back, in a round that begins and ends with this call."""
    here = f"round {time.monotonic_ns()}"
    # They are judged in the order of their coming: once the last one is, all are.
    last: list[Alarm] = [("HostDown", {"instance": here}), ("GpuLost", {"instance": here})]
    posted = [
        {"labels": {"alertname": name, "severity": alerts()[name].severity, "round": here, **labels}}
        for name, labels in [*told, *last]
    ]
    _ask(server, "/api/v2/alerts", posted)

    this_round = urllib.parse.quote(f'round="{here}"')

    def found() -> list[dict[str, Any]]:
        path = f"/api/v2/alerts?filter={this_round}"
        return [each for each in _ask(server, path) if each["status"]["inhibitedBy"]]

    until(lambda: any(each["labels"]["instance"] == here for each in found()), "the last one is held back", 10)
    held = {each["labels"]["alertname"] for each in found() if each["labels"].get("instance") != here}
    past = {"startsAt": "2026-01-01T00:00:00Z", "endsAt": "2026-01-01T00:01:00Z"}
    _ask(server, "/api/v2/alerts", [each | past for each in posted])
    return held


def _ask(server: Server, path: str, body: object = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(server.url + path, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        said = answer.read()
    return json.loads(said) if said else None


@pytest.mark.system
@pytest.mark.parametrize(
    ("told", "held_back"),
    [
        ([DOWN, LOW, ("GpuLost", {"gpu": "0", **AGENT})], {"HostMemoryLow", "GpuLost"}),
        ([DOWN, ("HostMemoryLow", OTHER_HOST)], set()),
        ([DOWN, ("HostDown", OTHER_HOST)], set()),
        ([DOWN, ("ServingErrorRatioHigh", MODEL)], set()),
        ([("HostDiskSpaceLow", DISK), ("HostDiskWillFill", DISK)], {"HostDiskWillFill"}),
        ([("HostDiskSpaceLow", DISK), ("HostDiskWillFill", {**DISK, "mountpoint": "/data"})], set()),
        ([LOW, ("EventsDropped", {"reason": "full", **AGENT})], set()),
        ([("ModelQualityDrop", OF_MODEL), ("FeatureDrift", {**OF_MODEL, "feature": "age"})], set()),
        ([_away("elasticsearch"), ("LogStoreFailing", COLLECTOR)], {"LogStoreFailing"}),
        ([_away("grafana"), ("LogStoreFailing", COLLECTOR)], set()),
        ([("CollectorDown", COLLECTOR), _away("grafana")], set()),
    ],
    ids=lambda told: " ".join(name for name, _ in told) if isinstance(told, list) else "",
)  # fmt: skip
def test_what_goes_without_saying_is_held_back(server: Server, told: list[Alarm], held_back: set[str]) -> None:
    assert _held_back(server, *told) == held_back
