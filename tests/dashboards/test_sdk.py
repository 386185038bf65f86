"""Grafana's own types read the boards and write them again without losing a key.

grafana-foundation-sdk is a test dependency only: it knows every key and type of a board, and drops what it does not
know. It writes defaults that we leave out, so what it adds is not compared; what we wrote must come back.
"""

import json
import warnings

import pytest

with warnings.catch_warnings():
    # It warns at its import that the classic board is not the newest schema; every way into Grafana takes the classic.
    warnings.simplefilter("ignore", DeprecationWarning)
    from grafana_foundation_sdk.cog.encoder import JSONEncoder
    from grafana_foundation_sdk.cog.plugins import register_default_plugins
    from grafana_foundation_sdk.models import units
    from grafana_foundation_sdk.models.dashboard import Dashboard

from tocsin_dashboards.builder import build
from tocsin_dashboards.generate import found
from tocsin_dashboards.units import UNITS

BOARDS = {name: build(board) for name, board in found().items()}


@pytest.fixture(scope="module", autouse=True)
def plugins():
    register_default_plugins()


def _back(board):
    return json.loads(json.dumps(Dashboard.from_json(json.loads(json.dumps(board))), cls=JSONEncoder))


def _lost(ours, theirs, where=""):
    """The paths of what is not the same on the other side; keys that only the other side has do not count."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        lost = []
        for key, value in ours.items():
            lost += [f"{where}.{key}"] if key not in theirs else _lost(value, theirs[key], f"{where}.{key}")
        return lost
    if isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        return [
            path for at, pair in enumerate(zip(ours, theirs, strict=True)) for path in _lost(*pair, f"{where}[{at}]")
        ]
    return [] if ours == theirs else [where]


@pytest.mark.parametrize("name", sorted(BOARDS))
def test_grafanas_types_lose_nothing_of_a_board(name):
    assert _lost(BOARDS[name], _back(BOARDS[name])) == []


@pytest.mark.parametrize("path", ["board", "panel", "options", "custom", "target"])
def test_a_key_that_grafana_does_not_know_is_lost(path):
    board = json.loads(json.dumps(BOARDS["fleet"]))
    panel = next(panel for panel in board["panels"] if panel["type"] == "timeseries")
    places = {
        "board": board,
        "panel": panel,
        "options": panel["options"],
        "custom": panel["fieldConfig"]["defaults"]["custom"],
        "target": panel["targets"][0],
    }
    places[path]["colour"] = "red"
    assert any(lost.endswith(".colour") for lost in _lost(board, _back(board)))


def test_our_units_are_grafanas():
    theirs = {value for name, value in vars(units).items() if isinstance(value, str) and not name.startswith("_")}
    assert theirs >= UNITS
