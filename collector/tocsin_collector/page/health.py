"""How a model is, from its closed windows: a word, a sentence, and since when."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tocsin_collector.verdict import ModelView, QualityVerdict, WindowVerdict

ALARM, OK, UNKNOWN = "alarm", "ok", "unknown"


@dataclass(frozen=True, slots=True)
class Health:
    """``state`` is alarm, ok or unknown; ``since_s`` is the start (event time) of the first window of the stretch."""

    state: str
    text: str
    since_s: float | None = None
    windows: int = 0


def of_window(verdict: WindowVerdict) -> str:
    """The state of one window."""
    if verdict.reasons:
        return ALARM
    judged = any(feature.score is not None for feature in verdict.features.values()) or bool(
        verdict.quality and (verdict.quality.thresholds or verdict.quality.floors)
    )
    return OK if judged or verdict.rules or verdict.checked else UNKNOWN


def of_model(view: ModelView) -> Health:
    """The state of a model: that of its newest closed window."""
    newest = view.verdicts[-1] if view.verdicts else None
    if view.reference is None and not (newest and (newest.rules or newest.checked)):
        return Health(UNKNOWN, "no reference yet")
    if newest is None:
        return Health(UNKNOWN, "no window has closed yet")
    state = of_window(newest)
    if state == UNKNOWN:
        return Health(UNKNOWN, f"{newest.rows} rows in the newest window are too few to judge")
    count, since = _stretch(view.verdicts, state)
    good = "as its reference" if view.reference else "its data is as it should be"
    return Health(state, "alarm" if state == ALARM else good, since, count)


def _stretch(verdicts: Sequence[WindowVerdict], state: str) -> tuple[int, float]:
    count = 0
    for verdict in reversed(verdicts):
        if of_window(verdict) != state:
            break
        count += 1
    return count, verdicts[-count].start_s


@dataclass(frozen=True, slots=True)
class Labelled:
    """A window that has labels."""

    window: WindowVerdict
    quality: QualityVerdict


def labelled(view: ModelView) -> Labelled | None:
    """The newest window that has labels."""
    return next((Labelled(window, window.quality) for window in reversed(view.verdicts) if window.quality), None)


HEADLINES = (
    "auc",
    "log_loss",
    "brier",
    "accuracy",
    "mae",
    "rmse",
    "ndcg",
    "hit_rate",
    "jaccard",
    "exact_match",
    "cost",
)
"""Scores in the order of a page; AUC first, accuracy never first: it flatters a model of rare classes."""
NAMES = {
    "auc": "AUC", "pr_auc": "PR-AUC", "log_loss": "Log loss", "brier": "Brier score", "accuracy": "Accuracy",
    "mae": "Mean absolute error", "rmse": "Root mean square error", "mape": "MAPE", "smape": "sMAPE", "mase": "MASE",
    "r2": "R²", "ndcg": "NDCG of the first ten", "mrr": "MRR of the first ten", "hit_rate": "Hits in the first ten",
    "cost": "Cost a labelled row", "precision_macro": "Precision, mean of classes", "f1_weighted": "F1, weighted",
    "recall_macro": "Recall, mean of classes", "f1_macro": "F1, mean of classes", "f1_micro": "F1, of all labels",
}  # fmt: skip


def in_order(scores: Iterable[str]) -> list[str]:
    """The names of scores, known ones first."""
    known = set(scores)
    return [name for name in HEADLINES if name in known] + sorted(known - set(HEADLINES))


METHODS = {
    "ks": "Kolmogorov-Smirnov",
    "js": "Jensen-Shannon",
    "hotelling": "Hotelling",
    "psi": "PSI",
    "evidence": "share of what alarms",
}
"""The names of distances as people know them."""
