"""The boards hold their lint, link to each other, and keep the addresses that alerts name."""

import json

import pytest

from tocsin_dashboards.builder import build
from tocsin_dashboards.generate import found, generated
from tocsin_dashboards.lint import all_faults, faults
from tocsin_schema.catalogue import catalogue

BOARDS = found()
KEPT = {
    "tocsin-fleet": {
        1: "Hosts that answer",
        2: "Memory in use",
        3: "Fullest file system",
        4: "File systems full within four hours",
        10: "CPU in use",
        20: "GPU in use",
        21: "GPU memory",
        22: "GPU power",
        23: "XID events",
        24: "GPUs that answer",
    },
    "tocsin-model": {
        1: "Alarm",
        2: "Drift beside its bound",
        3: "Missing values",
        4: "Quality",
        10: "Requests",
        11: "Latency",
        12: "Error ratio",
    },
    "tocsin-pipeline": {
        1: "Servers that answer",
        2: "Rows dropped by capture",
        3: "Events refused",
        4: "Log records kept by outcome",
        5: "Log shipping lag",
    },
}
"""Addresses that alerts and bookmarks hold: a panel may change, its id may not pass to another one."""


@pytest.mark.parametrize("name", sorted(BOARDS))
def test_a_board_has_no_fault(name):
    assert faults(build(BOARDS[name]), catalogue()) == []


def test_every_link_leads_to_a_board():
    assert all_faults([build(board) for board in BOARDS.values()], catalogue()) == []


def test_there_are_enough_panels_and_each_tells_what_it_shows():
    panels = [panel for board in BOARDS.values() for panel in board.panels()]
    assert len(panels) >= 55
    assert all(panel.title and panel.description.endswith(".") and panel.unit for panel in panels)


def test_two_runs_write_the_same_bytes():
    assert generated() == generated()
    assert all(json.loads(text) for text in generated().values())


@pytest.mark.parametrize("uid", sorted(KEPT))
def test_panels_keep_their_ids(uid):
    (board,) = (board for board in BOARDS.values() if board.uid == uid)
    titles = {panel.id: panel.title for panel in board.panels()}
    assert titles.items() >= KEPT[uid].items()


def test_every_board_says_first_whether_something_is_broken():
    for board in BOARDS.values():
        first = board.rows[0]
        assert not first.collapsed
        assert {"stat", "state-timeline"} <= {panel.kind for panel in first.panels}


def test_a_row_fills_the_grid():
    for board in BOARDS.values():
        for row in board.rows:
            assert sum(panel.width for panel in row.panels) % 24 == 0, f"{board.uid}: {row.title}"
