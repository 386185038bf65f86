"""The model's answers, judged by the labels that came."""

from tocsin_alerts.alert import CRITICAL, MODEL, QUALITY, Alert

ALERTS = (
    Alert(
        name="ModelQualityDrop",
        severity=CRITICAL,
        summary="the quality of model {model} has dropped",
        description="Model {model} {version} ({project}) was beyond a bound of quality for {value} windows in a row.",
        panel=(MODEL, 4),
        unit="count",
        window=QUALITY,
        # One bad window is a bad day and shown on the page; two in a row are worth waking someone.
        promql="tocsin_model_quality_bad_windows >= 2",
    ),
)
