"""What the collector counts of the events of a model."""

from tocsin_schema.metric import COUNTER, Metric

_MODEL = {"project": 100, "model": 1_000, "version": 100}

METRICS = (
    Metric(
        "tocsin_events_late_total",
        COUNTER,
        "",
        "Predictions of a window that was sealed before they came; counted and otherwise left out.",
        emitter="collector",
        labels=_MODEL,
    ),
    Metric(
        "tocsin_labels_total",
        COUNTER,
        "",
        "Labels that found their prediction, corrections included.",
        emitter="collector",
        labels=_MODEL,
    ),
)
