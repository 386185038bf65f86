"""Checks of a model's data that are learnt, from its reference and from its own past."""

from tocsin_alerts.alert import CHECKS, MODEL, WARNING, Alert

ALERTS = (
    Alert(
        name="DataCheckFailed",
        severity=WARNING,
        summary="the data of model {model} fails the check {check}",
        description=(
            "The newest window of model {model} {version} ({project}) fails the check {check} {value} times: values"
            " beyond the reference's range, all of them the same, ids or rows that repeat, too few or too many rows."
        ),
        panel=(MODEL, 63),
        unit="count",
        window=CHECKS,
        promql="tocsin_data_check_failures > 0",
    ),
)
