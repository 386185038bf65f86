"""What a board must hold: the rules of Grafana's dashboard-linter that apply here, and our own. Nothing is excluded.

https://github.com/grafana/dashboard-linter/blob/main/docs/index.md. Whether PromQL parses, and which labels a query
keeps, is proven in the tests (``tests/dashboards/test_promql.py``): the room itself needs no parser.
"""

from collections.abc import Iterable
from typing import Any

from tocsin_dashboards.lint import layout, links, panel, query, variables
from tocsin_schema.metric import Metric

Json = dict[str, Any]
_UNREADABLE = (KeyError, TypeError, AttributeError, IndexError, ValueError)


def faults(board: Json, known: dict[str, Metric]) -> list[str]:
    """Every fault of a board, one line each: where, what. ``known`` is the catalogue. Never raises: what it cannot
    even read is a fault."""
    where = "a board without uid"
    try:
        where = str(board.get("uid") or where)
        found = [*layout.faults(board), *variables.faults(board), *_panel_faults(board, known), *_marks(board, known)]
    except _UNREADABLE as error:
        return [f"{where}: this is no board of Grafana's: {type(error).__name__} {error}"]
    return [f"{where}: {fault}" if not fault.startswith(" ") else where + fault for fault in found]


def all_faults(boards: Iterable[Json], known: dict[str, Metric]) -> list[str]:
    """The faults of boards that belong together: of each, and of the links between them."""
    every = list(boards)
    alone = [fault for board in every for fault in faults(board, known)]
    if alone:
        return alone
    try:
        return links.faults(every)
    except _UNREADABLE as error:
        return [f"a link of a board is none of Grafana's: {type(error).__name__} {error}"]


def _panel_faults(board: Json, known: dict[str, Metric]) -> list[str]:
    names = _names(board)
    found = []
    for each in layout.every_panel(board):
        if each["type"] == "row":
            continue
        faults = panel.faults(each)
        for target in each.get("targets", []):
            faults += query.target_faults(target, each["type"], names, known)
        found += [f" panel {each['id']} ({each.get('title')}): {fault}" for fault in faults]
    return found


def _marks(board: Json, known: dict[str, Metric]) -> list[str]:
    found = []
    for mark in board["annotations"]["list"]:
        faults = query.faults(mark["expr"], mark["titleFormat"], _names(board), known)
        if mark["datasource"]["uid"] != "${datasource}":
            faults.append("it asks a data source of its own, not ${datasource}")
        found += [f" annotation {mark['name']}: {fault}" for fault in faults]
    return found


def _names(board: Json) -> set[str]:
    return {item["name"] for item in board["templating"]["list"]} - {"datasource"}
