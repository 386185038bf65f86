"""An alert's comparison on the newest values of the fleet, as Prometheus would judge the rule."""

import operator
from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from tocsin_alerts.alert import INCREASE, VALUE, Alert, Comparison, Term
from tocsin_collector.alarms.state import Labels
from tocsin_collector.fleet import rates
from tocsin_collector.fleet.fleet import Fleet

Floats = NDArray[np.float64]

_HOLDS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq, "!=": operator.ne,
}  # fmt: skip


def compared(alerts: Iterable[Alert]) -> set[str]:
    """The metrics that the comparisons of alerts read."""
    found = [alert.comparison for alert in alerts if alert.comparison is not None]
    return {term.metric for each in found for term in (each.term, each.over) if term is not None}


def holding(comparison: Comparison, fleet: Fleet) -> dict[Labels, float]:
    """The label sets for which the comparison holds now, and their value."""
    holds = _HOLDS[comparison.op]
    values = _values(comparison.term, comparison.by, fleet)
    if comparison.over is not None:
        below = _values(comparison.over, comparison.by, fleet)
        values = {
            labels: value / below[labels]
            for labels, value in values.items()
            if below.get(labels, 0) > max(0.0, comparison.least)
        }
    return {labels: value for labels, value in values.items() if holds(value, comparison.threshold)}


def _values(term: Term, by: tuple[str, ...] | None, fleet: Fleet) -> dict[Labels, float]:
    found: dict[Labels, float] = {}
    for labels, times, row in fleet.current(term.metric, term.match):
        value = _value(term, times, row)
        if value is not None:
            key = _key(labels, by)
            found[key] = value + (found.get(key, 0.0) if by is not None else 0.0)
    return found


def _key(labels: dict[str, str], by: tuple[str, ...] | None) -> Labels:
    names = sorted(labels) if by is None else sorted(name for name in by if labels.get(name))
    return tuple((name, labels[name]) for name in names)


def _value(term: Term, times: Floats, row: Floats) -> float | None:
    """The term of one series; None where its newest scrape lacks it or its window has no two points."""
    if not len(row) or np.isnan(row[-1]):
        return None
    if term.function == VALUE:
        return float(row[-1])
    if term.function == INCREASE:
        gained = rates.births(row[np.newaxis])[0][times[1:] > times[-1] - term.window_s]
        return float(np.nansum(gained))
    rate = float(rates.rate_over(times, row[np.newaxis], term.window_s)[0])
    return None if np.isnan(rate) else rate
