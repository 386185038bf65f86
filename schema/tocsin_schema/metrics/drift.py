"""Drift: how far each feature of the newest closed window is from the reference, and how far is still normal."""

from tocsin_schema.metric import COUNTER, GAUGE, Metric

_MODEL = {"project": 100, "model": 100, "version": 20}
_FEATURE = {**_MODEL, "feature": 1_000}
_SCORE = {**_FEATURE, "method": 4}
_REFERENCES = 6
"""Four that have a name, and two that are the stream's own past."""

METRICS = (
    Metric(
        "tocsin_feature_drift_score",
        GAUGE,
        "ratio",
        "Distance between the newest closed window and the reference, 0 to 1: ks for numbers, js for categories, "
        "hotelling for embeddings; or, where the calibrated policy decides, evidence as a share of what alarms.",
        emitter="collector",
        labels=_SCORE,
    ),
    Metric(
        "tocsin_feature_drift_threshold",
        GAUGE,
        "ratio",
        "Largest distance that is normal for a window of as many rows, learned from the reference's own windows; 1 of "
        "evidence.",
        emitter="collector",
        labels=_SCORE,
    ),
    Metric(
        "tocsin_feature_reference_distance",
        GAUGE,
        "ratio",
        "Distance between the newest closed window and a further reference, by which nothing alarms: one that has a "
        "name, last-week (the same hours a week before) or last-28-days.",
        emitter="collector",
        labels={**_FEATURE, "method": 3, "reference": _REFERENCES},
    ),
    Metric(
        "tocsin_reference_features_beyond",
        GAUGE,
        "",
        "Features of the newest closed window that are further from a further reference than is usual.",
        emitter="collector",
        labels={**_MODEL, "reference": _REFERENCES},
    ),
    Metric(
        "tocsin_joint_drift_score",
        GAUGE,
        "",
        "How far the newest closed window's worst pair of features is from going together as in the reference, in "
        "standard deviations.",
        emitter="collector",
        labels=_MODEL,
    ),
    Metric(
        "tocsin_joint_drift_threshold",
        GAUGE,
        "",
        "Largest joint score that is normal, learned from the reference's own windows.",
        emitter="collector",
        labels=_MODEL,
    ),
    Metric(
        "tocsin_daily_joint_drift_score",
        GAUGE,
        "",
        "How far the two or three features that changed most together over the newest day that was looked at are from "
        "the reference, in standard deviations.",
        emitter="collector",
        labels=_MODEL,
    ),
    Metric(
        "tocsin_daily_joint_drift_threshold",
        GAUGE,
        "",
        "Largest daily joint score that is normal, learned from the reference's own days.",
        emitter="collector",
        labels=_MODEL,
    ),
    Metric(
        "tocsin_daily_joint_drift_p_value",
        GAUGE,
        "",
        "The chance that a day without a change has such a score, if days differ by sampling alone.",
        emitter="collector",
        labels=_MODEL,
    ),
    Metric(
        "tocsin_feature_missing_ratio",
        GAUGE,
        "ratio",
        "Share of the newest closed window's rows where the feature is missing or not a number.",
        emitter="collector",
        labels=_FEATURE,
    ),
    Metric(
        "tocsin_feature_missing_threshold",
        GAUGE,
        "ratio",
        "Largest share of missing values that is normal, learned from the reference's own windows; absent, as "
        "the other bounds are, where the window was too small to be judged.",
        emitter="collector",
        labels=_FEATURE,
    ),
    Metric(
        "tocsin_feature_new_ratio",
        GAUGE,
        "ratio",
        "Share of the newest closed window's values that are categories which the reference does not have.",
        emitter="collector",
        labels=_FEATURE,
    ),
    Metric(
        "tocsin_feature_new_threshold",
        GAUGE,
        "ratio",
        "Largest share of new categories that is normal, learned from the reference's own windows.",
        emitter="collector",
        labels=_FEATURE,
    ),
    Metric(
        "tocsin_feature_invalid_ratio",
        GAUGE,
        "ratio",
        "Share of the newest closed window's rows where the feature is infinite or not of the reference's kind.",
        emitter="collector",
        labels=_FEATURE,
    ),
    Metric(
        "tocsin_feature_invalid_threshold",
        GAUGE,
        "ratio",
        "Largest share of such values that is normal, learned from the reference's own windows.",
        emitter="collector",
        labels=_FEATURE,
    ),
    Metric(
        "tocsin_drift_incidents",
        GAUGE,
        "",
        "Incidents of the model that the calibrated policy has open after the newest closed window.",
        emitter="collector",
        labels=_MODEL,
    ),
    Metric(
        "tocsin_drift_evidence",
        GAUGE,
        "",
        "Largest evidence of drift of any feature after the newest closed window, in nats: minus the logarithm of how "
        "often chance alone brings as much.",
        emitter="collector",
        labels=_MODEL,
    ),
    Metric(
        "tocsin_drift_evidence_threshold",
        GAUGE,
        "",
        "Evidence in nats that alarms, chosen so that the stated rate of false alarms a month holds.",
        emitter="collector",
        labels=_MODEL,
    ),
    Metric(
        "tocsin_drift_alarm",
        GAUGE,
        "",
        "1 while the newest closed window of the model alarms for any reason (features or quality), else 0.",
        emitter="collector",
        labels=_MODEL,
    ),
    Metric(
        "tocsin_drift_alarms_total",
        COUNTER,
        "",
        "Alarms raised for the model: incidents of the calibrated policy, else closed windows beyond a bound.",
        emitter="collector",
        labels=_MODEL,
    ),
    Metric(
        "tocsin_window_end_timestamp_seconds",
        GAUGE,
        "seconds",
        "Event time at which the newest closed window ends, since the Unix epoch.",
        emitter="collector",
        labels=_MODEL,
    ),
    Metric(
        "tocsin_window_rows",
        GAUGE,
        "",
        "Predictions in the newest closed window.",
        emitter="collector",
        labels=_MODEL,
    ),
)
