"""The page: panels on Grafana's grid, in one file of HTML that needs nothing else."""

from typing import Any

from tocsin_dashboards.preview import chart, heat, table, tiles, timeline
from tocsin_dashboards.preview.ask import Answer, Span
from tocsin_dashboards.preview.frame import Box, Mark
from tocsin_dashboards.preview.svg import element, text
from tocsin_dashboards.units import text as in_unit

Json = dict[str, Any]
CELL, GAP = 30, 8
"""Grafana's grid: the height of a line and the gap between two, in pixels."""
_HEAD, _PADDING = 26, 8
_MARGIN = 16


def page(board: Json, answers: dict[int, Answer], span: Span, events: list[Mark], width: int, about: str) -> str:
    """The board's page. ``answers`` are by panel id; ``about`` says what was asked and when."""
    column = (width - 2 * _MARGIN - 23 * GAP) / 24
    panels = []
    for panel in board["panels"]:
        place = panel["gridPos"]
        style = f"grid-column:{place['x'] + 1}/span {place['w']};grid-row:{place['y'] + 1}/span {place['h']}"
        if panel["type"] == "row":
            sign = "▸" if panel["collapsed"] else "▾"
            count = len(panel["panels"])
            hidden = element("small", f" {count} panel{'s' * (count > 1)}") if count else ""
            panels.append(element("h2", f"{sign} {text(panel['title'])}", hidden, style=style))
            continue
        box = Box(
            int(place["w"] * column + (place["w"] - 1) * GAP) - 2 * _PADDING - 2,
            place["h"] * CELL + (place["h"] - 1) * GAP - _HEAD - _PADDING - 2,
        )
        panels.append(_panel(panel, answers[panel["id"]], span, box, events, style))
    head = element("header", element("h1", text(board["title"])), element("p", text(about)))
    body = element("main", *panels)
    title = element("title", text(board["title"]))
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">{title}<style>{_STYLE}</style></head>'
        f'<body style="width:{width}px">{head}{body}</body></html>\n'
    )


def _panel(panel: Json, answer: Answer, span: Span, box: Box, events: list[Mark], style: str) -> str:
    title = element("h3", text(panel["title"]), title=panel["description"])
    inside = _drawn(panel, answer, span, box, events) if answer.series else ""
    if answer.errors:
        inside = element("p", text("\n".join(answer.errors)), class_="error")
    elif not inside:
        inside = element("p", text(panel["fieldConfig"]["defaults"]["noValue"]), class_="none")
    return element("section", title, inside, style=style, id=f"panel-{panel['id']}", class_=panel["type"])


def _drawn(panel: Json, answer: Answer, span: Span, box: Box, events: list[Mark]) -> str:
    match panel["type"]:
        case "stat":
            return tiles.draw(panel, answer.series, box)
        case "table":
            return table.draw(panel, answer.series, box)
        case "state-timeline":
            return timeline.draw(panel, answer.series, span, box)
        case "heatmap":
            return heat.draw(panel, answer.series, span, box)
    return chart.draw(panel, answer.series, span, box, events)


def opened(board: Json) -> Json:
    """The board with its collapsed rows open."""
    panels: list[Json] = []
    y = 0
    for panel in board["panels"]:
        if panel["type"] != "row":
            panels.append(panel)
            continue
        y = max((each["gridPos"]["y"] + each["gridPos"]["h"] for each in panels), default=0)
        shift = y - panel["gridPos"]["y"]
        panels.append({**panel, "panels": [], "collapsed": False, "gridPos": {**panel["gridPos"], "y": y}})
        for each in panel["panels"]:
            place = each["gridPos"]
            panels.append({**each, "gridPos": {**place, "y": place["y"] + shift}})
    return {**board, "panels": panels}


def about(url: str, span: Span, variables: dict[str, str]) -> str:
    """What a page was made of, in a line."""
    chosen = ", ".join(f"{name} = {value}" for name, value in variables.items() if value != ".+") or "all"
    until = in_unit(span.end_s * 1000, "dateTimeAsIso")
    return f"{url} · the {in_unit(span.end_s - span.start_s, 's')} until {until} UTC · {chosen}"


_STYLE = f"""
:root{{color-scheme:light dark;--page:#f4f5f5;--panel:#fff;--line:#e1e3e6;--ink:#24292e;--faint:#6a737d;--grid:#ebedf0}}
@media (prefers-color-scheme:dark){{:root{{--page:#111217;--panel:#181b1f;--line:#2c3235;--ink:#d8d9da;--faint:#9fa7b3;
--grid:#25282d}}}}
*{{box-sizing:border-box}}
body{{margin:0 auto;padding:{_MARGIN}px;background:var(--page);color:var(--ink);font:12px/1.4 Inter,"DejaVu Sans",
sans-serif}}
header{{display:flex;justify-content:space-between;align-items:baseline;margin-bottom:10px}}
h1{{font-size:20px;margin:0}}header p{{margin:0;color:var(--faint)}}
main{{display:grid;grid-template-columns:repeat(24,minmax(0,1fr));grid-auto-rows:{CELL}px;gap:{GAP}px}}
h2{{margin:0;font-size:14px;align-self:center}}h2 small{{color:var(--faint);font-weight:400}}
section{{background:var(--panel);border:1px solid var(--line);border-radius:3px;padding:0 {_PADDING}px {_PADDING}px;
overflow:hidden;position:relative}}
h3{{margin:0;height:{_HEAD}px;font-size:12.5px;line-height:{_HEAD}px;font-weight:600;white-space:nowrap;overflow:hidden;
text-overflow:ellipsis;cursor:help}}
svg{{display:block}}svg text{{font-size:10.5px;fill:var(--faint)}}svg .grid{{stroke:var(--grid)}}
svg text.big{{font-weight:600;fill:#fff}}svg text.on{{fill:#fff}}
.legend{{color:var(--faint);font-size:10.5px;line-height:18px;max-height:36px;overflow:hidden}}
.legend span{{margin-right:12px;white-space:nowrap;display:inline-block}}
.legend i{{display:inline-block;width:12px;height:3px;border-radius:2px;margin-right:4px;vertical-align:middle}}
.none,.error{{position:absolute;inset:{_HEAD}px 8px 8px;display:flex;align-items:center;justify-content:center;margin:0;
color:var(--faint);font-size:14px;text-align:center;white-space:pre-wrap}}
.error{{color:#e02f44;font-size:12px}}
table{{border-collapse:collapse;width:100%;table-layout:auto}}
th,td{{height:28px;padding:0 8px;text-align:left;border-bottom:1px solid var(--grid);white-space:nowrap;overflow:hidden;
text-overflow:ellipsis;max-width:220px}}
th{{color:#3274d9;font-weight:600}}td.number{{font-variant-numeric:tabular-nums}}.more{{color:var(--faint)}}
""".replace("\n", "")
