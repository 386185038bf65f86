"""What the newest closed window of each model says, as columns."""

from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from tocsin_collector.export.budget import busiest
from tocsin_collector.export.exposition import CLASSIC, Column, Histogram, Histograms, single
from tocsin_collector.monitor.model import Model
from tocsin_collector.monitor.monitor import Name
from tocsin_collector.quality.delay import QUANTILES, quantiles
from tocsin_collector.quality.fairness import gaps
from tocsin_collector.quality.regression import coverages
from tocsin_collector.quality.tally import unpack
from tocsin_collector.verdict import (
    Beside,
    Decision,
    FeatureVerdict,
    ModelKey,
    QualityVerdict,
    RuleVerdict,
    WindowVerdict,
)

_FEATURE, _SCORE, GAP = ("feature",), ("feature", "method"), ("segment", "measure", "class")
QUANTILES_MOST = 16


def totals(models: Iterable[Model]) -> Iterable[Column]:
    """What is counted of each model."""
    models = list(models)
    keys = [model.key for model in models]
    for name, values in (
        ("tocsin_drift_alarms_total", [model.alarms_total for model in models]),
        ("tocsin_events_late_total", [model.late_total for model in models]),
        ("tocsin_events_early_total", [model.early_total for model in models]),
        ("tocsin_labels_total", [model.labels_total for model in models]),
        ("tocsin_schema_changes_total", [model.schema.totals.total() for model in models]),
    ):
        yield Column(name, {}, ModelKey._fields, keys, values)


def latency(model: Model) -> Iterable[Histograms]:
    """How long the predictions took; nothing while no event has said so."""
    seen = model.latency
    if seen.total:
        values = [Histogram(tuple(seen.counts.tolist()), seen.sum_s)]
        yield Histograms("tocsin_prediction_latency_seconds", model.key._asdict(), (), [()], values)


class Newest(NamedTuple):
    """A model's newest closed window in short. ``alarm`` is None without a reference, rules and checks."""

    end_s: float
    rows: int
    alarm: int | None
    decision: Decision | None


def newest(model: Model) -> Newest | None:
    """None before a window has closed: unknown is absent."""
    verdict = model.latest()
    if verdict is None:
        return None
    is_judged = model.judge is not None or bool(verdict.rules or verdict.checked)
    return Newest(verdict.end_s, verdict.rows, int(bool(verdict.reasons)) if is_judged else None, verdict.decision)


def windows(found: Mapping[ModelKey, Newest]) -> Iterable[Column]:
    """The newest closed window of each model that has one."""
    keys, by = [*found], ModelKey._fields
    yield Column("tocsin_window_end_timestamp_seconds", {}, by, keys, [each.end_s for each in found.values()])
    yield Column("tocsin_window_rows", {}, by, keys, [each.rows for each in found.values()])
    alarms = {key: each.alarm for key, each in found.items() if each.alarm is not None}
    yield Column("tocsin_drift_alarm", {}, by, [*alarms], [*alarms.values()])
    decided = {key: each.decision for key, each in found.items() if each.decision is not None}
    yield Column("tocsin_drift_incidents", {}, by, [*decided], [len(each.incidents) for each in decided.values()])
    told = {key: (each.score, each.level) for key, each in decided.items() if each.score is not None}
    yield Column("tocsin_drift_evidence", {}, by, [*told], [score for score, _ in told.values()])
    yield Column("tocsin_drift_evidence_threshold", {}, by, [*told], [level for _, level in told.values()])


