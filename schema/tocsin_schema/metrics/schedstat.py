"""The scheduler's times, a CPU each, under node_exporter's names."""

from tocsin_schema.metric import COUNTER, Metric

_CPU = {"cpu": 1024}

RUNNING = Metric(
    "node_schedstat_running_seconds_total",
    COUNTER,
    "seconds",
    "Number of seconds CPU spent running a process.",
    emitter="agent",
    labels=_CPU,
)
WAITING = Metric(
    "node_schedstat_waiting_seconds_total",
    COUNTER,
    "seconds",
    "Number of seconds spent by processing waiting for this CPU.",
    emitter="agent",
    labels=_CPU,
)
TIMESLICES = Metric(
    "node_schedstat_timeslices_total",
    COUNTER,
    "",
    "Number of timeslices executed by CPU.",
    emitter="agent",
    labels=_CPU,
)

METRICS = (RUNNING, WAITING, TIMESLICES)
