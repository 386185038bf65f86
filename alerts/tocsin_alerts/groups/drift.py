"""The data that a model is asked about: is it there, is it what the model was built on."""

from tocsin_alerts.alert import DAILY, DATA, DRIFT, JOINT, MODEL, WARNING, Alert

_BY = "project, model, version, feature"


def _beyond(share: str, bound: str) -> str:
    # Two collectors may export the same bound; `max by` keeps the match one to one.
    return f"tocsin_feature_{share} > on ({_BY}) group_left max by ({_BY}) (tocsin_feature_{bound})"


def _any(*conditions: str) -> str:
    return f" or on ({_BY}) ".join(f"({condition})" for condition in conditions)


ALERTS = (
    Alert(
        name="FeatureMissingValues",
        severity=WARNING,
        summary="{value} of {feature} missing for model {model}",
        description="{value} of {feature} is missing in the newest window of model {model} {version} ({project}).",
        panel=(MODEL, 3),
        unit="ratio",
        window=DATA,
        promql=_beyond("missing_ratio", "missing_threshold"),
    ),
    Alert(
        name="FeatureDrift",
        severity=WARNING,
        summary="{feature} of model {model} has drifted",
        description=(
            "{feature} of model {model} {version} ({project}) differs from its reference by {value}, beyond its bound:"
            " its values have moved, or they are categories or of a kind that the reference does not have."
        ),
        panel=(MODEL, 2),
        window=DRIFT,
        promql=_any(
            _beyond("drift_score", "drift_threshold"),
            _beyond("new_ratio", "new_threshold"),
            _beyond("invalid_ratio", "invalid_threshold"),
        ),
    ),
    Alert(
        name="JointDrift",
        severity=WARNING,
        summary="features of model {model} go together otherwise",
        description=(
            "A pair of features of model {model} {version} ({project}) is {value} standard deviations from going"
            " together as in the reference, beyond its bound, whatever each feature is alone."
        ),
        panel=(MODEL, 41),
        window=JOINT,
        promql=(
            "tocsin_joint_drift_score > on (project, model, version) group_left"
            " max by (project, model, version) (tocsin_joint_drift_threshold)"
        ),
    ),
    Alert(
        name="DailyJointDrift",
        severity=WARNING,
        summary="over the day, features of model {model} went together otherwise",
        description=(
            "Two or three features of model {model} {version} ({project}) were {value} standard deviations from going"
            " together as in the reference over the newest day, beyond their bound, whatever fewer of them do."
        ),
        panel=(MODEL, 86),
        window=DAILY,
        promql=(
            "tocsin_daily_joint_drift_score > on (project, model, version) group_left"
            " max by (project, model, version) (tocsin_daily_joint_drift_threshold)"
        ),
    ),
)
