"""The host's clock as it stands, under node_exporter's names."""

from tocsin_schema.metric import GAUGE, Metric

_CLOCKS = {"device": 4, "clocksource": 16}

SECONDS = Metric("node_time_seconds", GAUGE, "seconds", "System time in seconds since epoch (1970).", emitter="agent")
ZONE_OFFSET = Metric(
    "node_time_zone_offset_seconds",
    GAUGE,
    "seconds",
    "System time zone offset in seconds.",
    emitter="agent",
    labels={"time_zone": 1},
)
AVAILABLE = Metric(
    "node_time_clocksource_available_info",
    GAUGE,
    "",
    "Available clocksources read from '/sys/devices/system/clocksource'.",
    emitter="agent",
    labels=_CLOCKS,
)
CURRENT = Metric(
    "node_time_clocksource_current_info",
    GAUGE,
    "",
    "Current clocksource read from '/sys/devices/system/clocksource'.",
    emitter="agent",
    labels=_CLOCKS,
)

METRICS = (SECONDS, ZONE_OFFSET, AVAILABLE, CURRENT)
