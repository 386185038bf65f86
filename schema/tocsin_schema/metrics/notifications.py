"""Notifications of Alertmanager and Grafana that the collector delivers."""

from tocsin_schema.metric import COUNTER, Metric

METRICS = (
    Metric(
        "tocsin_notifications_received_total",
        COUNTER,
        "",
        "Notifications that came to /v1/notifications: accepted, duplicate (all of it was told before), or refused.",
        emitter="collector",
        labels={"outcome": 3},
    ),
)
