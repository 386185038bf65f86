"""How the push of the collector's series to a remote write receiver goes."""

from tocsin_schema.metric import COUNTER, GAUGE, Metric

METRICS = (
    Metric(
        "tocsin_remote_write_samples_total",
        COUNTER,
        "",
        "Samples pushed, by what became of them: sent, refused by the receiver, dropped since too many waited.",
        emitter="collector",
        labels={"outcome": 3},
    ),
    Metric(
        "tocsin_remote_write_requests_total",
        COUNTER,
        "",
        "Requests to the receiver by HTTP status; none where no answer came.",
        emitter="collector",
        labels={"code": 32},
    ),
    Metric(
        "tocsin_remote_write_waiting_bytes",
        GAUGE,
        "bytes",
        "Size of the requests that wait for the receiver.",
        emitter="collector",
    ),
    Metric(
        "tocsin_remote_write_last_success_timestamp_seconds",
        GAUGE,
        "seconds",
        "When the receiver last took a request, since the Unix epoch.",
        emitter="collector",
    ),
)
