"""Thermal zones and what cools them, under node_exporter's names."""

from tocsin_schema.metric import GAUGE, Metric

TEMPERATURE = Metric(
    "node_thermal_zone_temp",
    GAUGE,
    "celsius",
    "Zone temperature in Celsius",
    emitter="agent",
    labels={"zone": 256, "type": 256},
)
STATE = Metric(
    "node_cooling_device_cur_state",
    GAUGE,
    "",
    "Current throttle state of the cooling device",
    emitter="agent",
    labels={"name": 1024, "type": 64},
)
MOST = Metric(
    "node_cooling_device_max_state",
    GAUGE,
    "",
    "Maximum throttle state of the cooling device",
    emitter="agent",
    labels={"name": 1024, "type": 64},
)
AGE = Metric(
    "tocsin_thermal_zone_age_seconds",
    GAUGE,
    "seconds",
    "How old what a zone or cooling device told is, when it is slow to tell it.",
    emitter="agent",
    labels={"device": 1280},
)

METRICS = (TEMPERATURE, STATE, MOST, AGE)
