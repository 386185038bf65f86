"""Heatmaps of a classic histogram: how many observations fell between two bounds, in each step."""

from typing import Any

from tocsin_dashboards.preview.ask import Series, Span
from tocsin_dashboards.preview.frame import Box, time_axis
from tocsin_dashboards.preview.scale import Scale
from tocsin_dashboards.preview.svg import element, text
from tocsin_dashboards.units import text as in_unit

Json = dict[str, Any]
_COLOR = "#ff780a"
_LEFT = 62


def draw(panel: Json, found: list[Series], span: Span, box: Box) -> str:
    """Bounds upwards, time to the right, the more the darker."""
    unit = panel["fieldConfig"]["defaults"]["unit"]
    bounds, cells = _counts(found)
    if not cells:
        return ""
    most = max(cells.values())
    x = Scale(span.start_s, span.end_s, _LEFT, box.width - 8)
    line = (box.height - 24) / len(bounds)
    wide = max(x(x.low + span.step_s) - x(x.low), 1.0)
    drawn = []
    for (number, at), count in cells.items():
        hint = element("title", text(f"up to {in_unit(bounds[number], unit)}: {in_unit(count, 'short')}"))
        drawn.append(
            element(
                "rect", hint, x=x(at) - wide, y=box.height - 20 - (number + 1) * line, width=wide, height=line - 1,
                fill=_COLOR, opacity=f"{max((count / most) ** 0.5, 0.08):.2f}",
            )
        )  # fmt: skip
    each = max(round(14 / line + 0.5), 1)
    labels = [
        element("text", text(in_unit(bound, unit)), x=_LEFT - 6, y=box.height - 16 - (number + 1) * line,
                text_anchor="end")
        for number, bound in enumerate(bounds)
        if number % each == 0
    ]  # fmt: skip
    drawn = [time_axis(span, x, box), *drawn, *labels]
    return element("svg", *drawn, width=box.width, height=box.height, role="img")


def _counts(found: list[Series]) -> tuple[list[float], dict[tuple[int, float], float]]:
    """The bounds in their order, and the count of each (bound, time): ``le`` counts what is below it, all together."""
    ordered = sorted(found, key=lambda each: float(each.labels["le"].replace("+Inf", "inf")))
    bounds = [float(each.labels["le"].replace("+Inf", "inf")) for each in ordered]
    below: dict[float, float] = {}
    cells: dict[tuple[int, float], float] = {}
    for number, each in enumerate(ordered):
        for at, total in each.points:
            count = total - below.get(at, 0.0)
            below[at] = total
            if count > 1e-9:
                cells[number, at] = count
    return bounds, cells
