"""A closed window's verdict as conditions of window alerts: rules, checks, data, drift, joint, daily, text, quality."""

from tocsin_alerts.alert import CHECKS, DAILY, DATA, DRIFT, JOINT, QUALITY, RULES, TEXT
from tocsin_collector.verdict import FeatureVerdict, WindowVerdict


def conditions(verdict: WindowVerdict) -> dict[str, tuple[str, ...]]:
    """The reasons of each kind that this window can judge: empty when it is well, absent when it cannot tell.

    A window of too few rows says nothing about its features, one whose labels are still coming nothing about quality:
    an alarm neither begins nor ends with it.
    """
    found: dict[str, tuple[str, ...]] = {}
    if verdict.rules:
        found[RULES] = tuple(rule.reason for rule in verdict.rules if rule.reason)
    if verdict.checked:
        found[CHECKS] = tuple(check.reason for check in verdict.checks)
    features = list(verdict.features.values())
    if any(feature.score is not None or feature.reasons for feature in features):
        found[DATA] = tuple(reason for feature in features for reason in _missing(feature))
        found[DRIFT] = tuple(reason for feature in features for reason in feature.reasons[len(_missing(feature)) :])
    if verdict.joint is not None:
        found[JOINT] = verdict.joint.reasons
    if verdict.daily is not None:
        found[DAILY] = verdict.daily.reasons
    if verdict.text is not None and verdict.text.thresholds:
        found[TEXT] = verdict.text.reasons
    if verdict.quality is not None and verdict.quality.mature and verdict.quality.thresholds:
        found[QUALITY] = verdict.quality.reasons
    return found


def _missing(feature: FeatureVerdict) -> tuple[str, ...]:
    """The reason about missing values, which stands first where there is one."""
    return feature.reasons[:1] if feature.missing_ratio > feature.missing_threshold else ()
