"""The read model as JSON, for those who do not look."""

from collections.abc import Sequence

from tocsin_collector.alarms import Alarm, Alarms
from tocsin_collector.drift.explain import Explanation, explain
from tocsin_collector.logs.route import rfc3339
from tocsin_collector.page import health
from tocsin_collector.page.address import model_path
from tocsin_collector.page.view import Sources
from tocsin_collector.servers import ServerView
from tocsin_collector.verdict import (
    Beside,
    DailyVerdict,
    Decision,
    EstimateVerdict,
    FeatureSchema,
    FeatureVerdict,
    JointVerdict,
    ModelView,
    Onset,
    OutcomeVerdict,
    QualityVerdict,
    RuleVerdict,
    SchemaChange,
    WindowVerdict,
)

Json = dict[str, object]


def models(views: Sequence[ModelView]) -> Json:
    """Every model version: its totals, its state, its newest window."""
    return {"models": [_summary(view) for view in views]}


def model(views: Sequence[ModelView], sources: Sources) -> Json:
    """The versions of one model with all their closed windows and the alarms that fire."""
    return {"versions": [_summary(view) | _detail(view, sources) for view in views]}


def alarms(found: Alarms) -> Json:
    """What fires, what waits, what was, and where messages go."""
    return {
        "firing": [_alarm(alarm, found) for alarm in found.firing()],
        "pending": [_alarm(alarm, found) for alarm in found.pending()],
        "history": [_alarm(alarm, found) for alarm in found.history()],
        "targets": [
            {"target": t.shown, "delivered": t.delivered, "waiting": t.waiting, "failed": t.failed, "error": t.error}
            for t in found.targets()
        ],
        "judge": found.judge,
    }


def servers(found: Sequence[ServerView], fault: str) -> Json:
    """The configured servers: do they answer, since when, and why not."""
    return {"servers": [_server(view) for view in found], "fault": fault}


def _server(view: ServerView) -> Json:
    return {
        "server": view.name,
        "url": view.url,
        "up": view.up,
        "since": _time(view.since_s),
        "last_answer": _time(view.last_answer_s),
        "version": view.version,
        "fault": view.fault,
        "remarks": [{"text": remark.text, "bad": remark.bad} for remark in view.remarks],
    }


def _summary(view: ModelView) -> Json:
    state = health.of_model(view)
    return {
        **view.key._asdict(),
        "page": model_path(*view.key),
        "state": state.state,
        "state_text": state.text,
        "state_since": _time(state.since_s),
        "rows_total": view.rows_total,
        "labels_total": view.labels_total,
        "outcomes_total": view.outcomes_total,
        "first_event": _time(view.first_event_s),
        "last_event": _time(view.last_event_s),
        "watermark": _time(view.watermark_s),
        "late_total": view.late_total,
        "early_total": view.early_total,
        "open_windows": view.open_windows,
        "closed_windows": len(view.verdicts),
        "reference": view.reference,
        "features": view.features,
        "schema": [_schema(feature) for feature in view.schema],
        "schema_changes": [_change(change) for change in view.changes],
        "deployments": [_change(change) for change in view.deployments],
        "reasons": list(view.verdicts[-1].reasons) if view.verdicts else [],
    }


def _schema(feature: FeatureSchema) -> Json:
    return {
        "name": feature.name,
        "kind": feature.kind,
        "since": _time(feature.since_s),
        "kinds": {kind: _time(since_s) for kind, since_s in feature.kinds.items()},
        "vanished": _time(feature.gone_s),
    }


def _change(change: SchemaChange) -> Json:
    return {"time": _time(change.time_s), "what": change.what, "feature": change.feature, "text": change.text}


def _detail(view: ModelView, sources: Sources) -> Json:
    labels = tuple((name, value) for name, value in view.key._asdict().items() if value)
    return {
        "alarms": [_alarm(alarm, sources.alarms) for alarm in sources.alarms.of(labels)],
        "explanation": _explanation(explain(view.verdicts, [*view.changes, *view.deployments])),
        "windows": [_window(verdict) for verdict in view.verdicts],
    }


def _explanation(found: Explanation | None) -> Json | None:
    """Of the newest window, if it alarms."""
    if found is None:
        return None
    return {
        "features": [
            {
                "feature": one.feature,
                "what": one.what,
                "since": _time(one.since_s),
                "windows": one.windows,
                "cells": [cell._asdict() for cell in one.cells],
            }
            for one in found.features
        ],
        "segments": [one._asdict() for one in found.segments],
        "classes": [one._asdict() for one in found.classes],
        "rows": found.rows and found.rows._asdict(),
        "latency_s": found.latency_s and found.latency_s._asdict(),
        "changes": [_change(one) for one in found.changes],
        "references": [one._asdict() for one in found.standings],
    }


def _window(verdict: WindowVerdict) -> Json:
    return {
        "start": _time(verdict.start_s),
        "end": _time(verdict.end_s),
        "revision": verdict.revision,
        "final": verdict.final,
        "rows": verdict.rows,
        "state": health.of_window(verdict),
        "reasons": list(verdict.reasons),
        "decision": _decision(verdict.decision),
        "drift": {name: _feature(feature) for name, feature in verdict.features.items()},
        "joint": _joint(verdict.joint),
        "daily": _daily(verdict.daily),
        "beside": [_beside(one) for one in verdict.beside],
        "checks": [
            check._asdict() | {"value": _finite(check.value), "bound": _finite(check.bound)} for check in verdict.checks
        ],
        "checked": list(verdict.checked),
        "text": verdict.text
        and {
            "texts": verdict.text.texts,
            "measures": {name: _finite(value) for name, value in verdict.text.measures.items()},
            "thresholds": {name: _finite(value) for name, value in verdict.text.thresholds.items()},
        },
        "rules": [_rule(rule) for rule in verdict.rules],
        "quality": _quality(verdict.quality),
        "estimate": _estimate(verdict.estimate),
        "outcomes": {name: _outcome(outcome) for name, outcome in verdict.outcomes.items()},
        "latency_s": verdict.latency_s,
        "classes": verdict.classes,
        "segments": verdict.segments,
    }


