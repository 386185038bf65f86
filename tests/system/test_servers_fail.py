"""Each server beside the collector stopped, restarted, hanging, answering 500: the collector goes on and says so, and
what was to be told is told once when it is back.

Each is away for as long as it takes to be noticed; ``minute`` has all of them away for a minute.
"""

import base64
import contextlib
import json
import re
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.collector.alarms.conftest import Http
from tests.servers import alertmanager, grafana, prometheus
from tests.servers.cache import have
from tests.servers.process import Server, free_port, until
from tests.system.beside import Beside, Collector, beside, collector
from tests.system.outage import FINE, WITHIN_S, HostAlarm, goes_on, says

pytestmark = [
    pytest.mark.system,
    pytest.mark.timeout(180),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # Apprise's, about itself (imghdr)
]


@pytest.fixture(scope="module")
def exporters() -> Iterator[list[Http]]:
    with contextlib.ExitStack() as running:
        made = [running.enter_context(contextlib.closing(Http())) for _ in range(5)]
        for each in made:
            each.exposition = FINE.encode()
        yield made


@pytest.fixture(scope="module")
def chain(exporters: list[Http], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Beside]:
    have(prometheus.binary)
    have(alertmanager.binary)
    folder = tmp_path_factory.mktemp("faults")
    with beside(folder, [f"http://{each.address}" for each in exporters]) as made:
        yield made
        # Whatever the faults were: each beginning and each end was told, and told once.
        told = [title.split(" over after")[0] for title in made.hook.titles()]
        assert sorted(told) == sorted(set(told))


def _away(found: Collector, name: str, take: Callable[[], None], bring_back: Callable[[], None], fault: str) -> None:
    take()
    try:
        says(found, name, up=False, fault=fault)
        goes_on(found)
    finally:
        bring_back()
    says(found, name, up=True)


# --- Prometheus -------------------------------------------------------------------------------------------------------


def test_prometheus_stopped_and_hanging(chain: Beside, exporters: list[Http]) -> None:
    """While it is away nobody judges for people; the collector's page and metrics do. It catches up by itself."""
    alarm, server = HostAlarm(chain.hook, exporters[0]), chain.prometheus
    _away(chain.collector, "prometheus", server.stop, server.start, "no connection: Connection refused")

    def hang() -> None:
        server.pause()
        alarm.begins()

    _away(chain.collector, "prometheus", hang, server.resume, "no whole answer within 4 s")
    alarm.is_told_once("CRITICAL")
    alarm.ends()
    alarm.is_told_once("RESOLVED")


# --- Alertmanager -----------------------------------------------------------------------------------------------------


def test_alertmanager_stopped_while_an_alarm_begins(chain: Beside, exporters: list[Http]) -> None:
    """Prometheus sends again what nobody took."""
    alarm, server = HostAlarm(chain.hook, exporters[1]), chain.alertmanager

    def stop() -> None:
        server.stop()
        alarm.begins()

    _away(chain.collector, "alertmanager", stop, server.start, "502")
    alarm.is_told_once("CRITICAL")
    before = _duplicates(chain.collector)
    server.kill()  # it forgets what it told, and tells it again
    server.start()
    until(lambda: _duplicates(chain.collector) > before, "Alertmanager tells again", WITHIN_S)
    alarm.ends()
    alarm.is_told_once("RESOLVED")
    assert len(alarm.told("CRITICAL")) == 1


def test_alertmanager_hanging_and_answering_500(chain: Beside, exporters: list[Http]) -> None:
    alarm, server = HostAlarm(chain.hook, exporters[2]), chain.alertmanager

    def hang() -> None:
        server.pause()
        alarm.begins()

    _away(chain.collector, "alertmanager", hang, server.resume, "no whole answer within 4 s")
    alarm.is_told_once("CRITICAL")

    def broken() -> None:
        chain.gate.broken = True
        alarm.ends()

    def mended() -> None:
        chain.gate.broken = False

    _away(chain.collector, "alertmanager", broken, mended, "answers with the status 500")
    alarm.is_told_once("RESOLVED")


def _duplicates(found: Collector) -> float:
    (line,) = re.findall(r'tocsin_notifications_received_total{outcome="duplicate"} (\S+)', found.get("/metrics"))
    return float(line)


# --- who is told ------------------------------------------------------------------------------------------------------


