"""Charts as SVG made on the server: no script, no style attribute, readable by screen readers and by `curl`.

A chart fills its box at any width without its text being stretched: lines stand in an inner SVG whose coordinates are
stretched (``preserveAspectRatio="none"``, strokes not scaled), texts and dots in the outer one at percentages.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from tocsin_collector.page import scale
from tocsin_collector.page.numbers import shown, tick

Floats = NDArray[np.float64]

_HEIGHT = 132
_TOP, _BOTTOM = 14, 20


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a chart. ``style`` is a class of the style sheet: a, b, reference, baseline or bound."""

    name: str
    times: Sequence[float] | Floats
    values: Sequence[float | None] | Floats
    style: str = "a"


@dataclass(frozen=True, slots=True)
class Mark:
    """A dot of a timeline: where, whether it alarms, what it says, where it leads."""

    time_s: float
    value: float | None
    alarm: bool
    text: str
    href: str = ""
    width_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Frame:
    """The two axes of a chart, from times and values to percent across and pixels down."""

    start_s: float
    end_s: float
    low: float
    high: float

    def x(self, time_s: float) -> float:
        """Percent from the left."""
        return 100 * (time_s - self.start_s) / ((self.end_s - self.start_s) or 1)

    def y(self, value: float) -> float:
        """Pixels from the top."""
        share = (value - self.low) / ((self.high - self.low) or 1)
        return _TOP + (1 - min(1.0, max(0.0, share))) * (_HEIGHT - _TOP - _BOTTOM)


def sparkline(times: Floats, values: Floats, label: str, low: float | None = 0.0, high: float | None = None) -> Markup:
    """A small curve with its area, no axes; ``label`` is what it says to those who do not see it."""
    finite = values[np.isfinite(values)]
    if len(finite) < 2:
        return Markup('<svg class="spark" role="img" aria-label="{}"></svg>').format(label + ": no curve yet")
    bottom = float(finite.min()) if low is None else low
    top = max(float(finite.max()), bottom) if high is None else high
    top = top if top > bottom else bottom + 1
    times, values = _thinned(times, values, 40)
    x = 100 * (times - times[0]) / ((times[-1] - times[0]) or 1)
    y = 28 - 26 * (np.clip(values, bottom, top) - bottom) / (top - bottom)
    runs = _runs(times, x, y)
    area = "".join(f"M{run[0][0]:.1f} 30L" + _points(run) + f"L{run[-1][0]:.1f} 30Z" for run in runs)
    line = "".join("M" + _points(run) for run in runs)
    return Markup(
        '<svg class="spark" viewBox="0 0 100 30" preserveAspectRatio="none" role="img" aria-label="{}">'
        '<path class="area" d="{}"/><path class="line a" d="{}"/></svg>'
    ).format(label, area, line)


def lines(
    drawn: Sequence[Line],
    title: str,
    unit: str,
    *,
    zero: bool = True,
    offset_s: float = 0.0,
    marks: Sequence[Mark] = (),
    bounds: tuple[float, float] | None = None,
) -> Markup:
    """A chart with both axes. ``marks`` are dots with a text and a link of their own; ``zero`` begins the scale at 0.

    ``bounds`` fixes the time axis; else it spans what is drawn.
    """
    times = [float(time_s) for line in drawn for time_s in line.times] + [mark.time_s for mark in marks]
    values = [float(value) for line in drawn for value in line.values if value is not None and math.isfinite(value)]
    values += [mark.value for mark in marks if mark.value is not None and math.isfinite(mark.value)]
    if not values or not times:
        return Markup('<p class="empty small">No value yet.</p>')
    start, end = bounds or (min(times), max(times))
    levels = scale.ticks(min(0.0, *values) if zero else min(values), max(values), 3)
    frame = Frame(start, end if end > start else start + 1, levels[0], levels[-1])
    parts = [*_grid(frame, levels), *_time_axis(frame, offset_s), _curves(frame, drawn), *_dots(frame, marks)]
    axis = [(frame.y(level), tick(level, unit)) for level in levels]
    return _plot(_HEIGHT, title, _summary(drawn, marks, unit), axis, parts)


