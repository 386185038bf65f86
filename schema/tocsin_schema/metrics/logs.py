"""The log store: the embedded one, or Elasticsearch."""

from tocsin_schema.metric import COUNTER, GAUGE, Metric

METRICS = (
    Metric(
        "tocsin_logs_records_total",
        COUNTER,
        "",
        "Log records received, by what became of them: accepted, duplicate or rejected.",
        emitter="collector",
        labels={"outcome": 3},
    ),
    Metric("tocsin_logs_stored_records", GAUGE, "", "Log records in the embedded store.", emitter="collector"),
    Metric(
        "tocsin_logs_expired_records_total",
        COUNTER,
        "",
        "Log records that retention removed, the oldest first.",
        emitter="collector",
    ),
    Metric("tocsin_logs_store_bytes", GAUGE, "bytes", "Size of the embedded log store on disk.", emitter="collector"),
    Metric(
        "tocsin_logs_write_failures_total",
        COUNTER,
        "",
        "Batches of log records that the store could not write; their senders were told to come back.",
        emitter="collector",
    ),
    Metric(
        "tocsin_trace_spans_dropped_total",
        COUNTER,
        "",
        "Spans of the collector's own traces that were dropped because the log store was away for too long.",
        emitter="collector",
    ),
)
