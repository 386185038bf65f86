"""The data that a model is asked about: is it there, is it what the model was built on."""

from tocsin_alerts.alert import DATA, DRIFT, WARNING, Alert

# Two collectors may export the same threshold; `max by` keeps the match one to one.
_BY = "project, model, version, feature"


def _beyond(name: str) -> str:
    threshold = f"tocsin_feature_{name.rpartition('_')[0]}_threshold"
    return f"tocsin_feature_{name} > on ({_BY}) group_left max by ({_BY}) ({threshold})"


ALERTS = (
    Alert(
        name="FeatureMissingValues",
        severity=WARNING,
        summary="{value} of {feature} missing for model {model}",
        description="{value} of {feature} is missing in the newest window of model {model} {version} ({project}).",
        unit="ratio",
        window=DATA,
        promql=_beyond("missing_ratio"),
    ),
    Alert(
        name="FeatureDrift",
        severity=WARNING,
        summary="{feature} of model {model} has drifted",
        description="{feature} of model {model} {version} ({project}) is {value} from its reference, beyond its bound.",
        window=DRIFT,
        promql=_beyond("drift_score"),
    ),
)
