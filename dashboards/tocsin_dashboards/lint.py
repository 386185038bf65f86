"""What a board must hold: Grafana's dashboard-linter rules that matter here, and our own about the catalogue."""

import re
from typing import Any

from tocsin_schema.metric import HISTOGRAM, Metric

_NAME = re.compile(r"\b((?:node|tocsin|process)_[a-zA-Z0-9_]+)")
_COUNTER_USED_BARE = re.compile(r"(\w+_total)\{")
_RATE = re.compile(r"\b(?:rate|irate|increase)\((\w+)\{[^}]*\}\[([^\]]+)\]\)")


def faults(board: dict[str, Any], known: dict[str, Metric]) -> list[str]:
    """Every fault of a board, one line each: where, what."""
    found = _layout_faults(board)
    names = {item["name"] for item in board["templating"]["list"]} - {"datasource"}
    for panel in board["panels"]:
        if panel["type"] == "row":
            continue
        where = f"{board['uid']} panel {panel['id']} ({panel['title']})"
        found += [f"{where}: {fault}" for fault in _panel_faults(panel, names, known)]
    return found


def metrics_in(expr: str) -> set[str]:
    """The names of the metrics that a query uses."""
    return set(_NAME.findall(expr))


def _layout_faults(board: dict[str, Any]) -> list[str]:
    found = []
    ids = [panel["id"] for panel in board["panels"]]
    if len(ids) != len(set(ids)):
        found.append(f"{board['uid']}: two panels share an id")
    taken: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        if place["x"] + place["w"] > 24 or cells & taken:
            found.append(f"{board['uid']} panel {panel['id']}: it overlaps another or leaves the grid")
        taken |= cells
    return found


def _panel_faults(panel: dict[str, Any], variables: set[str], known: dict[str, Metric]) -> list[str]:
    found = [f"{key} is missing" for key in ("title", "description") if not panel.get(key)]
    if not panel["fieldConfig"]["defaults"].get("unit"):
        found.append("unit is missing")
    if not panel["targets"]:
        found.append("no query")
    for target in panel["targets"]:
        expr = target["expr"]
        found += [f"{name} is not in the catalogue" for name in sorted(metrics_in(expr)) if _entry(name, known) is None]
        found += [
            f"query {target['refId']}: the variable ${name} is not used" for name in variables if f"${name}" not in expr
        ]
        found += _rate_faults(expr)
    return found


def _rate_faults(expr: str) -> list[str]:
    rated = dict(_RATE.findall(expr))
    found = [
        f"{name} is rated over {span}, not over $__rate_interval"
        for name, span in rated.items()
        if span != "$__rate_interval"
    ]
    bare = set(_COUNTER_USED_BARE.findall(expr)) - set(rated)
    return found + [f"the counter {name} is plotted without rate()" for name in sorted(bare)]


def _entry(name: str, known: dict[str, Metric]) -> Metric | None:
    if name in known:
        return known[name]
    family = known.get(name.rpartition("_")[0])
    return family if family is not None and family.type == HISTOGRAM else None
