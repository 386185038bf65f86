"""The features of a model. Each label has a neighbour that differs in it alone."""

from dataclasses import replace

from tests.alerts.promtool import FIRES, Check, Fires, Story, Values
from tests.alerts.stories.telling import (
    COLLECTOR,
    MODEL,
    TICK_S,
    Course,
    Gauge,
    Kinds,
    named,
    standard,
    told,
    without,
)

_FEATURE = {**MODEL, "feature": "age", **COLLECTOR}
_OTHER = {"project": "lab", "model": "fraud", "version": "4", "feature": "city"}
_DISTANCE = {"method": "ks"}


def stories() -> list[Story]:
    """Those of each alert."""
    return [
        *_share("FeatureMissingValues", "missing_ratio"),
        *_share("FeatureDrift", "drift_score", _DISTANCE),
        *_share("FeatureDrift", "new_ratio"),
        *_share("FeatureDrift", "invalid_ratio"),
        _one_alert_a_feature(),
        *_joint("JointDrift", "tocsin_joint_drift"),
        *_joint("DailyJointDrift", "tocsin_daily_joint_drift"),
    ]


def _pair(share: str, labels: dict[str, str], value: Gauge, bound: float) -> Kinds:
    threshold = f"tocsin_feature_{share.rpartition('_')[0]}_threshold"
    return {named(f"tocsin_feature_{share}", labels): value, named(threshold, labels): Gauge(bound, bound)}


def _share(alert: str, share: str, more: dict[str, str] | None = None) -> list[Story]:
    of, found = _FEATURE | (more or {}), Gauge(0.31, 0.3)
    wide: dict[str, Gauge] = {}
    for label, value in _OTHER.items():
        wide |= _pair(share, of | {label: value}, Gauge(0.5, 0.5), 0.9)  # type: ignore[arg-type]
    twin = of | {"instance": "d:10301"}
    two = told({**_pair(share, of, found, 0.3), **_pair(share, twin, found, 0.3)}, "b" * 5)
    both = Check(FIRES, TICK_S, (Fires(of, 0.31), Fires(twin, 0.31)))
    made = [
        *standard(alert, _pair(share, of, found, 0.3), of, Course(0.31), beside=wide),
        Story(alert, "two collectors", TICK_S, two, (both,)),
    ]
    return [replace(story, name=f"{share}: {story.name}") for story in made]


def _one_alert_a_feature() -> Story:
    """One feature drifts; those that differ from it in one label have new categories, others values of another kind."""
    new = [_FEATURE | {label: value} for label, value in _OTHER.items()]
    invalid = [_FEATURE | {label: value + "2"} for label, value in _OTHER.items()]
    drifted, twice = _FEATURE | _DISTANCE, _FEATURE | {label: value + "3" for label, value in _OTHER.items()}
    shares = [
        ("drift_score", [drifted]),
        ("new_ratio", [*new, _FEATURE, twice]),
        ("invalid_ratio", [*invalid, _FEATURE, twice]),
    ]
    series: dict[str, Values] = {}
    for share, features in shares:
        for each in features:
            series |= told(_pair(share, each, Gauge(0.31, 0.31), 0.3), "b" * 5)
    fires = tuple(Fires(each, 0.31) for each in [drifted, *new, *invalid, twice])
    return Story("FeatureDrift", "one alert a feature", TICK_S, series, (Check(FIRES, TICK_S, fires),))


def _joint(alert: str, metric: str) -> list[Story]:
    of = {**MODEL, **COLLECTOR}
    wide: dict[str, Gauge] = {}
    for label, value in without(_OTHER, "feature").items():
        wide |= _two(metric, of | {label: value}, Gauge(9.0, 9.0), 20.0)
    pair = _two(metric, of, Gauge(9.0, 4.5), 4.5)
    return standard(alert, pair, of, Course(9.0), beside=wide)


def _two(metric: str, labels: dict[str, str], value: Gauge, bound: float) -> dict[str, Gauge]:
    return {named(f"{metric}_score", labels): value, named(f"{metric}_threshold", labels): Gauge(bound, bound)}
