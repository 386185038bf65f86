"""A window's quality against the reference's."""

from tocsin_collector.quality.labelled import Labelled
from tocsin_collector.quality.measure import ACCURACY, RISES, baseline, measure
from tocsin_collector.quality.reference import QualityReference
from tocsin_collector.verdict import QualityVerdict

_TITLES = {"auc": "AUC", "log_loss": "log loss", "brier": "Brier score", "mae": "mean absolute error", "rmse": "RMSE"}


def judge(reference: QualityReference | None, rows: Labelled, *, predictions: int, min_rows: int) -> QualityVerdict:
    """Score the labelled rows of a window of so many ``predictions``; with fewer than ``min_rows`` nothing alarms.

    Without a reference the scores are told and nothing is judged. Accuracy is told beside its baseline and never alarms
    by itself: where one class is rare it hardly moves, and where the classes' shares move it moves without any fault.
    """
    found = measure(rows)
    scores = {name: score.value for name, score in found.scores.items()}
    known = reference.scores if reference else {}
    thresholds = {
        name: one.value + (-1 if name in RISES else 1) * one.slack(found.rows)
        for name, one in known.items()
        if name != ACCURACY and name in scores
    }
    judged = thresholds if found.rows >= min_rows else {}
    return QualityVerdict(
        labelled=found.rows,
        coverage=found.rows / predictions if predictions else 0.0,
        scores=scores,
        baseline=baseline(rows, reference.constant if reference else found.constant),
        reference={name: one.value for name, one in known.items()},
        thresholds=thresholds,
        reasons=tuple(
            _sentence(name, scores[name], known[name].value, bound)
            for name, bound in judged.items()
            if not _within(name, scores[name], bound)
        ),
    )


def _within(name: str, value: float, bound: float) -> bool:
    return value >= bound if name in RISES else value <= bound  # a NaN is within nothing: it alarms


def _sentence(name: str, value: float, normal: float, bound: float) -> str:
    return f"{_TITLES[name]} is {value:.3g}, {normal:.3g} in the reference (bound {bound:.3g})"
