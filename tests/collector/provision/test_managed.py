"""Prometheus' rules as rules of Grafana."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.collector.provision.shop import RULES
from tocsin_collector.provision import managed

ITEMS = managed.items(RULES, "http://page/v1/notifications")
RULE = {item.key: item.body for item in ITEMS if item.kind == managed.RULE}


def test_contact_point_comes_before_the_rules_and_the_route_after_them():
    assert [(item.kind, item.key) for item in ITEMS] == [
        ("contact point", "tocsin"),
        ("alert rule", "tocsin-HostDown"),
        ("alert rule", "tocsin-HostMemoryLow"),
        ("rule group", "tocsin-host"),
        ("route", "managed_by=tocsin"),
    ]
    assert ITEMS[0].body["settings"]["url"] == "http://page/v1/notifications"


def test_a_series_fires_by_being_there_whatever_its_value():
    query, condition = RULE["tocsin-HostDown"]["data"]
    assert query["model"]["expr"] == 'up{job="tocsin-agent"} == 0'
    assert query["model"]["instant"] is True
    assert condition["model"]["expression"] == "$A ** 0"
    assert RULE["tocsin-HostDown"]["condition"] == condition["refId"] == "B"
    assert RULE["tocsin-HostDown"]["noDataState"] == "OK"


def test_texts_say_the_value_of_the_query_and_the_panel_is_named():
    said = RULE["tocsin-HostDown"]["annotations"]
    assert said["summary"] == 'agent {{ $labels.instance }} is at {{ $values.A.Value | printf "%.4g" }}'
    assert (said["__dashboardUid__"], said["__panelId__"]) == ("tocsin-fleet", "1")
    assert "__panelId__" not in RULE["tocsin-HostMemoryLow"]["annotations"]


def test_labels_carry_what_the_route_looks_for():
    assert RULE["tocsin-HostDown"]["labels"] == {"severity": "critical", "managed_by": "tocsin"}
    assert managed.route()["object_matchers"] == [["managed_by", "=", "tocsin"]]


def test_what_only_records_stays_with_prometheus():
    assert not any("recording" in item.key for item in ITEMS)


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("0s", "0s"), ("90s", "1m30s"), ("60m", "1h"), ("24h", "1d"), ("1w", "1w"), ("14d", "2w"), ("36h", "36h"),
        ("1h30m", "1h30m"), ("500ms", "0s"),
    ],
)  # fmt: skip
def test_spans_are_written_as_grafana_gives_them_back(text, span):
    assert managed.span(text) == span


@given(st.integers(0, 10**7))
def test_a_span_keeps_its_length(seconds):
    assert managed.seconds(managed.span(f"{seconds}s")) == seconds


@given(st.from_regex(r"[A-Z][A-Za-z0-9]{1,80}", fullmatch=True))
def test_uids_fit_into_grafanas_forty_characters(name):
    assert len(managed.uid(name)) <= 40
    assert managed.uid(name) == managed.uid(name)


def test_long_names_that_differ_at_their_end_have_uids_that_differ():
    assert managed.uid("A" * 60 + "b") != managed.uid("A" * 60 + "c")
