"""A calibration curve as inline SVG: what the scores said across, what happened upwards."""

from collections.abc import Sequence

from markupsafe import Markup

from tocsin_collector.page.numbers import ratio
from tocsin_collector.quality.calibration import Point

_SIZE, _LEFT, _TOP = 200, 40, 8


def curve(points: Sequence[Point], title: str) -> Markup:
    """The points with their intervals beside the diagonal on which they should lie."""
    marks = [(0, "0"), (0.5, "50 %"), (1, "100 %")]
    labels = [_label(_x(at), _SIZE + _TOP + 16, "middle", text) for at, text in marks]
    labels += [_label(_LEFT - 5, _y(at) + 4, "end", text) for at, text in marks]
    path = "M" + "L".join(f"{_x(point.said):.1f} {_y(point.happened.value):.1f}" for point in points)
    diagonal = f"M{_x(0)} {_y(0)}L{_x(1)} {_y(1)}"
    drawn = [Markup('<path class="line {}" d="{}"/>').format(*one) for one in (("baseline", diagonal), ("a", path))]
    return Markup('<svg class="square" viewBox="0 0 {} {}" role="img"><title>{}</title>{}</svg>').format(
        _LEFT + _SIZE + 26, _SIZE + _TOP + 22, title, Markup("").join([*labels, *drawn, *map(_mark, points)])
    )


def _mark(point: Point) -> Markup:
    low, high = point.happened.low or 0.0, point.happened.high or 0.0
    said, happened = ratio(point.said), ratio(point.happened.value)
    text = f"said {said}, happened {happened} ({ratio(low)} to {ratio(high)}), {point.rows:,} rows"
    return Markup(
        '<g><title>{}</title><line class="whisker" x1="{x}" x2="{x}" y1="{}" y2="{}"/>'
        '<circle class="dot" cx="{x}" cy="{}" r="3"/></g>'
    ).format(text, f"{_y(low):.1f}", f"{_y(high):.1f}", f"{_y(point.happened.value):.1f}", x=f"{_x(point.said):.1f}")


def _label(x: float, y: float, anchor: str, text: str) -> Markup:
    return Markup('<text class="tick" x="{}" y="{}" text-anchor="{}">{}</text>').format(x, y, anchor, text)


def _x(share: float) -> float:
    return _LEFT + share * _SIZE


def _y(share: float) -> float:
    return _TOP + (1 - share) * _SIZE
