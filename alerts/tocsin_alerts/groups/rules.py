"""The rules that a user gave a model's data."""

from tocsin_alerts.alert import MODEL, RULES, WARNING, Alert

ALERTS = (
    Alert(
        name="DataRuleBroken",
        severity=WARNING,
        summary="the data of model {model} breaks its rules",
        description="The newest window of model {model} {version} ({project}) breaks {value} of the model's rules.",
        panel=(MODEL, 60),
        unit="count",
        window=RULES,
        promql="tocsin_data_rules_broken > 0",
    ),
)
