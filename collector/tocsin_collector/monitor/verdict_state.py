"""Verdicts as plain values and columns, for the snapshot.

A verdict repeats of each feature the cells and the reference's shares, which all verdicts of one reference have in
common: they are left out, and what remains of the distributions is one column.
"""

from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import asdict, fields, replace
from typing import Any

import numpy as np

from tocsin_collector.verdict import (
    Apart,
    Beside,
    CheckVerdict,
    DailyVerdict,
    Decision,
    Distribution,
    EstimateVerdict,
    FeatureVerdict,
    JointVerdict,
    ModelKey,
    Onset,
    OutcomeVerdict,
    QualityVerdict,
    RuleVerdict,
    TextVerdict,
    WindowVerdict,
)

Shares = Mapping[str, Distribution]
_FEATURE = [field.name for field in fields(FeatureVerdict) if field.name != "distribution"]
_PLAIN = ("start_s", "end_s", "revision", "rows", "latency_s", "final")


def verdict_state(verdict: WindowVerdict) -> dict[str, Any]:
    """Everything but its key; ``verdict_of`` takes it. Dictionaries with names that a sender chose become pairs."""
    features = list(verdict.features.values())
    current = [share for feature in features for share in feature.distribution.current]
    return {
        "plain": {name: getattr(verdict, name) for name in _PLAIN},
        "features": [[getattr(feature, name) for name in _FEATURE] for feature in features],
        "current": np.array(current, np.float64),
        "quality": verdict.quality and _quality_state(verdict.quality),
        "joint": verdict.joint and asdict(verdict.joint),
        "daily": verdict.daily and asdict(verdict.daily),
        "estimate": verdict.estimate and asdict(verdict.estimate),
        "outcomes": [[name, _outcome_state(one)] for name, one in verdict.outcomes.items()],
        "decision": _decision_state(verdict.decision),
        "classes": list(verdict.classes.items()),
        "segments": [[name, list(counts.items())] for name, counts in verdict.segments.items()],
        "rules": [list(rule) for rule in verdict.rules],
        "text": verdict.text and list(verdict.text),
        "checked": list(verdict.checked),
        "checks": [list(check) for check in verdict.checks],
        "beside": [[*one[:-1], [[name, *apart] for name, apart in one.features.items()]] for one in verdict.beside],
    }


def verdict_of(key: ModelKey, state: dict[str, Any], shares: Shares) -> WindowVerdict:
    """The verdict that ``state`` told; ``shares`` has the cells of each feature."""
    quality = state["quality"]
    return WindowVerdict(
        key=key,
        features=_features(state, shares),
        quality=quality and _quality_of(quality),
        joint=_joint(state["joint"]),
        daily=_daily(state["daily"]),
        estimate=_estimate(state["estimate"]),
        outcomes={name: _outcome_of(told) for name, told in state["outcomes"]},
        decision=_decision_of(state["decision"]),
        classes=dict(state["classes"]),
        segments={name: dict(counts) for name, counts in state["segments"]},
        rules=tuple(_rule(*told) for told in state["rules"]),
        text=state["text"] and _text(*state["text"]),
        checked=tuple(state["checked"]),
        checks=tuple(CheckVerdict(*told) for told in state["checks"]),
        beside=tuple(_beside(*told) for told in state["beside"]),
        **state["plain"],
    )


def _beside(reference: str, rows: int, windows: int, drifted: int, features: list[list[Any]]) -> Beside:
    return Beside(reference, rows, windows, drifted, {name: Apart(*told) for name, *told in features})


def _text(texts: int, measures: dict[str, float], thresholds: dict[str, float], reasons: list[str]) -> TextVerdict:
    return TextVerdict(texts, dict(measures), dict(thresholds), tuple(reasons))


def _rule(*told: Any) -> RuleVerdict:
    rule = RuleVerdict(*told)
    return rule._replace(examples=tuple((text, count) for text, count in rule.examples))


def _quality_state(quality: QualityVerdict) -> dict[str, Any]:
    return asdict(quality) | _tallies(quality)


def _quality_of(state: dict[str, Any]) -> QualityVerdict:
    found = state | {name: tuple(state[name]) for name in ("reasons", "remarks")}
    found |= {"intervals": {name: tuple(ends) for name, ends in state["intervals"].items()}}
    return QualityVerdict(**found | _tallies_of(state))


def _outcome_state(outcome: OutcomeVerdict) -> dict[str, Any]:
    return asdict(outcome) | _tallies(outcome)


def _outcome_of(state: dict[str, Any]) -> OutcomeVerdict:
    ends = {name: tuple(state[name]) for name in ("interval", "per_prediction_interval")}
    return OutcomeVerdict(**state | ends | _tallies_of(state))


def _tallies(verdict: QualityVerdict | OutcomeVerdict) -> dict[str, Any]:
    segments = [
        [name, [[value, b64encode(tally).decode()] for value, tally in by_value.items()]]
        for name, by_value in verdict.segments.items()
    ]
    return {"tally": b64encode(verdict.tally).decode(), "segments": segments}


def _tallies_of(state: dict[str, Any]) -> dict[str, Any]:
    segments = {name: {value: b64decode(tally) for value, tally in pairs} for name, pairs in state["segments"]}
    return {"tally": b64decode(state["tally"]), "segments": segments}


def _decision_state(decision: Decision | None) -> list[Any] | None:
    if decision is None:
        return None
    *plain, onsets, incidents, evidence = decision
    return [*plain, [list(one) for one in onsets], [list(one) for one in incidents], list(evidence)]


def _decision_of(state: list[Any] | None) -> Decision | None:
    if state is None:
        return None
    start_s, rows, score, level, onsets, incidents, evidence = state
    began, still_open = (tuple(Onset(*one) for one in some) for some in (onsets, incidents))
    return Decision(start_s, rows, score, level, began, still_open, tuple(evidence))


def _joint(told: dict[str, Any] | None) -> JointVerdict | None:
    if told is None:
        return None
    pairs = tuple((first, second, score) for first, second, score in told["pairs"])
    return JointVerdict(told["score"], told["threshold"], pairs, tuple(told["reasons"]))


def _daily(told: dict[str, Any] | None) -> DailyVerdict | None:
    if told is None:
        return None
    beyond = tuple((tuple(names), score) for names, score in told["beyond"])
    return DailyVerdict(**told | {"beyond": beyond, "reasons": tuple(told["reasons"])})


def _estimate(told: dict[str, Any] | None) -> EstimateVerdict | None:
    if told is None:
        return None
    spans = {name: {score: tuple(ends) for score, ends in told[name].items()} for name in ("bounds", "shifts")}
    return EstimateVerdict(**told | spans)


def _features(state: dict[str, Any], shares: Shares) -> dict[str, FeatureVerdict]:
    found, current, at = {}, state["current"].tolist(), 0
    for told in state["features"]:
        plain = dict(zip(_FEATURE, told, strict=True))
        plain["reasons"] = tuple(plain["reasons"])
        known = shares[plain["name"]]
        end = at + len(known.cells)
        found[plain["name"]] = FeatureVerdict(**plain, distribution=replace(known, current=tuple(current[at:end])))
        at = end
    return found
