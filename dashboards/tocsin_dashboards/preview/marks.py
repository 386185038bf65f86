"""A board's annotations as marks on its charts."""

import math
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from tocsin_dashboards.preview.ask import Prometheus, PrometheusError, Span, filled, legend
from tocsin_dashboards.preview.colors import NAMED
from tocsin_dashboards.preview.frame import Mark

Json = dict[str, Any]


def found(prometheus: Prometheus, board: Json, span: Span, variables: Mapping[str, str]) -> list[Mark]:
    """The marks within the span; an annotation that Prometheus refuses has none, as in Grafana."""
    marks: list[Mark] = []
    for annotation in board["annotations"]["list"]:
        try:
            expr = filled(annotation["expr"], {**variables, **span.values()})
            for labels, points in prometheus.over(expr, span):
                title, color = legend(annotation["titleFormat"], labels), NAMED[annotation["iconColor"]]
                told = _told(points) if annotation["useValueForTime"] else _while(points, span.step_s)
                marks += [Mark(start, end, color, title) for start, end in told]
        except PrometheusError:
            continue
    return [mark for mark in marks if mark.end_s >= span.start_s and mark.start_s <= span.end_s]


def _told(points: tuple[tuple[float, float], ...]) -> list[tuple[float, float]]:
    """The times that the values tell, in milliseconds, each once."""
    values = dict.fromkeys(value for _, value in points if math.isfinite(value))
    return [(value / 1000, value / 1000) for value in values]


def _while(points: tuple[tuple[float, float], ...], step_s: float) -> list[tuple[float, float]]:
    """From when to when there was a value."""
    start = points[0][0]
    stretches = []
    for (before, _), (at, _) in pairwise(points):
        if at - before > 1.5 * step_s:
            stretches.append((start, before))
            start = at
    return [*stretches, (start, points[-1][0])]
