"""The boards hold their lint, and the lint finds what it should."""

import copy
import json

import pytest

from tocsin_dashboards.builder import build
from tocsin_dashboards.generate import found, generated
from tocsin_dashboards.lint import faults
from tocsin_schema.catalogue import catalogue


@pytest.mark.parametrize("name", sorted(found()))
def test_a_board_has_no_fault(name):
    assert faults(build(found()[name]), catalogue()) == []


def test_every_link_leads_to_a_board():
    uids = {board.uid for board in found().values()}
    assert {uid for board in found().values() for _, uid in board.links} <= uids


def test_two_runs_write_the_same_bytes():
    assert generated() == generated()
    assert all(json.loads(text) for text in generated().values())


def _broken(change):
    board = copy.deepcopy(build(found()["fleet"]))
    panel = next(panel for panel in board["panels"] if panel["type"] != "row")
    change(board, panel)
    return faults(board, catalogue())


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda _, panel: panel.update(description=""), "description is missing"),
        (lambda _, panel: panel["fieldConfig"]["defaults"].pop("unit"), "unit is missing"),
        (lambda _, panel: panel["targets"].clear(), "no query"),
        (
            lambda _, panel: panel["targets"][0].update(expr='node_nothing{job=~"$job",instance=~"$instance"}'),
            "node_nothing is not",
        ),
        (lambda _, panel: panel["targets"][0].update(expr="node_load1"), "the variable $job is not used"),
        (lambda _, panel: panel["targets"][0].update(expr='rate(node_x_total{job=~"$job"}[5m])'), "rated over 5m"),
        (lambda _, panel: panel["targets"][0].update(expr='node_x_total{job=~"$job"}'), "without rate()"),
        (lambda _, panel: panel["gridPos"].update(x=20), "leaves the grid"),
        (lambda board, panel: panel.update(id=board["panels"][0]["id"]), "share an id"),
    ],
)
def test_the_lint_finds_a_planted_fault(change, fault):
    assert any(fault in found_fault for found_fault in _broken(change))
