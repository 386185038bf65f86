"""How a value is written in an alert's texts: by the collector, and by Prometheus' templates to the same characters.

Each unit has both sides here. Python's and Go's ``%g`` and ``%f`` round alike; they differ in what is not finite. A
unit is empty (any number), ``ratio`` (as percent) or ``count`` (of whole things: an ``increase`` need not be whole).
"""

from collections.abc import Callable
from math import isfinite, isnan

_Write = Callable[[float], str]

_UNITS: dict[str, tuple[_Write, str]] = {
    "": (lambda value: _go(value, ".4g"), 'printf "%.4g"'),
    "ratio": (lambda value: _go(value * 100, ".4g") + " %", 'humanizePercentage | reReplaceAll "%" " %"'),
    "count": (lambda value: _go(value, ".0f"), 'printf "%.0f"'),
}

UNITS = tuple(_UNITS)


def written(value: float, unit: str) -> str:
    """A value as people read it."""
    return _UNITS[unit][0](value)


def template(unit: str) -> str:
    """The pipeline of Prometheus' templates that writes the same."""
    return f"$value | {_UNITS[unit][1]}"


def _go(value: float, form: str) -> str:
    if isfinite(value):
        return format(value, form)
    return "NaN" if isnan(value) else "+Inf" if value > 0 else "-Inf"
