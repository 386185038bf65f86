"""Axes: round ticks that people read, and how they are written."""

import math
from dataclasses import dataclass
from datetime import UTC, datetime

from tocsin_dashboards.units import text

_BINARY = ("bytes",)
_TIME = ("s", "dtdurations")
_TIME_STEPS = (
    1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Scale:
    """From values to pixels, a straight line."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)


def ticks(low: float, high: float, unit: str, most: int = 5) -> list[float]:
    """Round values that span ``low`` to ``high``: at most one more than ``most``."""
    # Less than a millionth of the value is no difference that a tick could tell.
    step = _round(max(high - low, abs(low) * 1e-6, abs(high) * 1e-6, 1e-12) / most, unit)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [number * step for number in range(first, max(last, first + 1) + 1)]


def written(values: list[float], unit: str) -> list[str]:
    """The ticks' texts, with as few decimals as tell them exactly."""
    for decimals in range(4):
        texts = [text(value, unit, decimals) for value in values]
        exact = [text(value, unit, decimals + 2) for value in values]
        if all(_number(a) == _number(b) for a, b in zip(texts, exact, strict=True)):
            return texts
    return [text(value, unit) for value in values]


def time_ticks(start_s: float, end_s: float, most: int) -> list[tuple[float, str]]:
    """Full minutes or hours (UTC) within a span, and how they are written."""
    step = next((step for step in _TIME_STEPS if (end_s - start_s) / step <= most), _TIME_STEPS[-1])
    form = "%H:%M:%S" if step < 60 else "%H:%M" if step < 86_400 else "%m-%d"
    first = math.ceil(start_s / step)
    return [
        (number * step, datetime.fromtimestamp(number * step, UTC).strftime(form))
        for number in range(first, math.floor(end_s / step) + 1)
    ]


def _round(step: float, unit: str) -> float:
    if unit in _TIME and step > 1:
        return next((float(length) for length in _TIME_STEPS if length >= step), _round(step, "none"))
    if unit in _BINARY and step > 1:
        return 2.0 ** math.ceil(math.log2(step) - 1e-9)
    power = 10.0 ** math.floor(math.log10(step))
    return power * next(factor for factor in (1.0, 2.0, 2.5, 5.0, 10.0) if step <= factor * power * (1 + 1e-9))


def _number(shown: str) -> float:
    digits = shown.split(maxsplit=1)[0].rstrip("%").split("B")[0]
    try:
        return float(digits)
    except ValueError:
        return math.nan
