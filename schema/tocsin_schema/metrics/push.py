"""How the pushes of the collector's series go, to a remote write receiver and to one of OTLP."""

from tocsin_schema.metric import COUNTER, GAUGE, Metric

OFF_BOARDS = "who pushes sees a gap where the series were to go; Explore has these where the collector is scraped, too"
_TO = {"to": 2}

METRICS = (
    Metric(
        "tocsin_push_samples_total",
        COUNTER,
        "",
        "Samples pushed, by what became of them: sent, refused by the receiver, dropped since too many waited.",
        emitter="collector",
        labels=_TO | {"outcome": 3},
    ),
    Metric(
        "tocsin_push_requests_total",
        COUNTER,
        "",
        "Requests to the receiver by HTTP status; none where no answer came.",
        emitter="collector",
        labels=_TO | {"code": 32},
    ),
    Metric(
        "tocsin_push_waiting_bytes",
        GAUGE,
        "bytes",
        "Size of the requests that wait for the receiver.",
        emitter="collector",
        labels=_TO,
    ),
    Metric(
        "tocsin_push_last_success_timestamp_seconds",
        GAUGE,
        "seconds",
        "When the receiver last took samples, since the Unix epoch.",
        emitter="collector",
        labels=_TO,
    ),
)
