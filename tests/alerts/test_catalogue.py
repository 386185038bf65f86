"""The catalogue of alerts: whole and consistent."""

import pathlib

import pytest

import tocsin_alerts
from tocsin_alerts.alert import INCREASE, Alert, Comparison, Match, Term, duration, filled
from tocsin_alerts.catalogue import alerts, by_group, runbook
from tocsin_alerts.number import UNITS

ALL = list(alerts().values())


def test_there_are_at_least_ten_alerts_over_all_groups() -> None:
    assert len(ALL) >= 10
    assert set(by_group()) >= {"host", "gpu", "serving", "drift", "quality", "pipeline"}
    assert sum(len(group) for group in by_group().values()) == len(ALL), "a name stands twice"


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


def test_two_alerts_say_that_they_need_prometheus() -> None:
    """One looks hours back, the other is about the collector itself."""
    assert {alert.name for alert in ALL if alert.needs_prometheus} == {"HostDiskWillFill", "CollectorDown"}


@pytest.mark.parametrize("alert", ALL, ids=lambda alert: alert.name)
def test_texts_are_written_for_people(alert: Alert) -> None:
    assert alert.unit in UNITS
    assert alert.description.endswith(".")
    assert not alert.summary.endswith(".")
    assert len(alert.summary) <= 80


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
    """And an old counter that a new Prometheus sees for the first time is not taken for one."""
    assert Comparison(Term("c", (), INCREASE, 600), ">", 0).promql() == (
        "(increase(c[10m]) > 0) or (((c unless c offset 10m)"
        " and count_over_time(c[10m]) < on (job, instance) group_left sum_over_time(up[10m])) > 0)"
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