def _decision(decision: Decision | None) -> Json | None:
    """What the calibrated policy decided; None where thresholds decide."""
    if decision is None:
        return None
    return {
        "score": _finite(decision.score),
        "level": _finite(decision.level),
        "onsets": [_incident(one) for one in decision.onsets],
        "incidents": [_incident(one) for one in decision.incidents],
        "open": list(decision.open),
    }


def _incident(one: Onset) -> Json:
    return {
        "id": one.id,
        "feature": one.feature,
        "kind": one.kind,
        "score": _finite(one.score),
        "threshold": _finite(one.threshold),
        "since": _time(one.since_s),
    }


def _rule(rule: RuleVerdict) -> Json:
    return {
        "name": rule.name,
        "check": rule.check,
        "broken": bool(rule.reason),
        "rows": rule.rows,
        "unexpected": rule.unexpected,
        "value": _finite(rule.value),
        "examples": [{"value": text, "count": count} for text, count in rule.examples],
    }


def _feature(feature: FeatureVerdict) -> Json:
    return {
        "kind": feature.kind,
        "method": feature.method,
        "rows": feature.rows,
        "score": _finite(feature.score),
        "threshold": _finite(feature.threshold),
        "missing_ratio": _finite(feature.missing_ratio),
        "missing_threshold": _finite(feature.missing_threshold),
        "new_ratio": _finite(feature.new_ratio),
        "new_threshold": _finite(feature.new_threshold),
        "alarmed": feature.alarmed,
        "distances": {name: _finite(value) for name, value in feature.distances.items()},
    }


def _beside(one: Beside) -> Json:
    """How far a window is from a further reference, by which nothing alarms."""
    return one._asdict() | {
        "features": {
            name: {
                "method": apart.method,
                "distance": _finite(apart.distance),
                "bound": _finite(apart.bound),
                "beyond": apart.beyond,
            }
            for name, apart in one.features.items()
        }
    }


def _outcome(outcome: OutcomeVerdict) -> Json:
    return {
        "count": outcome.count,
        "mean": _finite(outcome.mean),
        "interval": [_finite(end) for end in outcome.interval],
        "reference_mean": _finite(outcome.reference_mean),
        "per_prediction": _finite(outcome.per_prediction),
        "per_prediction_interval": [_finite(end) for end in outcome.per_prediction_interval],
    }


def _quality(quality: QualityVerdict | None) -> Json | None:
    if quality is None:
        return None
    scores = {name: getattr(quality, name) for name in ("scores", "baseline", "reference", "thresholds")}
    finite = {name: {score: _finite(value) for score, value in values.items()} for name, values in scores.items()}
    return {
        "labelled": quality.labelled,
        "coverage": _finite(quality.coverage),
        "mature": quality.mature,
        "bad_windows": quality.strikes,
        "alarmed": quality.alarmed,
        **finite,
        "intervals": {name: [_finite(end) for end in ends] for name, ends in quality.intervals.items()},
        "floors": quality.floors,
        "remarks": list(quality.remarks),
    }


def _joint(joint: JointVerdict | None) -> Json | None:
    if joint is None:
        return None
    return {
        "score": _finite(joint.score),
        "threshold": _finite(joint.threshold),
        "pairs": [{"features": [first, second], "score": _finite(score)} for first, second, score in joint.pairs],
    }


def _daily(daily: DailyVerdict | None) -> Json | None:
    """Only in the last window of a day."""
    if daily is None:
        return None
    return {
        "rows": daily.rows,
        "score": _finite(daily.score),
        "threshold": _finite(daily.threshold),
        "p_value": _finite(daily.p_value),
        "together": [{"features": list(names), "score": _finite(score)} for names, score in daily.beyond],
    }


def _estimate(estimate: EstimateVerdict | None) -> Json | None:
    """The scores that the labels would show; ``shift`` only once they have come."""
    if estimate is None:
        return None
    return {
        name: {
            "value": _finite(value),
            "low": _finite(estimate.bounds[name][0]),
            "high": _finite(estimate.bounds[name][1]),
            "estimator": estimate.chosen[name],
            "shift": _shift(estimate.shifts.get(name)),
        }
        for name, value in estimate.scores.items()
    }


def _shift(parts: tuple[float, float] | None) -> Json | None:
    return None if parts is None else {"covariate": _finite(parts[0]), "concept": _finite(parts[1])}


def _alarm(alarm: Alarm, found: Alarms) -> Json:
    return {
        "alert": alarm.alert,
        "severity": alarm.severity,
        "state": alarm.state,
        "labels": dict(alarm.labels),
        "text": found.headline(alarm),
        "reasons": list(alarm.reasons),
        "value": _finite(alarm.value),
        "since": _time(alarm.since_s),
        "fired": _time(alarm.fired_s),
        "resolved": _time(alarm.resolved_s),
        "window": [_time(time_s) for time_s in alarm.window] if alarm.window else None,
        "runbook": f"/runbooks/{alarm.alert}",
    }


def _finite(value: float | None) -> float | None:
    # JSON has no NaN and no infinity.
    return value if value is not None and abs(value) < float("inf") else None


def _time(time_s: float | None) -> str | None:
    return None if time_s is None else rfc3339(time_s)
