"""Queries go to Prometheus as Grafana sends them, and what it says against them is told."""

import pytest

from tests.dashboards.preview.double import prometheus, result
from tests.servers.process import free_port
from tocsin_dashboards.preview.ask import Prometheus, PrometheusError, Span, filled, legend

SPAN = Span(1_000, 4_600, 15)


def _panel(**target):
    return {"targets": [{"refId": "A", "legendFormat": "{{job}}", "expr": "up", **target}]}


def test_variables_are_filled_in():
    assert filled('up{job=~"$job"}[$__range]', {"job": ".+", "__range": "1h"}) == 'up{job=~".+"}[1h]'


def test_a_variable_without_a_value_is_told():
    with pytest.raises(PrometheusError, match=r"\$pod has no value"):
        filled('up{pod="$pod"}', {})


@pytest.mark.parametrize(
    ("length_s", "scrape_s", "rate", "step"),
    [(3_600, 15, "60s", 15), (600, 1, "4s", 3), (21_600, 15, "105s", 90), (120, 60, "240s", 60)],
)
def test_rates_span_four_scrapes_or_a_step_and_one(length_s, scrape_s, rate, step):
    span = Span(0, length_s, scrape_s)
    assert span.values()["__rate_interval"] == rate
    assert span.step_s == step
    assert span.values()["__range_s"] == str(length_s)


def test_a_chart_asks_for_the_range_and_a_stat_for_now():
    with prometheus(lambda *_: (200, result(({"job": "a"}, [[1_000, "1"]])))) as (url, asked):
        Prometheus(url).panel(_panel(), SPAN, {})
        Prometheus(url).panel(_panel(instant=True), SPAN, {})
    (over, query), (now, at) = asked
    assert (over, query["start"], query["end"], query["step"]) == ("/api/v1/query_range", "990.000", "4600.000", "15")
    assert (now, at["time"]) == ("/api/v1/query", "4600.000")


def test_a_series_has_its_name_and_its_points_without_gaps():
    points = [[1_000, "1"], [1_015, "NaN"], [1_030, "+Inf"]]
    with prometheus(lambda *_: (200, result(({"job": "a"}, points)))) as (url, _):
        (series,) = Prometheus(url).panel(_panel(), SPAN, {}).series
    assert series.name == "a"
    assert series.points == ((1_000.0, 1.0), (1_030.0, float("inf")))


def test_a_series_of_nothing_but_gaps_is_none():
    with prometheus(lambda *_: (200, result(({"job": "a"}, [[1_000, "NaN"]])))) as (url, _):
        assert Prometheus(url).panel(_panel(), SPAN, {}).series == []
        assert Prometheus(url).panel(_panel(instant=True), SPAN, {}).series == []


def test_what_prometheus_says_against_a_query_is_told_and_the_others_are_drawn():
    def answer(_, query):
        if query["query"] == "bad":
            return 400, {"status": "error", "error": "parse error: bad"}
        return 200, result(({}, [[1_000, "1"]]))

    panel = {"targets": [*_panel(expr="bad")["targets"], *_panel(refId="B", expr="good")["targets"]]}
    with prometheus(answer) as (url, _):
        found = Prometheus(url).panel(panel, SPAN, {})
    assert found.errors == ["A: parse error: bad"]
    assert [series.ref for series in found.series] == ["B"]


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (503, b"<html>", "HTTP 503"),
        (500, b"[1]", "HTTP 500"),
        (200, b"<html>", "Expecting value"),
        (200, b"{}", "not as Prometheus does"),
        (200, b"[]", "not as Prometheus does"),
    ],
)
def test_an_answer_that_is_none_is_told(status, body, said):
    with prometheus(lambda *_: (status, body)) as (url, _):
        (error,) = Prometheus(url).panel(_panel(), SPAN, {}).errors
    assert said in error


def test_a_prometheus_that_is_not_there_is_told():
    url = f"http://127.0.0.1:{free_port()}"
    (error,) = Prometheus(url).panel(_panel(), SPAN, {}).errors
    assert url in error


def test_a_legend_leaves_out_what_a_series_lacks():
    assert legend("{{model}} {{version}} p99", {"model": "flights"}) == "flights p99"
    assert legend("{{nothing}}", {}) == "value"
