"""Reports that the collector makes by itself."""

from tocsin_schema.metric import COUNTER, Metric

OFF_BOARDS = "a model's page lists its reports and says why one is lacking; most collectors make none by themselves"
METRICS = (
    Metric(
        "tocsin_reports_total",
        COUNTER,
        "",
        "Reports of the schedule by outcome: made, empty (no row in the span), failed.",
        emitter="collector",
        labels={"outcome": 3},
    ),
    Metric(
        "tocsin_report_seconds_total",
        COUNTER,
        "seconds",
        "Time that they took, one after the other, in a thread of their own.",
        emitter="collector",
    ),
)
