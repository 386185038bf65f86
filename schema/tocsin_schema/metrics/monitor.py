"""What the collector counts of the events of a model."""

from tocsin_schema.metric import COUNTER, GAUGE, HISTOGRAM, Metric

_MODEL = {"project": 100, "model": 1_000, "version": 100}

METRICS = (
    Metric(
        "tocsin_daily_looks_total",
        COUNTER,
        "",
        "Days of models that were looked at for how features go together, a second opinion.",
        emitter="collector",
    ),
    Metric(
        "tocsin_daily_look_failures_total",
        COUNTER,
        "",
        "Those that failed; the log says why, and the day has no second opinion.",
        emitter="collector",
    ),
    Metric(
        "tocsin_daily_look_cpu_seconds_total",
        COUNTER,
        "seconds",
        "CPU that they took, in a thread of their own.",
        emitter="collector",
    ),
    Metric(
        "tocsin_events_unwatched_total",
        COUNTER,
        "",
        "Events of model versions beyond the thousand that are watched; they are in the journal and in no window.",
        emitter="collector",
    ),
    Metric(
        "tocsin_events_late_total",
        COUNTER,
        "",
        "Predictions of a window that was sealed before they came, or too far behind the stream's watermark; they are "
        "in the journal and in no window.",
        emitter="collector",
        labels=_MODEL,
    ),
    Metric(
        "tocsin_events_early_total",
        COUNTER,
        "",
        "Predictions so far ahead of the stream's watermark that the rest of the stream contradicted them; they are in "
        "the journal and in no window.",
        emitter="collector",
        labels=_MODEL,
    ),
    Metric(
        "tocsin_series_folded",
        GAUGE,
        "",
        "Series that are not on /metrics by themselves, by the budget that they are beyond: model or project.",
        emitter="collector",
        labels={"project": 100, "reason": 2},
    ),
    Metric(
        "tocsin_window_segment_rows",
        GAUGE,
        "",
        "Predictions in the newest closed window by a segment's value; _other has those that are not shown by "
        "themselves.",
        emitter="collector",
        labels=_MODEL | {"segment": 16, "value": 65},
    ),
    Metric(
        "tocsin_prediction_latency_seconds",
        HISTOGRAM,
        "seconds",
        "How long the predictions took, as their events say.",
        emitter="collector",
        labels=_MODEL,
    ),
    Metric(
        "tocsin_labels_total",
        COUNTER,
        "",
        "Predictions whose label has come, whichever came first; a correction does not count again.",
        emitter="collector",
        labels=_MODEL,
    ),
    Metric(
        "tocsin_labels_waiting",
        GAUGE,
        "",
        "Ids that have a label or an outcome and wait for their prediction.",
        emitter="collector",
        labels={"project": 100, "model": 1_000},
    ),
    Metric(
        "tocsin_labels_unmatched_total",
        COUNTER,
        "",
        "Labels and outcomes whose prediction did not come in time.",
        emitter="collector",
        labels={"project": 100, "model": 1_000},
    ),
    Metric(
        "tocsin_schema_changes_total",
        COUNTER,
        "",
        "Changes of a model version's features after its first block: new, vanished, returned, of another kind, or a "
        "version that follows another; none of them refuses an event.",
        emitter="collector",
        labels=_MODEL,
    ),
)