def _plot(
    height: int, title: str, description: str, axis: Sequence[tuple[float, str]], parts: Sequence[Markup]
) -> Markup:
    """The value axis in a gutter of its own, since pixels and percents do not add up inside one SVG; then the plot."""
    labels = Markup("").join(
        Markup('<text class="tick" x="42" y="{}" text-anchor="end">{}</text>').format(f"{y + 4:.1f}", text)
        for y, text in axis
    )
    return Markup(
        '<div class="plot"><svg class="axis" width="48" height="{}" aria-hidden="true">{}</svg>'
        '<svg class="chart" height="{}" role="img"><title>{}</title><desc>{}</desc>{}</svg></div>'
    ).format(height, labels, height, title, description, Markup("").join(parts))


def _grid(frame: Frame, levels: Sequence[float]) -> list[Markup]:
    return [_level(frame.y(level)) for level in levels]


def _level(y: float) -> Markup:
    return Markup('<line class="grid" x1="0" x2="100%" y1="{}" y2="{}"/>').format(f"{y:.1f}", f"{y:.1f}")


def _time_axis(frame: Frame, offset_s: float) -> list[Markup]:
    parts = []
    for time_s, text in scale.time_ticks(frame.start_s, frame.end_s, offset_s, 4):
        x = frame.x(time_s)
        anchor = "start" if x < 6 else "end" if x > 94 else "middle"
        parts.append(
            Markup('<text class="tick" x="{}%" y="{}" text-anchor="{}">{}</text>').format(
                f"{x:.2f}", _HEIGHT - 4, anchor, text
            )
        )
    return parts


def _curves(frame: Frame, drawn: Sequence[Line]) -> Markup:
    paths = []
    for line in drawn:
        times = np.asarray(line.times, np.float64)
        values = np.array([np.nan if value is None else float(value) for value in line.values], np.float64)
        times, values = _thinned(times, values)
        if len(times) == 1 and line.style in ("bound", "reference", "baseline"):
            times, values = np.array([frame.start_s, frame.end_s]), np.repeat(values, 2)
        x = 100 * (times - frame.start_s) / (frame.end_s - frame.start_s)
        y = np.array([frame.y(value) if np.isfinite(value) else np.nan for value in values.tolist()])
        path = "".join("M" + _points(run) for run in _runs(times, x, y))
        paths.append(Markup('<path class="line {}" d="{}"/>').format(line.style, path))
    return Markup(
        '<svg x="0" y="0" width="100%" height="{}" viewBox="0 0 100 {}" preserveAspectRatio="none">{}</svg>'
    ).format(_HEIGHT, _HEIGHT, Markup("").join(paths))


def _dots(frame: Frame, marks: Sequence[Mark]) -> list[Markup]:
    parts = []
    for mark in marks:
        known = mark.value is not None and math.isfinite(mark.value)
        y = frame.y(mark.value) if known and mark.value is not None else _HEIGHT - _BOTTOM
        kind = "dot alarm" if mark.alarm else "dot" if known else "dot unknown"
        radius = 3.5 if mark.alarm else 1.8
        x = frame.x(mark.time_s)
        half = 50 * mark.width_s / (frame.end_s - frame.start_s)
        left, right = max(0.0, x - half), min(100.0, x + half)
        area = Markup('<rect class="hit" x="{}%" y="0" width="{}%" height="{}"/>').format(
            f"{left:.2f}", f"{right - left:.2f}", _HEIGHT
        )
        dot = Markup('<circle class="{}" cx="{}%" cy="{}" r="{}"/>').format(kind, f"{x:.2f}", f"{y:.1f}", radius)
        inner = Markup("<title>{}</title>{}{}").format(mark.text, area, dot)
        # The chart's link is one stop of the keyboard's walk in the table below; here it serves the pointer.
        if mark.href:
            parts.append(Markup('<a href="{}" tabindex="-1">{}</a>').format(mark.href, inner))
        else:
            parts.append(Markup("<g>{}</g>").format(inner))
    return parts


def _thinned(times: Floats, values: Floats, stretches: int = 240) -> tuple[Floats, Floats]:
    """At most two points a stretch: of each its smallest and its largest, so that no spike is lost."""
    if len(times) <= 2 * stretches:
        return times, values
    keep = []
    for stretch in np.array_split(np.arange(len(times)), stretches):
        part = values[stretch]
        if np.isnan(part).all():
            keep.append(int(stretch[0]))
        else:
            keep += sorted({int(stretch[np.nanargmin(part)]), int(stretch[np.nanargmax(part)])})
    return times[keep], values[keep]


