"""Grafana's unit ids that our boards may use, and how a value looks in each.

The texts are Grafana's (``@grafana/data`` valueFormats) closely enough for the preview: 1536 bytes is ``1.50 KiB``.
"""

import math
from datetime import UTC, datetime

_SI = ("", " K", " Mil", " Bil", " Tri")
_BINARY = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
_DECIMAL = ("B/s", "kB/s", "MB/s", "GB/s", "TB/s", "PB/s")
_WATT = ("W", "kW", "MW", "GW")
_PER_SECOND = {
    "ops": "ops/s", "reqps": "req/s", "iops": "io/s", "eps": "evt/s", "mps": "msg/s", "recps": "rec/s",
    "rowsps": "rows/s", "pps": "p/s",
}  # fmt: skip
_SECONDS = ((31_536_000, "years"), (604_800, "weeks"), (86_400, "days"), (3_600, "hours"), (60, "mins"), (1, "s"))
_BELOW_A_SECOND = ((1e-3, "ms"), (1e-6, "µs"), (0, "ns"))

UNITS = frozenset(
    {"none", "short", "percentunit", "bytes", "Bps", "s", "dtdurations", "dateTimeAsIso", "watt", "celsius"}
    | set(_PER_SECOND)
)


def text(value: float, unit: str, decimals: int | None = None) -> str:
    """A value as people read it; NaN and infinities by their names."""
    if not math.isfinite(value):
        return {math.inf: "∞", -math.inf: "-∞"}.get(value, "NaN")
    if unit in _PER_SECOND:
        return f"{_scaled(value, 1000, ('', ' K', ' M', ' G'), decimals)} {_PER_SECOND[unit]}"
    match unit:
        case "percentunit":
            return f"{_number(value * 100, decimals)}%"
        case "bytes":
            return _scaled(value, 1024, tuple(f" {name}" for name in _BINARY), decimals)
        case "Bps":
            return _scaled(value, 1000, tuple(f" {name}" for name in _DECIMAL), decimals)
        case "watt":
            return _scaled(value, 1000, tuple(f" {name}" for name in _WATT), decimals)
        case "celsius":
            return f"{_number(value, decimals)} °C"
        case "s" | "dtdurations":
            return _seconds(value, decimals)
        case "dateTimeAsIso":
            return datetime.fromtimestamp(value / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
        case "short":
            return _scaled(value, 1000, _SI, decimals)
    return _number(value, decimals)


def _scaled(value: float, base: int, names: tuple[str, ...], decimals: int | None) -> str:
    power = 0
    while abs(value) >= base and power < len(names) - 1:
        value /= base
        power += 1
    return _number(value, decimals) + names[power]


def _seconds(value: float, decimals: int | None) -> str:
    size = abs(value)
    if size == 0:
        return "0 s"
    if size < 1:
        length, name = next((length, name) for length, name in _BELOW_A_SECOND if size >= length)
        return f"{_number(value / (length or 1e-9), decimals)} {name}"
    length, name = next((length, name) for length, name in _SECONDS if size >= length)
    return f"{_number(value / length, decimals)} {name}"


def _number(value: float, decimals: int | None) -> str:
    if decimals is None:
        # Three digits that count, as Grafana's automatic decimals give.
        size = abs(value)
        decimals = 0 if size >= 100 or value == round(value) else 1 if size >= 10 else 2 if size >= 0.1 else 3
        shown = f"{value:.{decimals}f}"
        return shown if float(shown) or not value else f"{value:.1g}"
    return f"{value:.{decimals}f}"
