"""The watch of the configured servers: each fault in one clear line, and none of them holds up another."""

import asyncio
import logging
import socket
import ssl
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import tocsin_alerts
from tests.collector.exposed import render
from tests.collector.servers.conftest import Clock, Double
from tocsin_collector.logs.contract import State
from tocsin_collector.servers import ServerView, Watch, Watched, configured
from tocsin_collector.servers.seen import Seen
from tocsin_schema.config import load
from tocsin_schema.settings.collector import COLLECTOR

Make = Callable[..., Double]
_RULES = [{"name": name, "health": "ok"} for name in tocsin_alerts.alerts()]


def _up(*states: tuple[str, str]) -> Any:
    return {"data": {"result": [{"metric": {"job": job}, "value": [1.0, value]} for job, value in states]}}


PROMETHEUS = {
    "/-/ready": b"Prometheus Server is Ready.\n",
    "/api/v1/status/buildinfo": {"status": "success", "data": {"version": "2.53.1"}},
    "/api/v1/query": _up(("tocsin-agent", "1"), ("tocsin-agent", "1"), ("tocsin-collector", "1")),
    "/api/v1/rules": {"data": {"groups": [{"rules": _RULES}]}},
    "/api/v1/alertmanagers": {"data": {"activeAlertmanagers": [{"url": "http://a"}]}},
}
ALERTMANAGER = {"/-/ready": b"OK", "/api/v2/status": {"versionInfo": {"version": "0.27.0"}}}
GRAFANA = {"/api/health": {"database": "ok", "version": "11.2.0"}, "/api/org": {"id": 1}}


WELL = State(up=True, last_success_s=1.0, error="")


def _watch(clock: Callable[[], float] = time.time, logs: State = WELL, **values: Any) -> Watch:
    settings = {name.replace("__", "."): value for name, value in values.items()}
    return Watch(configured(load(COLLECTOR, None, {}) | settings, lambda: logs), 1.0, clock)


def _look(watch: Watch) -> list[ServerView]:
    # In a thread: the browser tests of the same process keep a loop of their own in the main one.
    with ThreadPoolExecutor(1) as pool:
        pool.submit(lambda: asyncio.run(watch.look())).result()
    return watch.views()


def _one(**values: Any) -> ServerView:
    (view,) = _look(_watch(**values))
    return view


# --- well -------------------------------------------------------------------------------------------------------------


def test_servers_that_answer_are_up_with_their_version(double: Make) -> None:
    clock = Clock()
    urls = [double(each).url for each in (PROMETHEUS, ALERTMANAGER, GRAFANA)]
    watch = _watch(clock, prometheus__url=urls[0], alertmanager__url=urls[1] + "/", grafana__url=urls[2])
    assert [view.up for view in watch.views()] == [None, None, None]
    assert render(watch.samples()) == b"", "nothing is said before it is known"
    views = _look(watch)
    assert [(view.name, view.up, view.version, view.fault) for view in views] == [
        ("prometheus", True, "2.53.1", ""),
        ("alertmanager", True, "0.27.0", ""),
        ("grafana", True, "11.2.0", ""),
    ]
    assert [view.since_s for view in views] == [clock.now] * 3
    assert [remark.text for remark in views[0].remarks] == ["scrapes the collector, 2 of 2 agents"]
    assert 'tocsin_server_up{server="grafana"} 1\n' in render(watch.samples()).decode()


@pytest.mark.parametrize(
    ("state", "up", "said"),
    [
        (State(True, 1.0, "", "9.2.0"), True, []),
        (State(True, 1.0, "an index is read-only"), True, ["an index is read-only"]),
        (State(False, None, "no connection: Connection refused"), False, ["no connection: Connection refused"]),
    ],
)
def test_elasticsearch_is_as_its_store_says(state: State, up: bool, said: list[str]) -> None:
    view = _one(logs=state, elasticsearch__urls=["http://me:secret@es:9200", "http://es2:9200"])
    assert (view.name, view.url, view.up) == ("elasticsearch", "http://es:9200, http://es2:9200", up)
    assert [remark.text for remark in view.remarks] + [view.fault] * (not up) == said
    assert view.version == state.version


def test_nothing_is_watched_unless_it_is_configured() -> None:
    assert _look(_watch()) == []


def test_a_judging_prometheus_is_asked_for_rules_and_alertmanagers(double: Make) -> None:
    server = double(PROMETHEUS)
    view = _one(prometheus__url=server.url, alerting__judge="prometheus")
    count = len(_RULES)
    assert [(remark.text, remark.bad) for remark in view.remarks] == [
        ("scrapes the collector, 2 of 2 agents", False),
        (f"has {count} of our {count} alerts", False),
        ("hands alerts to 1 Alertmanager", False),
    ]
    server.answers["/api/v1/rules"] = {"data": {"groups": [{"rules": _RULES[1:]}, {"rules": [{"name": "Other"}]}]}}
    server.answers["/api/v1/alertmanagers"] = {"data": {"activeAlertmanagers": []}}
    bad = [remark.text for remark in _one(prometheus__url=server.url, alerting__judge="prometheus").remarks[1:]]
    assert bad == [
        f"has {count - 1} of our {count} alerts; load them with `tocsin provision apply`",
        "knows no Alertmanager: its alerts reach nobody",
    ]
    broken = [{**_RULES[0], "health": "err", "lastError": "many-to-many matching not allowed"}, *_RULES[1:]]
    server.answers["/api/v1/rules"] = {"data": {"groups": [{"rules": broken}]}}
    assert "fails: many-to-many" in _one(prometheus__url=server.url, alerting__judge="prometheus").remarks[1].text


