"""Load averages, under node_exporter's names."""

from tocsin_schema.metric import GAUGE, Metric

METRICS = (
    Metric("node_load1", GAUGE, "", "1m load average.", emitter="agent"),
    Metric("node_load5", GAUGE, "", "5m load average.", emitter="agent"),
    Metric("node_load15", GAUGE, "", "15m load average.", emitter="agent"),
)
