"""What each kind of panel needs of Grafana's JSON: how it asks, how it draws, what it shows beside the chart."""

import re
from typing import Any

from tocsin_dashboards.board import ANY, Panel, Query, Step

Json = dict[str, Any]

TIMESERIES, STAT, TABLE, HEATMAP, TIMELINE = "timeseries", "stat", "table", "heatmap", "state-timeline"
_GROUPED = re.compile(r"\bby \(([^)]*)\)")
HEIGHT = {TIMESERIES: 8, STAT: 4, TABLE: 8, HEATMAP: 8, TIMELINE: 7}


def asked(panel: Panel) -> Json:
    """How the panel's queries are run. A stat asks for now: the last value of the past may be of something gone."""
    if panel.kind == STAT:
        return {"instant": True, "range": False}
    if panel.kind == TABLE:
        return {"instant": True, "range": False, "format": "table"}
    if panel.kind == HEATMAP:
        return {"range": True, "instant": False, "format": "heatmap"}
    return {"range": True, "instant": False}


def options(panel: Panel) -> Json:
    """The panel's options."""
    if panel.kind == STAT:
        reduced = {"calcs": ["lastNotNull"], "fields": "", "values": False}
        return {
            "reduceOptions": reduced,
            "colorMode": "background" if panel.steps or panel.words else "value",
            "graphMode": "none",
            "justifyMode": "center",
            "textMode": "auto",
            "orientation": "auto",
        }
    if panel.kind == TABLE:
        by = [{"displayName": panel.sort_by, "desc": True}] if panel.sort_by else []
        return {"showHeader": True, "cellHeight": "sm", "sortBy": by}
    if panel.kind == HEATMAP:
        return {
            "calculate": False,
            "cellGap": 1,
            "color": {"mode": "scheme", "scheme": "Oranges", "fill": "dark-orange", "steps": 64, "exponent": 0.5},
            "filterValues": {"le": 1e-9},
            "yAxis": {"unit": panel.unit, "axisPlacement": "left"},
            "rowsFrame": {"layout": "auto"},
            "legend": {"show": True},
            "tooltip": {"mode": "single", "yHistogram": False},
        }
    legend = {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []}
    if panel.kind == TIMELINE:
        return {
            "mergeValues": True,
            "showValue": "never",
            "alignValue": "left",
            "rowHeight": 0.85,
            "legend": legend,
            "tooltip": {"mode": "single", "sort": "none"},
        }
    return {"legend": legend, "tooltip": {"mode": "multi", "sort": "desc"}}


def field(panel: Panel) -> Json:
    """The part of the field's defaults that depends on the kind."""
    if panel.kind == TIMESERIES:
        return {"color": {"mode": "palette-classic"}, "custom": _drawn(panel)}
    if panel.kind == TIMELINE:
        return {"color": {"mode": "thresholds"}, "custom": {"fillOpacity": 80, "lineWidth": 0}}
    if panel.kind == HEATMAP:
        return {}
    return {"color": {"mode": "thresholds"}}


def _drawn(panel: Panel) -> Json:
    filled = panel.stacked or panel.bars
    return {
        "drawStyle": "bars" if panel.bars else "line",
        "lineWidth": 1,
        "fillOpacity": 60 if filled else 8,
        "showPoints": "auto",
        "spanNulls": False,
        "stacking": {"mode": "normal" if panel.stacked else "none", "group": "A"},
        # A dashed line: an area would paint everything beyond a bound that nothing has crossed. "Any at all" would lie
        # on the axis.
        "thresholdsStyle": {"mode": "dashed" if any((bound or 0) > ANY for bound, _ in panel.steps) else "off"},
    }


def overrides(panel: Panel) -> list[Json]:
    """What one query of a panel shows differently from the others."""
    if panel.kind == TABLE:
        return [found for query in panel.queries if (found := _column(query, panel))]
    return [
        {
            "matcher": {"id": "byFrameRefID", "options": "ABCDEFGH"[at]},
            "properties": [
                {"id": "custom.lineStyle", "value": {"fill": "dash", "dash": [6, 6]}},
                {"id": "custom.fillOpacity", "value": 0},
            ],
        }
        for at, query in enumerate(panel.queries)
        if query.bound
    ]


def _column(query: Query, panel: Panel) -> Json:
    properties: list[Json] = []
    if query.unit and query.unit != panel.unit:
        properties.append({"id": "unit", "value": query.unit})
    if query.steps:
        properties += [
            {"id": "thresholds", "value": {"mode": "absolute", "steps": steps(query.steps)}},
            {"id": "custom.cellOptions", "value": {"type": "color-text"}},
        ]
    if not properties:
        return {}
    return {"matcher": {"id": "byName", "options": query.legend}, "properties": properties}


def transformations(panel: Panel) -> list[Json]:
    """The queries of a table become its columns, side by side in the rows of the same labels."""
    if panel.kind != TABLE:
        return []
    # A single query keeps the field's plain name.
    refs = [f"Value #{'ABCDEFGH'[at]}" for at in range(len(panel.queries))]
    names = dict(zip(refs, (query.legend for query in panel.queries), strict=True))
    if len(panel.queries) == 1:
        names["Value"] = panel.queries[0].legend
    labels = {label: at for at, label in enumerate(rows(panel))}
    organized = {"excludeByName": {"Time": True}, "indexByName": labels, "renameByName": names}
    return [{"id": "merge", "options": {}}, {"id": "organize", "options": organized}]


def rows(panel: Panel) -> list[str]:
    """The labels of a table's rows, in the order in which its first query groups by them."""
    grouped = _GROUPED.search(panel.queries[0].expr)
    return [label.strip() for label in grouped[1].split(",")] if grouped else []


def steps(found: tuple[Step, ...]) -> list[Json]:
    """Threshold steps as Grafana writes them."""
    return [{"color": color, "value": value} for value, color in found]
