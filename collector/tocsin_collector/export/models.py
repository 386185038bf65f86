"""What the newest closed window of each model says, as samples."""

from collections.abc import Iterable

from tocsin_collector.export.exposition import Sample
from tocsin_collector.monitor.model import Model
from tocsin_collector.monitor.monitor import Name
from tocsin_collector.monitor.schema import CHANGES
from tocsin_collector.verdict import FeatureVerdict, QualityVerdict


def samples(models: Iterable[Model]) -> Iterable[Sample]:
    """Samples of every model. A model without a closed window has its totals only: unknown is absent."""
    for model in models:
        project, name, version = model.key
        labels = {"project": project, "model": name, "version": version}
        yield Sample("tocsin_drift_alarms_total", labels, model.alarms_total)
        yield Sample("tocsin_events_late_total", labels, model.late_total)
        yield Sample("tocsin_events_early_total", labels, model.early_total)
        yield Sample("tocsin_labels_total", labels, model.labels_total)
        for change in CHANGES:
            yield Sample("tocsin_schema_changes_total", {**labels, "change": change}, model.schema.totals[change])
        verdict = model.latest()
        if verdict is None:
            continue
        yield Sample("tocsin_window_end_timestamp_seconds", labels, verdict.end_s)
        yield Sample("tocsin_window_rows", labels, verdict.rows)
        if model.judge is not None:
            yield Sample("tocsin_drift_alarm", labels, int(bool(verdict.reasons)))
        for feature in verdict.features.values():
            yield from _feature(labels, feature)
        quality = model.latest_quality()
        if quality is not None:
            yield from _quality(labels, quality)


def _feature(labels: dict[str, str], verdict: FeatureVerdict) -> Iterable[Sample]:
    of = {**labels, "feature": verdict.name}
    if verdict.score is not None and verdict.threshold is not None:
        yield Sample("tocsin_feature_drift_score", {**of, "method": verdict.method}, verdict.score)
        yield Sample("tocsin_feature_drift_threshold", {**of, "method": verdict.method}, verdict.threshold)
    for share, ratio, threshold in (
        ("missing", verdict.missing_ratio, verdict.missing_threshold),
        ("new", verdict.new_ratio, verdict.new_threshold),
        ("invalid", verdict.invalid_ratio, verdict.invalid_threshold),
    ):
        yield Sample(f"tocsin_feature_{share}_ratio", of, ratio)
        if verdict.judged:  # without its bound nothing is beyond it: what the collector does not judge, no rule does
            yield Sample(f"tocsin_feature_{share}_threshold", of, threshold)


def _quality(labels: dict[str, str], verdict: QualityVerdict) -> Iterable[Sample]:
    yield Sample("tocsin_model_label_coverage_ratio", labels, verdict.coverage)
    yield Sample("tocsin_model_quality_bad_windows", labels, verdict.strikes)
    for metric, value in verdict.scores.items():
        yield Sample("tocsin_model_quality", {**labels, "metric": metric}, value)
    for metric, value in verdict.thresholds.items():
        yield Sample("tocsin_model_quality_threshold", {**labels, "metric": metric}, value)


def joins(unmatched: dict[Name, tuple[int, int]]) -> Iterable[Sample]:
    """Labels and outcomes by model that have no prediction (yet)."""
    for name, (waiting, given_up) in unmatched.items():
        labels = {"project": name.project, "model": name.model}
        yield Sample("tocsin_labels_waiting", labels, waiting)
        yield Sample("tocsin_labels_unmatched_total", labels, given_up)
