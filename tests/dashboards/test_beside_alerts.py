"""Boards and alerts know nothing of each other; what they say about one thing is the same."""

import re

import pytest

from tocsin_alerts.alert import INCREASE
from tocsin_alerts.catalogue import alerts
from tocsin_dashboards.board import ANY
from tocsin_dashboards.builder import build
from tocsin_dashboards.generate import found
from tocsin_dashboards.lint.layout import every_panel
from tocsin_dashboards.lint.query import metrics_in

BOARDS = {board.uid: build(board) for board in found().values()}
PANELS = {(uid, panel["id"]): panel for uid, board in BOARDS.items() for panel in every_panel(board)}
ALERTS = alerts()
COMPARED = {name: alert for name, alert in ALERTS.items() if alert.comparison}

DRAWN_AT = {
    "LogStoreFailing": ("tocsin-pipeline", 46),
    "LogRecordsRejected": ("tocsin-pipeline", 48),
}
"""Where an alert's number is drawn, if not in the panel that it leads to."""
BOUND = {
    "ModelQualityDrop": (("tocsin-model", 6), 2),
    "FeatureDrift": (("tocsin-model", 2), 1),
    "DataCheckFailed": (("tocsin-model", 63), 1),
    "TextAnswersChanged": (("tocsin-model", 64), 1),
    "DataRuleBroken": (("tocsin-model", 60), 1),
    "FeatureMissingValues": (("tocsin-model", 18), 1),
    "JointDrift": (("tocsin-model", 41), 1),
    "DailyJointDrift": (("tocsin-model", 86), 1),
    "HostDiskWillFill": (("tocsin-fleet", 4), 1),
    "CollectorDown": (("tocsin-pipeline", 7), 1),
}
"""The number of an alert that is no plain comparison, as its panel shows it: distances are shares of their bounds."""


def _bounds(panel):
    steps = panel["fieldConfig"]["defaults"].get("thresholds", {}).get("steps", [])
    words = [mapping for mapping in panel["fieldConfig"]["defaults"].get("mappings", []) if "0" in mapping["options"]]
    return [step["value"] for step in steps if step["value"] is not None] + ([0.0] if words else [])


def _expressions(panel):
    return [target["expr"] for target in panel["targets"]]


@pytest.mark.parametrize("name", sorted(ALERTS))
def test_an_alert_leads_to_a_panel_that_shows_what_it_judges(name):
    alert = ALERTS[name]
    panel = PANELS[alert.panel]
    judged = set(re.findall(r"\b(?:node|tocsin)_[a-z]\w+|\bup\b", alert.expr))
    shown = set().union(*(metrics_in(expr) for expr in _expressions(panel)))
    if name == "ModelQualityDrop":  # it counts the windows in which the panel's scores are beyond their bounds
        judged = {"tocsin_model_quality"}
    assert judged & shown, f"{alert.panel} shows {shown}, {name} judges {judged}"


@pytest.mark.parametrize("name", sorted(COMPARED))
def test_a_panel_draws_the_number_of_its_alert(name):
    alert = COMPARED[name]
    panel = PANELS[DRAWN_AT.get(name, alert.panel)]
    wanted = _wanted(alert.comparison)
    assert any(bound == pytest.approx(each) for bound in _bounds(panel) for each in wanted), (
        f"{panel['title']} draws {_bounds(panel)}, {name} has {alert.comparison.threshold}"
    )


def _wanted(comparison):
    number = comparison.threshold
    if comparison.op == "==":
        return [0, 1]  # a word for 0, or red below all of them
    if comparison.term.function == INCREASE and number == 0:
        return [ANY]
    return [number, 1 - number]  # what is left, or what is in use


@pytest.mark.parametrize("name", sorted(BOUND))
def test_a_panel_draws_the_bound_of_an_alert_that_is_no_comparison(name):
    at, number = BOUND[name]
    assert number in _bounds(PANELS[at])


def test_every_alert_with_a_number_is_compared():
    assert {name for name, alert in ALERTS.items() if not alert.comparison} <= set(BOUND)


def test_the_same_file_systems_and_faults_are_meant():
    for name, at in (("HostDiskSpaceLow", 3), ("HostDiskWillFill", 4), ("GpuXid", 6)):
        (meant,) = set(re.findall(r'(?:fstype|xid)(?:!~|=~)"[^"]*"', ALERTS[name].expr))
        assert all(meant in expr for expr in _expressions(PANELS["tocsin-fleet", at]))


def test_the_same_four_hours_are_meant():
    expr = ALERTS["HostDiskWillFill"].expr
    (shown,) = _expressions(PANELS["tocsin-fleet", 4])
    for part in ("[6h], 14400)", "0.4"):
        assert part in expr
        assert part in shown