class Room:
    """The series that a model version may still have; ``folded`` are those that found none."""

    def __init__(self, series: int) -> None:
        self.left = series
        self.folded = 0

    def has(self, series: int) -> bool:
        """Take room for series that stand together; False when there is too little."""
        if series > self.left:
            self.folded += series
            return False
        self.left -= series
        return True

    def of(self, things: int, series: int) -> int:
        """Take room for as many things, of so many series each, as there is."""
        fit = min(things, self.left // series)
        self.left -= fit * series
        self.folded += (things - fit) * series
        return fit


HISTOGRAM_SERIES = len(CLASSIC)
FEATURE_SERIES = 8
RULE_SERIES = 2
REFERENCE_SERIES = 1
"""Of a further reference itself; each of its features has another one."""


def wanted(model: Model) -> int:
    """The series of a model version beside its core, if there is room."""
    latest, quality = model.latest(), model.latest_quality()
    features = FEATURE_SERIES * len(latest.features) if latest else 0
    checks = len(latest.checked) if latest else 0
    texts = len(latest.text.measures) + len(latest.text.thresholds) if latest and latest.text else 0
    rules = 1 + RULE_SERIES * len(latest.rules) if latest and latest.rules else 0
    beside = sum(REFERENCE_SERIES + len(one.features) for one in latest.beside) if latest else 0
    segments = sum(map(len, latest.segments.values())) if latest else 0
    scores = _series(quality) if quality else 0
    before = _before_labels(model, latest) if latest else 0
    data = checks + texts + rules
    return HISTOGRAM_SERIES * bool(model.latency.total) + scores + before + data + features + beside + segments


def verdict(model: Model, room: Room, shown: dict[str, Container[str]]) -> Iterable[Column]:
    """What the newest closed window says of the model's quality, its data, of each rule and feature, and of segments.

    Where there is no room for all, the first features are shown, and the busiest values of a segment. ``shown`` has
    those of the window before, by segment; and then of this one.
    """
    labels, latest, quality = model.key._asdict(), model.latest(), model.latest_quality()
    if quality is not None and room.has(_series(quality)):
        yield from _quality(labels, quality)
    if latest is None:
        return
    if room.has(_before_labels(model, latest)):
        yield from _estimate(labels, latest)
        yield from _day(labels, model.latest_day())
    if latest.checked and room.has(len(latest.checked)):
        failures = Counter(check.check for check in latest.checks)
        keys = [(name,) for name in latest.checked]
        failed = [failures[name] for name in latest.checked]
        yield Column("tocsin_data_check_failures", labels, ("check",), keys, failed)
    if latest.text is not None and room.has(len(latest.text.measures) + len(latest.text.thresholds)):
        for metric, values in (
            ("tocsin_text_measure", latest.text.measures),
            ("tocsin_text_measure_threshold", latest.text.thresholds),
        ):
            yield Column(metric, labels, ("measure",), [(name,) for name in values], [*values.values()])
    if latest.rules and room.has(1):
        yield from _rules(labels, latest.rules, room.of(len(latest.rules), RULE_SERIES))
    features = [*latest.features.values()]
    yield from _features(labels, features[: room.of(len(features), FEATURE_SERIES)])
    beside = [one for one in latest.beside if room.has(REFERENCE_SERIES + len(one.features))]
    yield from _beside(labels, beside)
    rows = {}
    for name, counts in latest.segments.items():
        found = busiest(counts, shown.get(name, ()), room.of(len(counts), 1))
        shown[name] = found.keys()
        rows.update({(name, value): count for value, count in found.items()})
    yield Column("tocsin_window_segment_rows", labels, ("segment", "value"), [*rows], [*rows.values()])


def _before_labels(model: Model, latest: WindowVerdict) -> int:
    """The series of what is told of a window without its labels and of no feature alone."""
    together = 2 * (latest.joint is not None) + 3 * (model.latest_day() is not None)
    return together + (3 * len(latest.estimate.scores) if latest.estimate else 0)


def _estimate(labels: Mapping[str, str], latest: WindowVerdict) -> Iterable[Column]:
    if latest.joint is not None:
        yield single("tocsin_joint_drift_score", labels, latest.joint.score)
        yield single("tocsin_joint_drift_threshold", labels, latest.joint.threshold)
    if latest.estimate is not None:
        keys = [(metric,) for metric in latest.estimate.scores]
        bounds = [latest.estimate.bounds[metric] for (metric,) in keys]
        for name, values in (
            ("tocsin_model_quality_estimate", [*latest.estimate.scores.values()]),
            ("tocsin_model_quality_estimate_lower", [low for low, _ in bounds]),
            ("tocsin_model_quality_estimate_upper", [high for _, high in bounds]),
        ):
            yield Column(name, labels, ("metric",), keys, values)


def _day(labels: Mapping[str, str], verdict: WindowVerdict | None) -> Iterable[Column]:
    if verdict is not None and verdict.daily is not None:
        yield single("tocsin_daily_joint_drift_score", labels, verdict.daily.score)
        yield single("tocsin_daily_joint_drift_threshold", labels, verdict.daily.threshold)
        yield single("tocsin_daily_joint_drift_p_value", labels, verdict.daily.p_value)


def _rules(labels: Mapping[str, str], rules: Sequence[RuleVerdict], most: int) -> Iterable[Column]:
    yield single("tocsin_data_rules_broken", labels, sum(bool(each.reason) for each in rules))
    shown = rules[:most]
    keys = [(each.name,) for each in shown]
    shares = [each.unexpected / max(each.rows, 1) if each.value is None else bool(each.reason) for each in shown]
    yield Column("tocsin_data_rule_unexpected_ratio", labels, ("rule",), keys, [min(float(one), 1.0) for one in shares])
    broken = [float(bool(each.reason)) for each in shown]
    yield Column("tocsin_data_rule_broken", labels, ("rule",), keys, broken)


def _features(labels: Mapping[str, str], features: Sequence[FeatureVerdict]) -> Iterable[Column]:
    told = [each for each in features if each.score is not None and each.threshold is not None]
    keys = _keys(tuple([each.name for each in told]), tuple([each.method for each in told]))
    yield Column("tocsin_feature_drift_score", labels, _SCORE, keys, [each.score or 0.0 for each in told])
    yield Column("tocsin_feature_drift_threshold", labels, _SCORE, keys, [each.threshold or 0.0 for each in told])
    keys = _keys(tuple([each.name for each in features]))
    yield Column("tocsin_feature_missing_ratio", labels, _FEATURE, keys, [each.missing_ratio for each in features])
    yield Column("tocsin_feature_new_ratio", labels, _FEATURE, keys, [each.new_ratio for each in features])
    yield Column("tocsin_feature_invalid_ratio", labels, _FEATURE, keys, [each.invalid_ratio for each in features])
    judged = [each for each in features if each.judged]  # what the collector does not judge, no rule does
    keys = _keys(tuple([each.name for each in judged]))
    bounds = [each.missing_threshold for each in judged]
    yield Column("tocsin_feature_missing_threshold", labels, _FEATURE, keys, bounds)
    yield Column("tocsin_feature_new_threshold", labels, _FEATURE, keys, [each.new_threshold for each in judged])
    bounds = [each.invalid_threshold for each in judged]
    yield Column("tocsin_feature_invalid_threshold", labels, _FEATURE, keys, bounds)


def _beside(labels: Mapping[str, str], beside: Sequence[Beside]) -> Iterable[Column]:
    told = {
        (name, apart.method, one.reference): apart.distance for one in beside for name, apart in one.features.items()
    }
    by = (*_SCORE, "reference")
    yield Column("tocsin_feature_reference_distance", labels, by, [*told], [*told.values()])
    keys = [(one.reference,) for one in beside]
    beyond = [len(one.beyond) for one in beside]
    yield Column("tocsin_reference_features_beyond", labels, ("reference",), keys, beyond)


@lru_cache(4096)
def _keys(*values: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    # The features of a model stay from window to window: one and the same tuple is compared at once.
    return tuple(zip(*values, strict=True))


def _series(quality: QualityVerdict) -> int:
    told = len(quality.scores) + len(quality.thresholds) + len(_covered(quality)) + len(_gaps(quality))
    return 2 + len(QUANTILES) + told


def _covered(quality: QualityVerdict) -> dict[tuple[str], float]:
    """By quantile, the first of those that a model predicts."""
    found = coverages(unpack(quality.tally))[:QUANTILES_MOST]
    return {(f"{one.quantile:g}",): one.covered.value for one in found}


def _gaps(quality: QualityVerdict) -> dict[tuple[str, str, str], float]:
    """By segment, measure and class."""
    segments = {
        segment: {value: unpack(packed) for value, packed in by_value.items()}
        for segment, by_value in quality.segments.items()
    }
    return {
        (segment, gap.measure, gap.name): gap.gap.value
        for segment, by_value in segments.items()
        for gap in gaps(by_value)
    }


def _quality(labels: Mapping[str, str], verdict: QualityVerdict) -> Iterable[Column]:
    yield single("tocsin_model_label_coverage_ratio", labels, verdict.coverage)
    yield single("tocsin_model_quality_bad_windows", labels, verdict.strikes)
    delay_s = quantiles(unpack(verdict.tally))
    keys = [(f"{share:g}",) for share in delay_s]
    yield Column("tocsin_model_label_delay_seconds", labels, ("quantile",), keys, [*delay_s.values()])
    covered, between = _covered(verdict), _gaps(verdict)
    yield Column("tocsin_model_quantile_coverage_ratio", labels, ("quantile",), [*covered], [*covered.values()])
    yield Column("tocsin_model_fairness_gap_ratio", labels, GAP, [*between], [*between.values()])
    for name, values in (
        ("tocsin_model_quality", verdict.scores),
        ("tocsin_model_quality_threshold", verdict.thresholds),
    ):
        yield Column(name, labels, ("metric",), [(metric,) for metric in values], [*values.values()])


def joins(unmatched: Mapping[Name, tuple[int, int]]) -> Iterable[Column]:
    """Labels and outcomes by model that have no prediction (yet)."""
    keys = [*unmatched]
    yield Column("tocsin_labels_waiting", {}, Name._fields, keys, [waiting for waiting, _ in unmatched.values()])
    yield Column(
        "tocsin_labels_unmatched_total", {}, Name._fields, keys, [given_up for _, given_up in unmatched.values()]
    )
