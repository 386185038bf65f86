"""The builder of boards: panels in rows on Grafana's grid of 24 columns, with explicit ids, units and descriptions.

Every query names its metrics by their catalogue entry; ``lint.py`` proves it. ``$select`` in a query stands for the
selector of the board's variables, so that no panel forgets one.
"""

from dataclasses import dataclass
from typing import Any

SCHEMA_VERSION = 39
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
COLUMNS = 24
PANEL_HEIGHT = 8

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Query:
    """One PromQL query and the legend of its series."""

    expr: str
    legend: str


@dataclass(frozen=True, slots=True)
class Panel:
    """A time series panel. ``unit`` is Grafana's unit id; ``width`` is in columns of 24."""

    title: str
    description: str
    unit: str
    queries: tuple[Query, ...]
    width: int = 8
    kind: str = "timeseries"
    minimum: float | None = 0


@dataclass(frozen=True, slots=True)
class Row:
    """A titled row of panels."""

    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable filled from the values of a label. ``label`` is what people see."""

    name: str
    label: str
    metric: str


@dataclass(frozen=True, slots=True)
class Board:
    """One board. ``uid`` is its address for ever."""

    uid: str
    title: str
    description: str
    variables: tuple[Variable, ...]
    rows: tuple[Row, ...]
    links: tuple[tuple[str, str], ...] = ()
    """Title and uid of other boards; time and variables are carried over."""


def build(board: Board) -> Json:
    """The board's JSON as Grafana takes it; the same board gives the same JSON."""
    return {
        "uid": board.uid,
        "title": board.title,
        "description": board.description,
        "tags": ["tocsin"],
        "schemaVersion": SCHEMA_VERSION,
        "version": 1,
        "editable": False,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "timezone": "",
        "graphTooltip": 1,
        "links": [_link(title, uid) for title, uid in board.links],
        "templating": {"list": [_datasource(), *(_variable(item, board) for item in board.variables)]},
        "annotations": {"list": []},
        "panels": _panels(board),
    }


def _panels(board: Board) -> list[Json]:
    selector = ",".join(f'{item.name}=~"${item.name}"' for item in board.variables)
    panels: list[Json] = []
    y = 0
    for row in board.rows:
        panels.append(_row(row.title, len(panels) + 1, y))
        x, y = 0, y + 1
        for panel in row.panels:
            if x + panel.width > COLUMNS:
                x, y = 0, y + PANEL_HEIGHT
            panels.append(_panel(panel, len(panels) + 1, x, y, selector))
            x += panel.width
        y += PANEL_HEIGHT
    return panels


def _row(title: str, number: int, y: int) -> Json:
    place = {"h": 1, "w": COLUMNS, "x": 0, "y": y}
    return {"id": number, "type": "row", "title": title, "collapsed": False, "gridPos": place, "panels": []}


def _panel(panel: Panel, number: int, x: int, y: int, selector: str) -> Json:
    defaults: Json = {"unit": panel.unit, "noValue": "no data"}
    if panel.minimum is not None:
        defaults["min"] = panel.minimum
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.description,
        "datasource": DATASOURCE,
        "gridPos": {"h": PANEL_HEIGHT, "w": panel.width, "x": x, "y": y},
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "options": _options(panel.kind),
        "targets": [_target(query, "ABCDEFGH"[at], selector) for at, query in enumerate(panel.queries)],
    }


def _options(kind: str) -> Json:
    if kind == "stat":
        return {"reduceOptions": {"calcs": ["lastNotNull"]}, "colorMode": "value", "graphMode": "area"}
    return {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi", "sort": "desc"}}


def _target(query: Query, ref: str, selector: str) -> Json:
    expr = query.expr.replace("$select", selector)
    return {"refId": ref, "expr": expr, "legendFormat": query.legend, "datasource": DATASOURCE, "range": True}


def _datasource() -> Json:
    return {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus", "refresh": 1}


def _variable(variable: Variable, board: Board) -> Json:
    earlier = board.variables[: board.variables.index(variable)]
    selector = ",".join(f'{item.name}=~"${item.name}"' for item in earlier)
    return {
        "name": variable.name,
        "label": variable.label,
        "type": "query",
        "datasource": DATASOURCE,
        "query": {"query": f"label_values({variable.metric}{{{selector}}}, {variable.name})", "refId": "A"},
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "allValue": ".+",
    }


def _link(title: str, uid: str) -> Json:
    return {"title": title, "type": "link", "url": f"/d/{uid}", "keepTime": True, "includeVars": True}
