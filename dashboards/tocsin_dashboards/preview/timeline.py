"""State timelines: a line for each series, coloured by its state, equal neighbours merged."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from tocsin_dashboards.preview import colors
from tocsin_dashboards.preview.ask import Series, Span
from tocsin_dashboards.preview.frame import LEGEND_LINE, Box, legend, time_axis
from tocsin_dashboards.preview.scale import Scale
from tocsin_dashboards.preview.svg import cut, element, text
from tocsin_dashboards.units import text as in_unit

Json = dict[str, Any]
_LETTER = 6.3
_THINNEST = 15


def draw(panel: Json, found: list[Series], span: Span, box: Box) -> str:
    """The lines and the legend of their states."""
    defaults = panel["fieldConfig"]["defaults"]
    entries, lines = legend(_states(defaults), box.width)
    plot = Box(box.width, box.height - lines * LEGEND_LINE)
    room = max(int((plot.height - 22) / _THINNEST), 1)
    shown = found if len(found) <= room else found[: room - 1]
    left = min(max(len(each.name) for each in found) * _LETTER + 14, plot.width * 0.4)
    x = Scale(span.start_s, span.end_s, left, plot.width - 8)
    line = (plot.height - 22) / max(len(shown) + (len(shown) < len(found)), 1)
    drawn = [time_axis(span, x, plot)]
    for number, each in enumerate(shown):
        middle = (number + 0.5) * line
        name = cut(each.name, left - 10)
        hint = element("title", text(each.name))
        drawn.append(element("text", text(name), hint, x=left - 6, y=middle + 4, text_anchor="end"))
        drawn += _line(each, defaults, span, x, middle, min(line * 0.85, 34))
    if len(shown) < len(found):
        rest = f"+{len(found) - len(shown)} more"
        drawn.append(element("text", rest, x=left - 6, y=(len(shown) + 0.5) * line + 4, text_anchor="end"))
    return element("svg", *drawn, width=plot.width, height=plot.height, role="img") + entries


def _line(each: Series, defaults: Json, span: Span, x: Scale, middle: float, height: float) -> list[str]:
    drawn = []
    for start, end, value in _merged(each, defaults, span.step_s):
        word = colors.mapped(value, defaults)
        state = word["text"] if word else in_unit(value, defaults["unit"], defaults.get("decimals"))
        drawn.append(
            element(
                "rect", element("title", text(f"{each.name}: {state}")), x=x(max(start, x.low)), y=middle - height / 2,
                width=max(x(min(end, x.high)) - x(max(start, x.low)), 1.0), height=height,
                fill=colors.of_value(value, defaults),
            )
        )  # fmt: skip
    return drawn


def _merged(each: Series, defaults: Json, step_s: float) -> Iterator[tuple[float, float, float]]:
    """Stretches of one colour: start, end, the first value. A gap ends a stretch."""
    start, value = each.points[0]
    for (before, _), (at, now) in pairwise(each.points):
        gap = at - before > 1.5 * step_s
        if gap or colors.of_value(now, defaults) != colors.of_value(value, defaults):
            yield start, before + step_s if gap else at, value
            start, value = at, now
    yield start, each.points[-1][0] + step_s, value


def _states(defaults: Json) -> list[tuple[str, str]]:
    for mapping in defaults.get("mappings", []):
        return [(word["text"], colors.NAMED[word["color"]]) for word in mapping["options"].values()]
    steps = defaults["thresholds"]["steps"]
    unit = defaults["unit"]
    first = f"below {in_unit(steps[1]['value'], unit)}" if len(steps) > 1 else "any"
    rest = [(f"from {in_unit(step['value'], unit)}", colors.NAMED[step["color"]]) for step in steps[1:]]
    return [(first, colors.NAMED[steps[0]["color"]]), *rest]
