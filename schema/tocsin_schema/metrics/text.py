"""Answers that are texts: what those of the newest closed window are like."""

from tocsin_schema.metric import GAUGE, Metric

_MEASURE = {"project": 100, "model": 100, "version": 20, "measure": 64}

METRICS = (
    Metric(
        "tocsin_text_measure",
        GAUGE,
        "",
        "A measure of the answers of the newest closed window: shares (refusal, repetition, personal_mail, "
        "language_en...), lengths, tokens, cost, likeness to reference answers, judges' scores.",
        emitter="collector",
        labels=_MEASURE,
    ),
    Metric(
        "tocsin_text_measure_threshold",
        GAUGE,
        "",
        "Largest value of the measure that is normal, learned from the reference's own windows.",
        emitter="collector",
        labels=_MEASURE,
    ),
)
