"""Quality: how right the model was on the labels that have come."""

from tocsin_schema.metric import GAUGE, Metric

_MODEL = {"project": 100, "model": 100, "version": 20}
_QUALITY = {**_MODEL, "metric": 16}

METRICS = (
    Metric(
        "tocsin_model_quality",
        GAUGE,
        "",
        "Quality of the newest window whose labels have come: auc, log_loss (nats), f1_macro, mae, ndcg and others.",
        emitter="collector",
        labels=_QUALITY,
    ),
    Metric(
        "tocsin_model_quality_threshold",
        GAUGE,
        "",
        "Bound beyond which the metric alarms (below for auc, above for the others), from the reference's own windows.",
        emitter="collector",
        labels=_QUALITY,
    ),
    Metric(
        "tocsin_model_quality_estimate",
        GAUGE,
        "",
        "What the labels of the newest closed window would probably show, estimated before they come.",
        emitter="collector",
        labels=_QUALITY,
    ),
    Metric(
        "tocsin_model_quality_estimate_lower",
        GAUGE,
        "",
        "Lower end of that estimate's 95 % interval.",
        emitter="collector",
        labels=_QUALITY,
    ),
    Metric(
        "tocsin_model_quality_estimate_upper",
        GAUGE,
        "",
        "Upper end of that estimate's 95 % interval.",
        emitter="collector",
        labels=_QUALITY,
    ),
    Metric(
        "tocsin_model_quantile_coverage_ratio",
        GAUGE,
        "ratio",
        "Share of that window's labels at or below what was predicted as a quantile; of a good model the quantile.",
        emitter="collector",
        labels={**_MODEL, "quantile": 16},
    ),
    Metric(
        "tocsin_model_fairness_gap_ratio",
        GAUGE,
        "ratio",
        "Between the two values of a segment that are furthest apart: how much oftener the class is predicted for one "
        "(demographic_parity), or found where it is true (equal_opportunity).",
        emitter="collector",
        labels={**_MODEL, "segment": 4, "measure": 2, "class": 4},
    ),
    Metric(
        "tocsin_model_label_coverage_ratio",
        GAUGE,
        "ratio",
        "Share of that window's predictions whose label has come.",
        emitter="collector",
        labels=_MODEL,
    ),
    Metric(
        "tocsin_model_label_delay_seconds",
        GAUGE,
        "seconds",
        "Time from a prediction to its label, of that window, by quantile: 0.5 and 0.9, within a fifth.",
        emitter="collector",
        labels={**_MODEL, "quantile": 2},
    ),
    Metric(
        "tocsin_model_quality_bad_windows",
        GAUGE,
        "",
        "Windows in a row, that one included, whose quality is beyond a bound; from the second on it alarms.",
        emitter="collector",
        labels=_MODEL,
    ),
)
