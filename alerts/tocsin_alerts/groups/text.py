"""The answers of a model that answers in texts."""

from tocsin_alerts.alert import MODEL, TEXT, WARNING, Alert

_BY = "project, model, version, measure"

ALERTS = (
    Alert(
        name="TextAnswersChanged",
        severity=WARNING,
        summary="the answers of model {model} are otherwise: {measure}",
        description=(
            "In the newest window of model {model} {version} ({project}) the measure {measure} of its answers is"
            " {value}, beyond what the reference lets expect."
        ),
        panel=(MODEL, 64),
        window=TEXT,
        # Two collectors may export the same bound; `max by` keeps the match one to one.
        promql=f"tocsin_text_measure > on ({_BY}) group_left max by ({_BY}) (tocsin_text_measure_threshold)",
    ),
)
