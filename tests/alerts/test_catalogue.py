"""The catalogue of alerts: whole, consistent, and equal to what is committed."""

import pathlib
import re

import pytest
import yaml

import tocsin_alerts
from tocsin_alerts.alert import INCREASE, Alert, Comparison, Match, Term, duration, filled
from tocsin_alerts.catalogue import alerts, by_group, runbook
from tocsin_alerts.rules import PATH, generated, rules
from tocsin_schema.catalogue import catalogue

ROOT = pathlib.Path(__file__).parents[2]
ALL = list(alerts().values())
_KEYWORDS = {
    "and",
    "or",
    "unless",
    "on",
    "by",
    "sum",
    "max",
    "offset",
    "group_left",
    "rate",
    "increase",
    "predict_linear",
}


def _names(expr: str) -> set[str]:
    """The metric names of an expression: what is left without strings, label lists, durations and keywords."""
    bare = re.sub(r'"[^"]*"', "", expr)
    bare = re.sub(r"\{[^}]*\}|\[[^\]]*\]|\b(?:by|on) \([^)]*\)", " ", bare)
    bare = re.sub(r"offset \S+", " ", bare)
    return set(re.findall(r"[a-zA-Z_:][\w:]*", bare)) - _KEYWORDS - {"e"}


def test_there_are_at_least_ten_alerts_over_all_groups() -> None:
    assert len(ALL) >= 10
    assert set(by_group()) >= {"host", "gpu", "serving", "drift", "quality", "pipeline"}
    assert sum(len(group) for group in by_group().values()) == len(ALL), "a name stands twice"


@pytest.mark.parametrize("alert", ALL, ids=lambda alert: alert.name)
def test_every_metric_of_an_expression_is_in_the_catalogue(alert: Alert) -> None:
    known = set(catalogue()) | {"up"}  # `up` is Prometheus' own
    assert _names(alert.expr), alert.expr
    assert _names(alert.expr) <= known


@pytest.mark.parametrize("alert", ALL, ids=lambda alert: alert.name)
def test_labels_of_a_comparison_are_labels_of_its_metric(alert: Alert) -> None:
    if alert.comparison is None:
        return
    added = {"job", "instance"}  # a scrape adds these
    for term in (alert.comparison.term, alert.comparison.over):
        if term is not None and term.metric != "up":
            known = set(catalogue()[term.metric].labels) | added
            assert {match.label for match in term.match} <= known
            assert set(alert.comparison.by or ()) <= known


@pytest.mark.parametrize("alert", ALL, ids=lambda alert: alert.name)
def test_a_template_names_only_labels_that_the_result_has(alert: Alert) -> None:
    comparison = alert.comparison
    known = {label for name in _names(alert.expr) - {"up"} for label in catalogue()[name].labels} | {"instance", "job"}
    known = set(comparison.by) if comparison and comparison.by else known
    assert set(re.findall(r"\{(\w+)\}", alert.summary + alert.description)) - {"value"} <= known


@pytest.mark.parametrize("alert", ALL, ids=lambda alert: alert.name)
def test_every_alert_has_a_runbook_that_says_what_to_do(alert: Alert) -> None:
    text = runbook(alert.name) or ""
    assert text.startswith(f"# {alert.name}\n")
    assert [line for line in text.splitlines() if line.startswith("## ")] == [
        "## Meaning",
        "## Impact",
        "## What to do",
    ]


def test_no_runbook_is_left_over() -> None:
    folder = pathlib.Path(tocsin_alerts.__file__).parent / "runbooks"
    assert {path.stem for path in folder.iterdir()} == set(alerts())
    assert runbook("../alert") is None


@pytest.mark.parametrize("alert", ALL, ids=lambda alert: alert.name)
def test_an_alert_is_judged_in_exactly_one_way(alert: Alert) -> None:
    assert bool(alert.comparison) + bool(alert.promql) == 1
    assert alert.needs_prometheus == (alert.comparison is None and not alert.window)
    assert alert.severity in ("critical", "warning", "info")


def test_one_alert_says_that_it_needs_prometheus() -> None:
    assert [alert.name for alert in ALL if alert.needs_prometheus] == ["HostDiskWillFill"]


def test_the_committed_rules_are_those_of_the_catalogue() -> None:
    assert generated() == {PATH: (ROOT / PATH).read_text(encoding="utf-8")}


def test_two_runs_write_the_same_bytes() -> None:
    assert rules() == rules()


def test_the_rules_are_yaml_that_says_what_the_catalogue_says() -> None:
    groups = yaml.safe_load(rules("https://tocsin.example"))["groups"]
    found = {rule["alert"]: rule for group in groups for rule in group["rules"]}
    assert set(found) == set(alerts())
    for alert in ALL:
        rule = found[alert.name]
        assert rule["expr"] == alert.expr
        assert rule["labels"] == {"severity": alert.severity}
        assert rule["annotations"]["runbook_url"] == f"https://tocsin.example/runbooks/{alert.name}"
        assert rule.get("for") == (duration(alert.for_s) if alert.for_s else None)


def test_templates_become_prometheus_templates() -> None:
    summary = {rule["alert"]: rule for g in yaml.safe_load(rules())["groups"] for rule in g["rules"]}["HostMemoryLow"]
    assert (
        summary["annotations"]["summary"]
        == "only {{ $value | humanizePercentage }} of memory left on {{ $labels.instance }}"
    )


def test_templates_are_filled_and_an_absent_label_stays_empty() -> None:
    assert filled("{a} is {value} of {b}", {"a": "x"}, "3 %") == "x is 3 % of "


def test_a_comparison_writes_its_promql() -> None:
    ratio = Comparison(
        Term("a", (Match("x", "!=", 'q"'),), "rate", 300), ">", 0.05, Term("b", (), "rate", 300), ("m",), 0.1
    )
    assert ratio.promql() == (
        '(sum by (m) (rate(a{x!="q\\""}[5m])) / sum by (m) (rate(b[5m])) > 0.05) and sum by (m) (rate(b[5m])) > 0.1'
    )
    assert Comparison(Term("up"), "==", 0).promql() == "up == 0"


def test_the_first_event_of_a_counter_born_at_one_is_not_missed() -> None:
    assert Comparison(Term("c", (), INCREASE, 600), ">", 0).promql() == (
        "(increase(c[10m]) > 0) or ((c unless c offset 10m) > 0)"
    )


@pytest.mark.parametrize(
    ("op", "value", "labels", "fits"),
    [
        ("=", "a", {"l": "a"}, True),
        ("=", "", {}, True),
        ("!=", "a", {}, True),
        ("=~", "a|b", {"l": "b"}, True),
        ("=~", "a", {"l": "ab"}, False),
        ("!~", "a.*", {"l": "ab"}, False),
        ("!~", "a.*", {"l": "b"}, True),
    ],
)
def test_matches_are_anchored_and_an_absent_label_is_empty(
    op: str, value: str, labels: dict[str, str], fits: bool
) -> None:
    assert Match("l", op, value).fits(labels) is fits


@pytest.mark.parametrize(("seconds", "text"), [(30, "30s"), (90, "90s"), (300, "5m"), (21_600, "6h"), (86_400, "1d")])
def test_durations(seconds: int, text: str) -> None:
    assert duration(seconds) == text