def test_a_webhook_that_answers_500_gets_its_messages_later_and_once(chain: Beside, exporters: list[Http]) -> None:
    alarm = HostAlarm(chain.hook, exporters[3])
    chain.hook.status = 500
    alarm.begins()
    try:
        until(lambda: chain.collector.json("/v1/alarms")["targets"][0]["waiting"], "the message waits", WITHIN_S)
        until(lambda: chain.collector.json("/v1/alarms")["targets"][0]["error"], "and why is said", WITHIN_S)
        assert "tocsin_notifications_waiting 1\n" in chain.collector.get("/metrics")
        goes_on(chain.collector)
    finally:
        chain.hook.status = 200
    alarm.is_told_once("CRITICAL")
    alarm.ends()
    alarm.is_told_once("RESOLVED")


def test_a_collector_that_dies_misses_no_notification_and_repeats_none(chain: Beside, exporters: list[Http]) -> None:
    """Alertmanager sends again what was not answered; what was answered is on disk."""
    alarm, server = HostAlarm(chain.hook, exporters[4]), chain.collector.server
    alarm.begins()
    alarm.is_told_once("CRITICAL")
    # Killed between the hook's answer and its note on disk it tells again, as it must: it cannot know of the answer.
    until(lambda: "tocsin_notifications_waiting 0\n" in chain.collector.get("/metrics"), "it is noted", WITHIN_S)
    server.kill()
    alarm.ends()
    until(lambda: "level=warn" in chain.alertmanager.said(), "Alertmanager has noticed", WITHIN_S)
    server.start()
    alarm.is_told_once("RESOLVED")
    assert len(alarm.told("CRITICAL")) == 1


# --- Grafana ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def board_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    have(grafana.home)
    with grafana.grafana(str(tmp_path_factory.mktemp("grafana"))) as server:
        yield server


@pytest.fixture
def beside_grafana(board_server: Server, tmp_path: Path) -> Iterator[tuple[Collector, Path, Http]]:
    """A collector whose Grafana judges, the file with its password, and who is told."""
    password, hooks = tmp_path / "password", tmp_path / "hooks"
    password.write_text(grafana.PASSWORD)
    with contextlib.closing(Http()) as hook:
        hooks.write_text(f"json://127.0.0.1:{hook.port}/\n")
        started = collector(
            tmp_path / "collector",
            free_port(),
            alerting__judge="grafana",
            alerting__targets_file=str(hooks),
            grafana__url=board_server.url,
            grafana__username=grafana.USER,
            grafana__password_file=str(password),
        )
        with started as found:
            yield found, password, hook


def test_grafana_stopped_hanging_and_with_a_wrong_password(
    beside_grafana: tuple[Collector, Path, Http], board_server: Server
) -> None:
    found, password, _ = beside_grafana
    says(found, "grafana", up=True)
    _away(found, "grafana", board_server.pause, board_server.resume, "no whole answer within 4 s")
    _away(found, "grafana", board_server.stop, lambda: board_server.start(90), "no connection: Connection refused")
    _away(
        found,
        "grafana",
        lambda: password.write_text("wrong") and None,
        lambda: password.write_text(grafana.PASSWORD) and None,
        "answers with the status 401 Unauthorized; look at grafana.password_file",
    )


def test_a_notification_of_the_real_grafana_is_told(
    beside_grafana: tuple[Collector, Path, Http], board_server: Server
) -> None:
    """Grafana's own test of a contact point sends what its rules would."""
    found, _, hook = beside_grafana
    receiver = {
        "name": "tocsin",
        "type": "webhook",
        "settings": {"url": found.url + "/v1/notifications", "httpMethod": "POST"},
        "disableResolveMessage": False,
    }
    labels = {"alertname": "HostDown", "instance": "http://a:10300", "job": "tocsin-agent", "severity": "critical"}
    document = {
        "alert": {"labels": labels, "annotations": {"summary": "agent http://a:10300 does not answer"}},
        "receivers": [{"name": "tocsin", "grafana_managed_receiver_configs": [receiver]}],
    }
    request = urllib.request.Request(
        board_server.url + "/api/alertmanager/grafana/config/api/v1/receivers/test",
        json.dumps(document).encode(),
        {"Content-Type": "application/json", "Authorization": _basic()},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        tested = json.load(answer)
    assert tested["receivers"][0]["grafana_managed_receiver_configs"][0]["status"] == "ok", tested
    until(hook.titles, "the message", WITHIN_S)
    assert hook.titles() == ["[CRITICAL] Host http://a:10300: agent http://a:10300 does not answer"]


def _basic() -> str:
    return "Basic " + base64.b64encode(f"{grafana.USER}:{grafana.PASSWORD}".encode()).decode()