@pytest.mark.parametrize(
    ("states", "said"),
    [
        ((), "scrapes neither collector nor agents; its file_sd_configs must name /etc/tocsin.json"),
        ((("tocsin-agent", "1"), ("tocsin-agent", "0")), "scrapes not the collector, 1 of 2 agents"),
        ((("tocsin-collector", "0"),), "scrapes not the collector (its scrape fails), 0 of 0 agents"),
    ],
)
def test_what_prometheus_does_not_scrape_is_said(double: Make, states: Any, said: str) -> None:
    server = double(PROMETHEUS | {"/api/v1/query": _up(*states)})
    view = _one(prometheus__url=server.url, prometheus__targets_file="/etc/tocsin.json")
    assert [(remark.text, remark.bad) for remark in view.remarks] == [(said, True)]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"status": "success"}, "scrapes neither"),
        ({"data": {"result": 5}}, "scrapes neither"),
        ({"data": {"result": [5, {"metric": 1, "value": 2}]}}, "scrapes not the collector"),
        ([], "scrapes neither"),
    ],
)
def test_an_answer_of_another_shape_trips_nobody_up(double: Make, answer: Any, said: str) -> None:
    view = _one(prometheus__url=double(PROMETHEUS | {"/api/v1/query": answer}).url)
    assert (view.up, view.remarks[0].text.startswith(said)) == (True, True)


# --- faults -----------------------------------------------------------------------------------------------------------


def test_who_does_not_listen_is_told_with_since_when(double: Make, caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    server = double(ALERTMANAGER)
    watch = _watch(clock, alertmanager__url=server.url)
    _look(watch)
    up_s = clock.now
    server.close()
    with caplog.at_level(logging.INFO):
        for _ in range(3):
            clock.now += 10
            (view,) = _look(watch)
    assert (view.up, view.fault) == (False, "no connection: Connection refused")
    assert (view.since_s, view.last_answer_s) == (up_s + 10, up_s)
    assert view.version == "0.27.0", "what it was is still known"
    text = render(watch.samples()).decode()
    assert 'tocsin_server_up{server="alertmanager"} 0\n' in text
    assert f'tocsin_server_last_answer_timestamp_seconds{{server="alertmanager"}} {up_s!r}\n' in text
    told = [record.message for record in caplog.records if "server_" in record.message]
    assert told == [f"server_unanswered server=alertmanager url={server.url} reason={view.fault}"], "once"


def test_a_500_is_told_and_over_when_it_is_over(double: Make) -> None:
    server = double(PROMETHEUS)
    watch = _watch(prometheus__url=server.url)
    server.status = 500
    assert _look(watch)[0].fault == "answers with the status 500 Internal Server Error"
    server.status = 200
    assert (_look(watch)[0].up, _look(watch)[0].fault) == (True, "")


def test_a_slow_server_holds_up_nobody_else(double: Make) -> None:
    slow, quick = double(PROMETHEUS), double(ALERTMANAGER)
    slow.delay_s = 60.0
    watch = _watch(prometheus__url=slow.url, alertmanager__url=quick.url)
    started = time.monotonic()
    first, second = _look(watch)
    assert time.monotonic() - started < 8
    assert (first.fault, second.up) == ("no whole answer within 4 s", True)


@pytest.mark.parametrize(
    ("name", "answers", "said"),
    [
        ("prometheus", GRAFANA, "answers, but is no Prometheus: answers with the status 404 Not Found"),
        (
            "prometheus",
            PROMETHEUS | {"/api/v1/status/buildinfo": b"<html>"},
            "answers, but is no Prometheus: answers /a",
        ),
        ("prometheus", PROMETHEUS | {"/api/v1/status/buildinfo": []}, "answers, but is no Prometheus: no data.version"),
        ("alertmanager", PROMETHEUS, "answers, but is no Alertmanager: answers with the status 404"),
        ("grafana", PROMETHEUS, "answers, but is no Grafana: answers with the status 404"),
        ("grafana", {"/api/health": {"database": "failing"}}, "its database is failing"),
    ],
)
def test_another_product_is_recognised(double: Make, name: str, answers: Any, said: str) -> None:
    view = _one(**{f"{name}__url": double(answers).url})
    assert (view.up, view.fault.startswith(said)) == (False, True), view.fault


@pytest.mark.parametrize(
    ("name", "answers", "said"),
    [
        (
            "prometheus",
            PROMETHEUS | {"/api/v1/status/buildinfo": {"data": {"version": "2.24.0"}}},
            "Prometheus 2.24.0 is too old: 2.42 or newer",
        ),
        (
            "alertmanager",
            ALERTMANAGER | {"/api/v2/status": {"versionInfo": {"version": "0.24.0"}}},
            "Alertmanager 0.24.0 is too old: 0.25 or newer",
        ),
        (
            "grafana",
            GRAFANA | {"/api/health": {"database": "ok", "version": "8.5.27"}},
            "Grafana 8.5.27 is too old: 9.2 or newer",
        ),
    ],
)
def test_an_old_version_is_named(double: Make, name: str, answers: Any, said: str) -> None:
    view = _one(**{f"{name}__url": double(answers).url})
    assert (view.up, view.remarks[0].text) == (True, said)
    assert view.remarks[0].bad


def test_what_speaks_no_http_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]

        def banner() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")
                connection.recv(1)

        with ThreadPoolExecutor(1) as pool:
            pool.submit(banner)
            view = _one(prometheus__url=f"http://127.0.0.1:{port}")
    assert view.fault == "answers, but not in HTTP: 'SSH-2.0-OpenSSH_9.2'"


