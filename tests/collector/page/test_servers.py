"""The servers on the page: what each does, why not, and where a number is looked at further."""

import html
import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import promql_parser
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.collector.page.test_pages import HOSTILE, checked, get
from tocsin_collector.notifications import InboxView
from tocsin_collector.page import links
from tocsin_collector.page.links import Links
from tocsin_collector.servers import ServerView
from tocsin_collector.verdict import ModelKey
from tocsin_schema.catalogue import catalogue


def test_each_server_is_told_with_its_reason(service: Any) -> None:
    text = html.unescape(get(service, "/").text)
    assert "1 of 3 answer" in text
    for said in (
        "no connection: Connection refused",
        "not asked yet",
        "scrapes the collector, 2 of 3 agents",
        "2.53.1",
    ):
        assert said in text
    assert re.search(r"does not answer since \d{4}-[\d: -]+ UTC, never did", text)


def test_without_servers_there_is_nothing_of_them(empty: Any) -> None:
    text = get(empty, "/").text
    assert "Servers" not in text
    assert "/graph?" not in text
    assert get(empty, "/v1/servers").json() == {"servers": [], "fault": ""}


def test_the_json_says_the_same(service: Any) -> None:
    first, second, third = get(service, "/v1/servers").json()["servers"]
    assert (first["server"], first["up"], first["version"], first["remarks"][0]["bad"]) == (
        "prometheus", True, "2.53.1", True,
    )  # fmt: skip
    assert (second["up"], second["fault"], second["last_answer"]) == (False, "no connection: Connection refused", None)
    assert (third["up"], third["since"]) == (None, None)


def test_a_targets_file_that_cannot_be_written_is_on_the_page(empty: Any) -> None:
    empty.servers_fault = "prometheus.targets_file /x: cannot be written: Read-only file system"
    assert "Read-only file system" in get(empty, "/").text
    assert get(empty, "/v1/servers").json()["fault"] == empty.servers_fault


@pytest.mark.parametrize("text", HOSTILE)
def test_what_a_server_says_stays_text(empty: Any, text: str) -> None:
    empty.servers = [ServerView("grafana", f"http://{text}", False, 1.0, 1.0, text, text)]
    checked(get(empty, "/").text)


@pytest.mark.parametrize(
    ("judge", "said"),
    [("collector", "This collector judges"), ("prometheus", "Prometheus judges"), ("grafana", "Grafana judges")],
)
def test_who_judges_is_told(empty: Any, judge: str, said: str) -> None:
    empty.alarms.judge = judge
    text = get(empty, "/alarms").text
    assert said in text
    assert get(empty, "/v1/alarms").json()["judge"] == judge
    assert ("Notifications that came" in text) == (judge != "collector")


def test_what_came_by_notification_is_told(empty: Any) -> None:
    empty.received = InboxView(3, 1, 2, 1_000_000.0, "Alertmanager", "the body is no JSON")
    text = html.unescape(get(empty, "/alarms").text)
    assert "3 told, 1 told before, 2 refused; the last from Alertmanager at 1970-01-12 13:46:40 UTC" in text
    assert "Last refused: <bdi>the body is no JSON</bdi>" in text


# --- where numbers lead -----------------------------------------------------------------------------------------------


def _expressions(text: str) -> list[str]:
    found = re.findall(r'href="http://prometheus.example:9090/graph\?([^"]*)"', text)
    return [parse_qs(html.unescape(each))["g0.expr"][0] for each in found]


@pytest.mark.parametrize(("path", "least"), [("/", 14), ("/models/demo/flights/2", 10)])
def test_key_numbers_lead_to_queries_of_metrics_that_are_there(service: Any, path: str, least: int) -> None:
    found = _expressions(get(service, path).text)
    assert len(found) >= least
    for expr in found:
        promql_parser.parse(expr)
        for name in re.findall(r"\b(?:node|tocsin)_\w+(?={)", expr):
            assert name in catalogue() or name.removesuffix("_bucket") in catalogue(), name


def test_models_and_hosts_lead_to_their_boards(service: Any) -> None:
    text = html.unescape(get(service, "/models/demo/flights/2").text)
    board = "https://grafana.example/ops/d/tocsin-model?var-project=demo&var-model=flights&var-version=2"
    for panel in ("", "&viewPanel=2", "&viewPanel=4", "&viewPanel=10"):
        assert f'href="{board}{panel}"' in text
    agent = service.fleet.agents()[0].address
    host = html.unescape(get(service, "/").text)
    assert parse_qs(urlsplit(re.findall(r'href="(https://grafana[^"]*)"', host)[0]).query) == {"var-instance": [agent]}


_NAMES = st.text(max_size=20) | st.sampled_from(HOSTILE)


@given(_NAMES, _NAMES, _NAMES)
def test_any_names_make_queries_that_parse(project: str, model: str, other: str) -> None:
    key = ModelKey(project, model, other)
    for expr in (
        links.requests_query(key), links.latency_query(key, 0.99), links.score_query(key, other),
        links.feature_query(key, other, missing=True), links.feature_query(key, other, missing=False),
        links.host_query("CPU", other), links.host_query("Fullest disk", model), links.host_query("Disk read", model),
        links.gpu_query("Power", model, other),
    ):  # fmt: skip
        promql_parser.parse(expr)
        address = Links("http://p", "http://g").query(expr)
        assert re.fullmatch(r"[!-~]+", address)
        told = parse_qs(urlsplit(address).query)["g0.expr"][0]
        assert told == expr.encode("utf-8", "replace").decode()
    board = Links("", "http://g").model(key, 2)
    assert re.fullmatch(r"[!-~]+", board)


def test_a_number_without_a_query_leads_nowhere() -> None:
    assert links.host_query("Something else", "a") == links.gpu_query("Something else", "a", "0") == ""
    assert Links("http://p").query("") == Links().query("up") == Links().board("tocsin-fleet") == ""
