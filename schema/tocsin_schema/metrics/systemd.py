"""The units of systemd, under node_exporter's names."""

from tocsin_schema.metric import COUNTER, GAUGE, Metric

UNITS = 4096
STATES = ("active", "activating", "deactivating", "inactive", "failed")


def _metric(name: str, help: str, labels: dict[str, int] | None = None, type: str = GAUGE, unit: str = "") -> Metric:
    return Metric(f"node_systemd_{name}", type, unit, help, emitter="agent", labels=labels)


UNIT_STATE = _metric("unit_state", "Systemd unit", {"name": UNITS, "state": len(STATES), "type": 16})
SUMMARY = _metric("units", "Summary of systemd unit states", {"state": 16})
RUNNING = _metric("system_running", "Whether the system is operational (see 'systemctl is-system-running')")
VERSION = _metric("version", "Detected systemd version", {"version": 1})
VIRTUALIZATION = _metric("virtualization_info", "Detected virtualization technology", {"virtualization_type": 1})
LAST_TRIGGER = _metric(
    "timer_last_trigger_seconds", "Seconds since epoch of last trigger.", {"name": UNITS}, unit="seconds"
)
ACCEPTED = _metric(
    "socket_accepted_connections_total", "Total number of accepted socket connections", {"name": UNITS}, COUNTER
)
CONNECTIONS = _metric("socket_current_connections", "Current number of socket connections", {"name": UNITS})
REFUSED = _metric("socket_refused_connections_total", "Total number of refused socket connections", {"name": UNITS})
AGE = Metric(
    "tocsin_systemd_age_seconds",
    GAUGE,
    "seconds",
    "How old what systemd told is, when it is slow to tell it.",
    emitter="agent",
)

METRICS = (
    *(UNIT_STATE, SUMMARY, RUNNING, VERSION, VIRTUALIZATION, LAST_TRIGGER, ACCEPTED, CONNECTIONS, REFUSED),
    AGE,
)
