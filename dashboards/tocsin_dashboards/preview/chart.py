"""Time series: lines, stacked areas and bars over two axes, with thresholds, marks and a legend."""

from collections.abc import Sequence
from typing import Any

from tocsin_dashboards.preview import colors
from tocsin_dashboards.preview.ask import Series, Span
from tocsin_dashboards.preview.frame import LEGEND_LINE, Box, Mark, legend, marks, time_axis, value_axis
from tocsin_dashboards.preview.scale import Scale, ticks
from tocsin_dashboards.preview.svg import element, text
from tocsin_dashboards.units import text as in_unit

Json = dict[str, Any]
Points = Sequence[tuple[float, float]]


def draw(panel: Json, found: list[Series], span: Span, box: Box, events: list[Mark]) -> str:
    """The chart and its legend."""
    defaults = panel["fieldConfig"]["defaults"]
    custom = defaults["custom"]
    shown = [(each, colors.series(number), _dashed(panel, each.ref)) for number, each in enumerate(found)]
    entries, lines = legend([(each.name, color) for each, color, _ in shown], box.width)
    plot = Box(box.width, box.height - lines * LEGEND_LINE)
    stacked = custom["stacking"]["mode"] == "normal"
    layers = _stack([each.points for each in found]) if stacked else [(each.points, ()) for each in found]
    values = ticks(*_domain(layers, defaults), defaults["unit"])
    axis, left = value_axis(values, defaults["unit"], plot)
    x = Scale(span.start_s, span.end_s, left, plot.width - 8)
    y = Scale(values[0], values[-1], plot.height - 18, 6)
    drawn = [axis(y), time_axis(span, x, plot), marks(events, x, y)]
    for (each, color, dashed), (upper, lower) in zip(shown, layers, strict=True):
        hint = element("title", text(f"{each.name}: {in_unit(each.last, defaults['unit'], defaults.get('decimals'))}"))
        if custom["drawStyle"] == "bars":
            drawn.append(element("g", hint, _bars(upper, x, y, span.step_s), fill=color))
        else:
            fill = custom["fillOpacity"] / 100 if not dashed else 0
            drawn.append(element("g", hint, _line(upper, lower, x, y, span.step_s, color, fill, dashed=dashed)))
    drawn.append(_thresholds(defaults, y, left, plot))
    return element("svg", *drawn, width=plot.width, height=plot.height, role="img") + entries


def _dashed(panel: Json, ref: str) -> bool:
    return any(override["matcher"]["options"] == ref for override in panel["fieldConfig"]["overrides"])


def _domain(layers: Sequence[tuple[Points, Points]], defaults: Json) -> tuple[float, float]:
    values = [value for upper, _ in layers for _, value in upper if abs(value) != float("inf")] or [0.0]
    low, high = min(values), max(values)
    low = defaults.get("min", low) if defaults.get("min") is None or low >= defaults["min"] else low
    high = max(high, defaults["max"]) if "max" in defaults else high
    if low == high:
        high = low + (abs(low) or 1)
    return low, high


def _stack(layers: Sequence[Points]) -> list[tuple[Points, Points]]:
    """Each layer on top of those before it: its upper and its lower edge."""
    total: dict[float, float] = {}
    found: list[tuple[Points, Points]] = []
    for points in layers:
        lower = tuple((at, total.get(at, 0.0)) for at, _ in points)
        for at, value in points:
            total[at] = total.get(at, 0.0) + value
        found.append((tuple((at, total[at]) for at, _ in points), lower))
    return found


def _line(
    upper: Points, lower: Points, x: Scale, y: Scale, step_s: float, color: str, fill: float, *, dashed: bool
) -> str:
    drawn = []
    for first, last in _runs(upper, step_s):
        run = upper[first:last]
        edge = [f"{x(at):.1f},{y(value):.1f}" for at, value in run]
        below = [f"{x(at):.1f},{y(value):.1f}" for at, value in reversed(lower[first:last])]
        below = below or [f"{x(run[-1][0]):.1f},{y(y.low):.1f}", f"{x(run[0][0]):.1f},{y(y.low):.1f}"]
        if fill:
            drawn.append(element("polygon", points=" ".join([*edge, *below]), fill=color, opacity=fill))
        if len(edge) == 1:
            place = edge[0].split(",")
            drawn.append(element("circle", cx=place[0], cy=place[1], r=1.5, fill=color))
            continue
        dash = {"stroke_dasharray": "5 4"} if dashed else {}
        drawn.append(element("polyline", points=" ".join(edge), fill="none", stroke=color, stroke_width="1.4", **dash))
    return "".join(drawn)


def _runs(points: Points, step_s: float) -> list[tuple[int, int]]:
    """Where points follow each other without a gap: first and one past last."""
    breaks = [0]
    breaks += [at for at in range(1, len(points)) if points[at][0] - points[at - 1][0] > 1.5 * step_s]
    return list(zip(breaks, [*breaks[1:], len(points)], strict=True))


def _bars(points: Points, x: Scale, y: Scale, step_s: float) -> str:
    width = max((x(x.low + step_s) - x(x.low)) * 0.8, 1.0)
    return "".join(
        element("rect", x=x(at) - width / 2, y=y(value), width=width, height=max(y(y.low) - y(value), 0.0))
        for at, value in points
        if value > 0
    )


def _thresholds(defaults: Json, y: Scale, left: float, plot: Box) -> str:
    drawn = []
    if defaults["custom"]["thresholdsStyle"]["mode"] == "off":
        return ""
    for step in defaults.get("thresholds", {}).get("steps", []):
        value = step["value"]
        if value is None or not y.low <= value <= y.high:
            continue
        drawn.append(
            element(
                "line", x1=left, x2=float(plot.width - 8), y1=y(value), y2=y(value),
                stroke=colors.NAMED[step["color"]], stroke_width="1", stroke_dasharray="8 4",
            )
        )  # fmt: skip
    return "".join(drawn)
