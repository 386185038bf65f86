"""The model's answers, judged by the labels that came."""

from tocsin_alerts.alert import CRITICAL, QUALITY, Alert

_BY = "project, model, version, metric"
_BOUND = f"on ({_BY}) group_left max by ({_BY}) (tocsin_model_quality_threshold)"

ALERTS = (
    Alert(
        name="ModelQualityDrop",
        severity=CRITICAL,
        summary="{metric} of model {model} is beyond its bound",
        description="{metric} of model {model} {version} ({project}) is {value} on new labels, beyond its bound.",
        window=QUALITY,
        # A score is better when it is high (auc, accuracy), a loss when it is low.
        promql=(
            f'tocsin_model_quality{{metric=~"auc|accuracy"}} < {_BOUND}'
            f' or tocsin_model_quality{{metric!~"auc|accuracy"}} > {_BOUND}'
        ),
    ),
)
