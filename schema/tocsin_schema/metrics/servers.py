"""The servers that the collector is configured with: do they answer."""

from tocsin_schema.metric import GAUGE, Metric

METRICS = (
    Metric(
        "tocsin_server_up",
        GAUGE,
        "",
        "1 when a configured server answered as it should when it was last asked, else 0.",
        emitter="collector",
        labels={"server": 4},
    ),
    Metric(
        "tocsin_server_last_answer_timestamp_seconds",
        GAUGE,
        "seconds",
        "When a configured server last answered, seconds since the Unix epoch; absent until it has.",
        emitter="collector",
        labels={"server": 4},
    ),
)
