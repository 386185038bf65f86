"""The open incidents of a decision as the reasons of its features, in plain words."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

from tocsin_collector.drift.compare import invalid_text, where
from tocsin_collector.drift.reference import Reference
from tocsin_collector.drift.shares import percent
from tocsin_collector.profile import Profile
from tocsin_collector.verdict import Decision, FeatureVerdict, Onset

EVIDENCE = "evidence"
"""The method of a feature that the policy judges."""
ANYTHING = 1.0
"""A bound that no share is beyond."""
_WHAT = {
    "mean": "its values have moved",
    "spread": "its spread is another",
    "shape": "the shape of its distribution is another",
    "category": "its categories have other shares",
    "location": "its vectors lie elsewhere",
}


def told(
    reference: Reference, current: Profile, features: Mapping[str, FeatureVerdict], decision: Decision
) -> dict[str, FeatureVerdict]:
    """The features of a window as the policy judges them: their evidence, and open incidents as reasons. Those of a
    window that it could not judge have neither."""
    numbers = {feature.name: at for at, feature in enumerate(reference.layout.features)}
    found = {}
    for name, feature in features.items():
        own = [one for one in decision.incidents if one.feature == name and decision.score is not None]
        missing = [one for one in own if one.kind == "missing" and feature.missing_ratio > 0]
        others = [one for one in own if one.kind != "missing"]
        found[name] = replace(
            feature,
            method=EVIDENCE,
            score=decision.evidence[numbers[name]] / decision.level if decision.evidence else None,
            threshold=1.0 if decision.evidence else None,
            missing_threshold=_missing_bound(feature) if missing else ANYTHING,
            new_threshold=ANYTHING,
            invalid_threshold=ANYTHING,
            # That of missing values stands first: it alarms by a name of its own.
            reasons=tuple(_reason(feature, one, where(reference, current, name)) for one in (*missing, *others)),
        )
    return found


def _missing_bound(feature: FeatureVerdict) -> float:
    """What the share of missing values is held against while an incident of them is open: the reference's, and nothing
    where it has come back to that, so that the alarm ends with its incident or when none is missing."""
    return feature.missing_reference if feature.missing_ratio > feature.missing_reference else 0.0


def _reason(feature: FeatureVerdict, incident: Onset, place: str) -> str:
    since = datetime.fromtimestamp(incident.since_s, UTC)
    evidence = f"evidence {incident.score:.1f} nats, {incident.threshold:.1f} alarm"
    return f"{feature.name}: {_what(feature, incident.kind, place)}, since {since:%Y-%m-%d %H:%M} UTC ({evidence})"


def _what(feature: FeatureVerdict, kind: str, place: str) -> str:
    if kind in ("missing", "filled"):
        before = percent(feature.missing_reference)
        return f"{percent(feature.missing_ratio)} of values are missing, {before} in the reference"
    if kind == "invalid":
        return f"{percent(feature.invalid_ratio)} of values {invalid_text(feature.kind)}"
    if kind == "new":
        return f"{percent(feature.new_ratio)} of values are categories that the reference does not have"
    return f"{_WHAT[kind]}: {place}" if place else _WHAT[kind]
