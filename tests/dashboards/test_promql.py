"""Every query of every board parses, and its series have the labels that legends and columns show."""

import re

import pytest

from tests.dashboards.promql import WrongLabels, kept
from tocsin_dashboards.builder import build
from tocsin_dashboards.generate import found
from tocsin_dashboards.lint.layout import every_panel
from tocsin_schema.catalogue import catalogue

KNOWN = catalogue()
BOARDS = {name: build(board) for name, board in found().items()}
OWN = {"__rate_interval": "60s", "__range": "6h", "__range_s": "21600"}


def _filled(expr):
    return re.sub(r"\$(\w+)", lambda name: OWN.get(name[1], ".+"), expr)


def _shown(legend):
    return set(re.findall(r"\{\{(\w+)\}\}", legend))


def _queries(board):
    for panel in every_panel(board):
        for target in panel.get("targets", []):
            yield f"panel {panel['id']} {target['refId']}", target["expr"], target["legendFormat"]
    for mark in board["annotations"]["list"]:
        yield mark["name"], mark["expr"], mark["titleFormat"]


@pytest.mark.parametrize("name", sorted(BOARDS))
def test_every_query_parses_and_keeps_what_its_legend_shows(name):
    for where, expr, legend in _queries(BOARDS[name]):
        has = kept(_filled(expr), KNOWN)
        assert has is not None, f"{where}: {expr} is a number"
        assert _shown(legend) <= has, f"{where}: the legend shows {_shown(legend) - has}, {expr} keeps {has}"


@pytest.mark.parametrize("name", sorted(BOARDS))
def test_the_columns_of_a_table_share_their_rows(name):
    for panel in every_panel(BOARDS[name]):
        if panel["type"] == "table":
            rows = {frozenset(kept(_filled(target["expr"]), KNOWN)) for target in panel["targets"]}
            assert len(rows) == 1, f"panel {panel['id']}: {rows}"
            order = panel["transformations"][-1]["options"]["indexByName"]
            assert set(order) == set(*rows), f"panel {panel['id']} orders {order}"


@pytest.mark.parametrize("name", sorted(BOARDS))
def test_every_drill_takes_its_labels_from_the_series(name):
    for panel in every_panel(BOARDS[name]):
        for link in panel.get("fieldConfig", {}).get("defaults", {}).get("links", []):
            wanted = set(re.findall(r"\$\{__(?:field\.labels|data\.fields)\.(\w+)\}", link["url"]))
            for target in panel["targets"]:
                assert wanted <= kept(_filled(target["expr"]), KNOWN), f"panel {panel['id']}: {link['url']}"


@pytest.mark.parametrize("name", sorted(BOARDS))
def test_every_variable_asks_for_a_label_that_its_metric_has(name):
    for item in BOARDS[name]["templating"]["list"]:
        if item["type"] == "query":
            selector, label = re.fullmatch(r"label_values\((.*), (\w+)\)", item["query"]["query"]).groups()
            assert label in kept(_filled(selector), KNOWN)


@pytest.mark.parametrize(
    ("expr", "labels"),
    [
        ("up", {"job", "instance"}),
        ("sum(up)", set()),
        ("sum by (job) (up) / 2", {"job"}),
        ("max without (job) (up)", {"instance"}),
        ("rate(node_cpu_seconds_total[5m])", {"job", "instance", "cpu", "mode"}),
        (
            "histogram_quantile(0.9, sum by (model, le) (rate(tocsin_inference_request_duration_seconds_bucket[5m])))",
            {"model"},
        ),
        ("node_load1 / on (instance) sum by (instance) (node_cpu_online)", {"instance"}),
        ('label_replace(sum(up), "code", "none", "", "")', {"code"}),
        ("max_over_time(up[1h:5m])", {"job", "instance"}),
    ],
)
def test_the_labels_that_an_expression_keeps(expr, labels):
    assert kept(expr, KNOWN) == labels


@pytest.mark.parametrize(
    "expr",
    [
        "sum by (pod) (up)",
        "sum by (job) (sum by (instance) (up))",
        "node_load1 / on (cpu) node_cpu_online",
        "node_cpu_online / node_load1",
        "histogram_quantile(0.9, sum by (model) (rate(tocsin_inference_request_duration_seconds_bucket[5m])))",
        "node_nothing",
    ],
)
def test_labels_that_are_not_there_are_found(expr):
    with pytest.raises(WrongLabels):
        kept(expr, KNOWN)


def test_what_is_no_promql_is_found():
    with pytest.raises(ValueError, match="unclosed left parenthesis"):
        kept("sum(up", KNOWN)