def test_a_look_that_fails_by_our_own_fault_is_one_servers_line(caplog: pytest.LogCaptureFixture) -> None:
    async def broken() -> Seen:
        raise ZeroDivisionError

    async def well() -> Seen:
        return Seen("1")

    watch = Watch([Watched("prometheus", "u", broken), Watched("grafana", "v", well)], 1.0)
    assert [view.up for view in _look(watch)] == [False, True]
    assert watch.views()[0].fault == "answers what is not understood (ZeroDivisionError)"
    assert "server_look_failed server=prometheus" in caplog.text


# --- addresses, credentials, TLS --------------------------------------------------------------------------------------


@pytest.mark.parametrize("url", ["prometheus:9090:1", "ftp://x", "http://[bad", "http://host:port"])
def test_an_address_that_is_none_is_told(url: str) -> None:
    assert _one(prometheus__url=url).fault == "prometheus.url is no address: http://host:port expected"


def test_a_password_in_an_address_is_never_shown(double: Make) -> None:
    view = _one(prometheus__url=double(PROMETHEUS).url.replace("http://", "http://me:secret@"))
    assert (view.up, "secret" in repr(view)) == (True, False)


def test_credentials_are_sent_and_read_anew(double: Make, tmp_path: Path) -> None:
    server, token, password = double(PROMETHEUS | GRAFANA), tmp_path / "token", tmp_path / "password"
    token.write_text("one\n")
    password.write_text("pass word\n")
    watch = _watch(
        prometheus__url=server.url, prometheus__token_file=str(token),
        grafana__url=server.url, grafana__username="me", grafana__password_file=str(password),
    )  # fmt: skip
    assert [view.up for view in _look(watch)] == [True, True]
    token.write_text("two\n")
    _look(watch)
    sent = [headers.get("Authorization") for _, headers in server.asked]
    assert {"Bearer one", "Bearer two", "Basic bWU6cGFzcyB3b3Jk"} == set(sent)


def test_wrong_credentials_name_the_file_to_look_at(double: Make, tmp_path: Path) -> None:
    server, token = double(PROMETHEUS), tmp_path / "token"
    server.status = 401
    token.write_text("old\n")
    assert _one(prometheus__url=server.url, prometheus__token_file=str(token)).fault == (
        "answers with the status 401 Unauthorized; look at prometheus.token_file"
    )
    assert _one(prometheus__url=server.url).fault == (
        "answers with the status 401 Unauthorized; set prometheus.username and prometheus.password_file, or "
        "prometheus.token_file"
    )
    missing = str(tmp_path / "none")
    assert _one(prometheus__url=server.url, prometheus__token_file=missing).fault == (
        f"prometheus.token_file {missing}: cannot be read: No such file or directory"
    )
    token.write_text("two\nlines\n")
    assert (
        "one line with the secret expected" in _one(prometheus__url=server.url, prometheus__token_file=str(token)).fault
    )


def test_an_unknown_authority_is_told_and_a_known_one_is_trusted(
    double: Make, certificate: Path, tmp_path: Path
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    url = double(PROMETHEUS, context).url
    assert _one(prometheus__url=url).fault == "TLS failed: self-signed certificate; look at prometheus.ca_file"
    assert _one(prometheus__url=url, prometheus__ca_file=str(certificate)).up
    named = url.replace("127.0.0.1", "localhost")
    assert (
        "certificate is not valid for 'localhost'"
        in _one(prometheus__url=named, prometheus__ca_file=str(certificate)).fault
    )
    bad = tmp_path / "bad.pem"
    bad.write_text("nonsense")
    assert _one(prometheus__url=url, prometheus__ca_file=str(bad)).fault == (
        f"prometheus.ca_file {bad}: no PEM certificate in it"
    )
    assert "No such file" in _one(prometheus__url=url, prometheus__ca_file=str(tmp_path / "none")).fault
    assert _one(prometheus__url=double(PROMETHEUS).url.replace("http:", "https:")).fault.startswith("TLS failed")
    assert _one(prometheus__url=url.replace("https:", "http:")).up is False
