"""Numbers and times as people read them."""

import math
from datetime import datetime, timedelta, timezone

DASH = "\N{EN DASH}"


def ratio(value: float | None) -> str:
    """A share in percent with the digits that matter: 0.76 %, 16.3 %, 100 %."""
    if value is None or math.isnan(value):
        return DASH
    percent = value * 100
    if percent == 0 or percent >= 99.95:
        return f"{percent:.0f} %"
    return f"{percent:.2g} %" if percent < 1 else f"{percent:.1f} %"


def number(value: float | None) -> str:
    """Three or four significant digits, thousands grouped."""
    if value is None or math.isnan(value):
        return DASH
    if math.isinf(value):
        return "∞" if value > 0 else "\N{MINUS SIGN}∞"
    if value == round(value) and abs(value) < 1e15:
        return f"{value:,.0f}"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) >= 1e-4 else f"{value:.1e}"


def size(value: float | None) -> str:
    """Bytes in powers of 1024."""
    if value is None or math.isnan(value):
        return DASH
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if abs(value) < 1024 or unit == "TiB":
            break
        value /= 1024
    return f"{value:.0f} {unit}" if unit == "B" or abs(value) >= 100 else f"{value:.1f} {unit}"


def seconds(value: float | None) -> str:
    """A duration with the unit that fits: 3.1 ms, 2.4 s, 5 min, 3 h, 2 d."""
    if value is None or math.isnan(value):
        return DASH
    if value == 0:
        return "0 s"
    for limit, scale, unit in (
        (1e-3, 1e6, "µs"),
        (1, 1e3, "ms"),
        (120, 1, "s"),
        (7200, 1 / 60, "min"),
        (172_800, 1 / 3600, "h"),
    ):
        if value < limit:
            scaled = value * scale
            return f"{scaled:.0f} {unit}" if scaled >= 100 or unit in ("min", "h") else f"{scaled:.3g} {unit}"
    return f"{value / 86_400:.0f} d"


def shown(value: float | None, unit: str) -> str:
    """A value in its unit: ratio, bytes, bytes/s, seconds, celsius, watts, /s, or a plain number."""
    if unit == "ratio":
        return ratio(value)
    if unit in ("bytes", "bytes/s"):
        text = size(value)
        return text + "/s" if unit == "bytes/s" and text != DASH else text
    if unit == "seconds":
        return seconds(value)
    suffix = {"celsius": " °C", "watts": " W", "/s": " /s"}.get(unit, "")
    text = number(value)
    return text + suffix if text != DASH else text


def tick(value: float, unit: str) -> str:
    """A value on an axis: round already, so shorter."""
    return f"{round(value * 100, 6):g} %" if unit == "ratio" else shown(value, unit)


def moment(time_s: float | None, offset_s: float = 0.0, form: str = "%Y-%m-%d %H:%M:%S") -> str:
    """A time in the zone of the windows' days."""
    if time_s is None:
        return DASH
    return datetime.fromtimestamp(time_s, timezone(timedelta(seconds=offset_s))).strftime(form)


def day(time_s: float, offset_s: float = 0.0) -> str:
    """A date: 5 Dec 2013."""
    return moment(time_s, offset_s, "%d %b %Y").lstrip("0")


def window(start_s: float, end_s: float, offset_s: float = 0.0) -> str:
    """A window's name: its day when it is one, else its two ends."""
    if is_day(start_s, end_s, offset_s):
        return day(start_s, offset_s)
    end_form = "%H:%M" if day(start_s, offset_s) == day(end_s, offset_s) else "%d %b %H:%M"
    return f"{moment(start_s, offset_s, '%d %b %Y %H:%M').lstrip('0')} to {moment(end_s, offset_s, end_form)}"


def cell(start_s: float, end_s: float, first: bool, offset_s: float = 0.0) -> str:
    """A window's short name among its neighbours: the day of the month or the hour, with the larger unit where it
    turns."""
    start = moment(start_s, offset_s, "%d %b,%d,%H:%M").split(",")
    if not is_day(start_s, end_s, offset_s):
        return f"{start[0].lstrip('0')} {start[2]}" if first or start[2] == "00:00" else start[2]
    return start[0].lstrip("0") if first or start[1] == "01" else start[1].lstrip("0")


def is_day(start_s: float, end_s: float, offset_s: float = 0.0) -> bool:
    """Whether a window is one day of the windows' zone."""
    return end_s - start_s == 86_400 and (start_s + offset_s) % 86_400 == 0
