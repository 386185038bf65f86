"""Round numbers for axes."""

import math
from datetime import datetime, timedelta, timezone

_STEPS_S = (1, 5, 15, 30, 60, 300, 600, 900, 1_800, 3_600, 10_800, 21_600, 43_200, 86_400)
_DAY_STEPS = (1, 2, 7, 14, 30, 90, 182, 365)


def ticks(low: float, high: float, most: int = 4) -> list[float]:
    """Round values from at or below ``low`` to at or above ``high``, at most ``most`` steps of 1, 2 or 5 times a power
    of ten."""
    if not math.isfinite(high - low):
        return [0.0, 1.0]
    if high - low <= max(1e-300, 1e-9 * max(abs(low), abs(high))):  # one value: a scale around it
        high = low + (abs(low) if abs(low) > 1e-300 else 1.0)
    raw = (high - low) / most
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= raw * (1 - 1e-9))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [index * step for index in range(first, last + 1)]


def time_ticks(start_s: float, end_s: float, offset_s: float, most: int = 5) -> list[tuple[float, str]]:
    """Times at round places of the clock, with their text: 14:05, or 5 Dec."""
    span = end_s - start_s
    if span <= 0:
        return []
    step = next((step for step in _STEPS_S if span / step <= most), None)
    if step is None:
        days = next((days for days in _DAY_STEPS if span / 86_400 / days <= most), _DAY_STEPS[-1])
        step = days * 86_400
    form = "%H:%M:%S" if step < 60 else "%H:%M" if step < 86_400 else "%d %b"
    zone = timezone(timedelta(seconds=offset_s))
    first = math.ceil((start_s + offset_s) / step) * step - offset_s
    count = int((end_s - first) / step) + 1 if first <= end_s else 0
    times = [first + index * step for index in range(min(count, 2 * most))]
    times = [time_s for time_s in times if start_s <= time_s <= end_s]  # the sum may round to just outside
    return [
        (time_s, datetime.fromtimestamp(time_s, zone).strftime(form).lstrip("0" if form == "%d %b" else ""))
        for time_s in times
    ]
