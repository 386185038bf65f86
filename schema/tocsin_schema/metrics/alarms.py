"""Alarms that the collector raises by itself, and what became of their messages."""

from tocsin_schema.metric import COUNTER, GAUGE, Metric

METRICS = (
    Metric(
        "tocsin_alerts_firing",
        GAUGE,
        "",
        "Alarms that fire now, by alert; an alert that the collector judges and that is silent stands at 0.",
        emitter="collector",
        labels={"alertname": 64, "severity": 3},
    ),
    Metric(
        "tocsin_notifications_total",
        COUNTER,
        "",
        "Attempts to deliver a message to a target: delivered, retried, or failed for good.",
        emitter="collector",
        labels={"outcome": 3},
    ),
    Metric("tocsin_notifications_waiting", GAUGE, "", "Messages that wait for their delivery.", emitter="collector"),
    Metric(
        "tocsin_alert_evaluation_failures_total",
        COUNTER,
        "",
        "Rounds of alert evaluation that failed.",
        emitter="collector",
    ),
    Metric(
        "tocsin_alert_evaluation_timestamp_seconds",
        GAUGE,
        "seconds",
        "When alerts were last evaluated, seconds since the Unix epoch.",
        emitter="collector",
    ),
)
