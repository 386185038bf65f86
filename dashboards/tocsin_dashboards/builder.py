"""A board as Grafana's classic JSON, which every way in takes: files, HTTP API, ConfigMaps.

Panels flow in rows on the grid of 24 columns; ids are the ones that the board's file writes. The same board gives the
same JSON. ``lint`` proves it.
"""

from functools import cache
from typing import Any

from tocsin_dashboards import kinds
from tocsin_dashboards.board import Board, Drill, Event, Link, Panel, Query, Row, Variable
from tocsin_dashboards.promql import selected
from tocsin_schema.catalogue import catalogue
from tocsin_schema.metric import Metric

SCHEMA_VERSION = 39
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
COLUMNS = 24

Json = dict[str, Any]


def build(board: Board) -> Json:
    """The board's JSON."""
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
        "links": [_link(link) for link in board.links],
        "templating": {"list": [_datasource(), *(_variable(item) for item in board.variables)]},
        "annotations": {"list": [_annotation(event, board) for event in board.events]},
        "panels": _rows(board),
    }


def _rows(board: Board) -> list[Json]:
    found: list[Json] = []
    y = 0
    for row in board.rows:
        panels, below = _placed(row, board, y + 1)
        found.append(_row(row, y, panels if row.collapsed else []))
        # The panels of a collapsed row lie in it; the next row closes up.
        found += [] if row.collapsed else panels
        y = y + 1 if row.collapsed else below
    return found


def _placed(row: Row, board: Board, y: int) -> tuple[list[Json], int]:
    """The panels of a row from left to right, and the first line below them."""
    panels = []
    x = tallest = 0
    for panel in row.panels:
        height = panel.height or kinds.HEIGHT[panel.kind]
        if x + panel.width > COLUMNS:
            x, y, tallest = 0, y + tallest, 0
        panels.append(_panel(panel, {"h": height, "w": panel.width, "x": x, "y": y}, board))
        x, tallest = x + panel.width, max(tallest, height)
    return panels, y + tallest


def _row(row: Row, y: int, panels: list[Json]) -> Json:
    place = {"h": 1, "w": COLUMNS, "x": 0, "y": y}
    return {
        "id": row.id,
        "type": "row",
        "title": row.title,
        "collapsed": row.collapsed,
        "gridPos": place,
        "panels": panels,
    }


def _panel(panel: Panel, place: dict[str, int], board: Board) -> Json:
    built: Json = {
        "id": panel.id,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.description,
        "datasource": DATASOURCE,
        "gridPos": place,
        "fieldConfig": {"defaults": _defaults(panel), "overrides": kinds.overrides(panel)},
        "options": kinds.options(panel),
        "targets": [_target(panel, query, "ABCDEFGH"[at], board) for at, query in enumerate(panel.queries)],
    }
    transformations = kinds.transformations(panel)
    return {**built, "transformations": transformations} if transformations else built


def _defaults(panel: Panel) -> Json:
    defaults: Json = {"unit": panel.unit, "noValue": panel.no_value}
    for key, value in (("min", panel.minimum), ("max", panel.maximum), ("decimals", panel.decimals)):
        if value is not None:
            defaults[key] = value
    if panel.steps:
        defaults["thresholds"] = {"mode": "absolute", "steps": kinds.steps(panel.steps)}
    if panel.words:
        defaults["mappings"] = [_words(panel)]
    if panel.drills:
        defaults["links"] = [_drill(drill, panel) for drill in panel.drills]
    return {**defaults, **kinds.field(panel)}


def _words(panel: Panel) -> Json:
    said = {
        f"{value:g}": {"text": word, "color": color, "index": at} for at, (value, word, color) in enumerate(panel.words)
    }
    return {"type": "value", "options": said}


def _target(panel: Panel, query: Query, ref: str, board: Board) -> Json:
    return {
        "refId": ref,
        "expr": _selected(query.expr, board),
        "legendFormat": query.legend,
        "datasource": DATASOURCE,
        **kinds.asked(panel),
    }


def _selected(expr: str, board: Board) -> str:
    return selected(expr, tuple(variable.name for variable in board.variables), _catalogue())


@cache
def _catalogue() -> dict[str, Metric]:
    return catalogue()


def _datasource() -> Json:
    return {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus", "refresh": 1}


def _variable(variable: Variable) -> Json:
    matchers = [*([variable.match] if variable.match else []), *(f'{name}=~"${name}"' for name in variable.after)]
    query = f"label_values({variable.metric}{{{','.join(matchers)}}}, {variable.name})"
    return {
        "name": variable.name,
        "label": variable.label,
        "type": "query",
        "datasource": DATASOURCE,
        "query": {"query": query, "refId": "A"},
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "allValue": ".+",
    }


def _annotation(event: Event, board: Board) -> Json:
    return {
        "name": event.name,
        "datasource": DATASOURCE,
        "enable": True,
        "hide": False,
        "iconColor": event.color,
        "expr": _selected(event.expr, board),
        "titleFormat": event.title,
        "textFormat": "",
        "useValueForTime": event.at_value,
    }


def _link(link: Link) -> Json:
    # Not `includeVars`: it would carry $instance too, which is an agent on one board and the collector on another.
    variables = "&".join(f"${{{name}:queryparam}}" for name in ("datasource", *link.carries))
    return {
        "title": link.title,
        "type": "link",
        "icon": "dashboard",
        "tooltip": "",
        "url": f"/d/{link.uid}?{variables}",
        "tags": [],
        "asDropdown": False,
        "targetBlank": False,
        "includeVars": False,
        "keepTime": True,
    }


def _drill(drill: Drill, panel: Panel) -> Json:
    # A row of a table holds its labels as fields, a series as labels.
    value = "${{__data.fields.{}}}" if panel.kind == "table" else "${{__field.labels.{}}}"
    labels = [f"var-{name}={value.format(name)}" for name in drill.labels]
    carried = [f"${{{name}:queryparam}}" for name in ("datasource", *drill.carries)]
    return {"title": drill.title, "url": f"/d/{drill.uid}?" + "&".join([*carried, *labels, "${__url_time_range}"])}