def _runs(times: Floats, x: Floats, y: Floats) -> list[list[tuple[float, float]]]:
    """The curve in pieces: it ends at an unknown value and at a gap in time (three times the usual step)."""
    usual = float(np.median(np.diff(times))) if len(times) > 2 else math.inf
    runs: list[list[tuple[float, float]]] = []
    last = -math.inf
    for time_s, left, down in zip(times.tolist(), x.tolist(), y.tolist(), strict=True):
        if math.isnan(down):
            last = -math.inf
            continue
        if not runs or time_s - last > 3 * usual or last == -math.inf:
            runs.append([])
        runs[-1].append((left, down))
        last = time_s
    return [run if len(run) > 1 else [run[0], (run[0][0] + 0.5, run[0][1])] for run in runs]


def _points(run: Sequence[tuple[float, float]]) -> str:
    return "L".join(f"{x:.2f} {y:.1f}" for x, y in run)


def _summary(drawn: Sequence[Line], marks: Sequence[Mark], unit: str) -> str:
    said = []
    for line in drawn:
        known = [float(value) for value in line.values if value is not None and math.isfinite(value)]
        if known:
            low, high = shown(min(known), unit), shown(max(known), unit)
            said.append(f"{line.name}: {shown(known[-1], unit)} now, from {low} to {high}")
    alarms = sum(mark.alarm for mark in marks)
    if marks:
        said.append(f"{alarms} of {len(marks)} windows alarm")
    return "; ".join(said)


def shares(reference: Sequence[float], current: Sequence[float], cells: Sequence[str], title: str) -> Markup:
    """Two shares a cell side by side as columns: the reference's behind, the window's before it."""
    top = max([*reference, *current, 1e-9])
    levels = [level for level in scale.ticks(0, top, 4) if level <= top * 1.02 or level == 0]
    height, floor = 260, 238
    scale_y = (floor - 16) / top
    parts = [_level(floor - level * scale_y) for level in levels]
    width = 100 / max(1, len(cells))
    labelled = _labelled(len(cells))
    for index, (cell, before, now) in enumerate(zip(cells, reference, current, strict=True)):
        left = index * width
        text = f"{cell}: {shown(now, 'ratio')} now, {shown(before, 'ratio')} in the reference"
        bars = Markup("").join(
            Markup('<rect class="{}" x="{}%" y="{}" width="{}%" height="{}"/>').format(
                kind,
                f"{left + width * inset:.2f}",
                f"{floor - share * scale_y:.1f}",
                f"{width * (1 - 2 * inset):.2f}",
                f"{share * scale_y:.1f}",
            )
            for kind, share, inset in (("bar reference", before, 0.06), ("bar now", now, 0.26))
        )
        parts.append(Markup("<g><title>{}</title>{}</g>").format(text, bars))
        if index in labelled:
            anchor, at, kind = labelled[index]
            parts.append(
                Markup('<text class="tick{}" x="{}%" y="{}" text-anchor="{}">{}</text>').format(
                    kind,
                    f"{left + width * at:.2f}",
                    height - 6,
                    anchor,
                    cell if len(cell) <= 14 else cell[:13] + "…",
                )
            )
    axis = [(floor - level * scale_y, tick(level, "ratio")) for level in levels]
    return _plot(height, title, "The table beside has the numbers.", axis, parts)


def _labelled(cells: int) -> dict[int, tuple[str, float, str]]:
    """Which columns have their name beneath: its anchor, where in the column that is, and its class. Of more than five
    columns it is five, of which a narrow chart leaves away ``more``, and a very narrow one ``middle`` too."""
    if cells <= 5:
        return dict.fromkeys(range(cells), ("middle", 0.5, ""))
    last = cells - 1
    between = {round(last * quarter / 4): (" more", " middle")[quarter == 2] for quarter in (1, 3, 2)}
    ends: dict[int, tuple[str, float, str]] = {0: ("start", 0.0, ""), last: ("end", 1.0, "")}
    return {index: ("middle", 0.5, kind) for index, kind in between.items()} | ends


def meter(share: float, other: float | None, label: str) -> Markup:
    """A bar of a table's row: a share, and a tick where the reference's stands."""
    tick = Markup("")
    if other is not None:
        tick = Markup('<rect class="tickmark" x="{}%" width="2" height="100%"/>').format(
            f"{min(99.5, 100 * other):.2f}"
        )
    return Markup(
        '<svg class="meter" role="img" aria-label="{}"><rect class="bar now" width="{}%" height="100%"/>{}</svg>'
    ).format(label, f"{100 * min(1.0, share):.2f}", tick)
