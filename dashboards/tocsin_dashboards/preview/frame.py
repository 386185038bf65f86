"""What all charts share: the box they are drawn in, axes, marks, the legend."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from tocsin_dashboards.preview.ask import Span
from tocsin_dashboards.preview.scale import Scale, time_ticks, written
from tocsin_dashboards.preview.svg import cut, element, text

LEGEND_LINE = 18
_LEGEND_LINES = 2
_LETTER = 6.3


@dataclass(frozen=True, slots=True)
class Box:
    """Width and height in pixels."""

    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happened: from when to when, its colour, what it was."""

    start_s: float
    end_s: float
    color: str
    title: str


def value_axis(values: list[float], unit: str, plot: Box) -> tuple[Callable[[Scale], str], float]:
    """How the axis of these ticks is drawn once the scale is known, and how much room it takes on the left."""
    texts = written(values, unit)
    left = 12 + max(len(each) for each in texts) * _LETTER

    def axis(y: Scale) -> str:
        drawn = []
        for value, shown in zip(values, texts, strict=True):
            at = y(value)
            drawn += [
                element("line", class_="grid", x1=left, x2=float(plot.width - 8), y1=at, y2=at),
                element("text", text(shown), x=left - 6, y=at + 4, text_anchor="end"),
            ]
        return "".join(drawn)

    return axis, left


def time_axis(span: Span, x: Scale, plot: Box) -> str:
    """Times below the chart."""
    drawn = []
    for at, shown in time_ticks(span.start_s, span.end_s, max(int(plot.width / 80), 2)):
        half = len(shown) * _LETTER / 2
        # A label that would be cut at an edge is left out, its line stays.
        drawn.append(element("line", class_="grid", x1=x(at), x2=x(at), y1=6, y2=plot.height - 18))
        if x.start - 6 <= x(at) - half and x(at) + half <= plot.width:
            drawn.append(element("text", text(shown), x=x(at), y=plot.height - 3, text_anchor="middle"))
    return "".join(drawn)


def marks(events: list[Mark], x: Scale, y: Scale) -> str:
    """Marks of the board's annotations."""
    drawn = []
    for mark in events:
        start, end = x(max(mark.start_s, x.low)), x(min(mark.end_s, x.high))
        top, height = min(y.start, y.end), abs(y.start - y.end)
        hint = element("title", text(mark.title))
        if end - start > 1:
            drawn.append(
                element("rect", hint, x=start, y=top, width=end - start, height=height, fill=mark.color, opacity=0.12)
            )
        edge = {"stroke": mark.color, "stroke_dasharray": "3 3", "opacity": 0.8}
        drawn.append(element("line", hint, x1=start, x2=start, y1=top, y2=top + height, **edge))
    return "".join(drawn)


def legend(entries: list[tuple[str, str]], width: int) -> tuple[str, int]:
    """The legend, two lines at most, and how many lines it has; what finds no room is counted."""
    kept: list[str] = []
    names = [name for name, _ in entries]
    lines, used = 1, 0.0
    for at, (name, color) in enumerate(entries):
        shown = cut(name, width - 40)
        needed = len(shown) * _LETTER + 28
        reserve = 70 if lines == _LEGEND_LINES and at < len(entries) - 1 else 0
        if used + needed + reserve > width and used:
            if lines == _LEGEND_LINES:
                rest = names[at:]
                kept.append(element("span", f"+{len(rest)} more", class_="more", title="\n".join(rest)))
                break
            lines, used = lines + 1, 0.0
        used += needed
        kept.append(element("span", element("i", style=f"background:{color}"), text(shown), title=name))
    return element("div", *kept, class_="legend"), lines if math.isfinite(used) else 1
