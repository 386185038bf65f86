"""A model: does it answer, are its inputs what they were, is it still right."""

from tocsin_dashboards.builder import Board, Panel, Query, Row, Variable
from tocsin_dashboards.promql import quantile, rate_by, ratio

_MODEL = "{{model}} {{version}}"
_FEATURE = "{{model}} {{feature}}"
_DURATION = "tocsin_inference_request_duration_seconds"

SERVING = (
    Panel(
        "Requests",
        "Requests a second by outcome.",
        "reqps",
        (Query(rate_by("model, outcome", "tocsin_inference_requests_total"), "{{model}} {{outcome}}"),),
    ),
    Panel(
        "Latency",
        "Median and 99th percentile of the request's duration.",
        "s",
        (
            Query(quantile(0.5, "model", _DURATION), "{{model}} p50"),
            Query(quantile(0.99, "model", _DURATION), "{{model}} p99"),
        ),
    ),
    Panel(
        "Predictions",
        "Predictions a second that are on the collector's disk.",
        "ops",
        (Query(rate_by("project, model, version", "tocsin_predictions_total"), _MODEL),),
    ),
)

RIGHT = (
    Panel(
        "Alarm",
        "1 while the newest closed window is out of bounds.",
        "short",
        (Query("tocsin_drift_alarm{$select}", _MODEL),),
    ),
    Panel(
        "Drift beside its bound",
        "Each feature's distance from the reference as a share of its own bound; above 1 it alarms.",
        "percentunit",
        (Query(ratio("tocsin_feature_drift_score", "tocsin_feature_drift_threshold"), _FEATURE),),
    ),
    Panel(
        "Missing values",
        "Share of missing values of each feature.",
        "percentunit",
        (Query("tocsin_feature_missing_ratio{$select}", _FEATURE),),
    ),
    Panel(
        "Quality",
        "AUC, log loss, Brier score and accuracy on the labels that came.",
        "short",
        (Query("tocsin_model_quality{$select}", "{{model}} {{metric}}"),),
    ),
    Panel(
        "Labels",
        "Share of the window's predictions whose label has come.",
        "percentunit",
        (Query("tocsin_model_label_coverage_ratio{$select}", _MODEL),),
    ),
    Panel(
        "Age of the newest closed window",
        "Seconds since the end of the newest judged window; grows when traffic or the collector stops.",
        "s",
        (Query("time() - tocsin_window_end_timestamp_seconds{$select}", _MODEL),),
        minimum=None,
    ),
)

BOARD = Board(
    uid="tocsin-model",
    title="tocsin / Model",
    description="Traffic, latency, drift and quality of each model. Drift and quality are of the newest closed window.",
    variables=(
        Variable("project", "Project", "tocsin_predictions_total"),
        Variable("model", "Model", "tocsin_predictions_total"),
    ),
    links=(("Fleet", "tocsin-fleet"),),
    rows=(Row("Serving", SERVING), Row("Is it still right", RIGHT)),
)
