"""How a model is, from its closed windows: a word, a sentence, and since when."""

from collections.abc import Sequence
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
    judged = any(feature.score is not None for feature in verdict.features.values()) or verdict.quality is not None
    return OK if judged else UNKNOWN


def of_model(view: ModelView) -> Health:
    """The state of a model: that of its newest closed window."""
    if view.reference is None:
        return Health(UNKNOWN, "no reference yet")
    if not view.verdicts:
        return Health(UNKNOWN, "no window has closed yet")
    newest = view.verdicts[-1]
    state = of_window(newest)
    if state == UNKNOWN:
        return Health(UNKNOWN, f"{newest.rows} rows in the newest window are too few to judge")
    count, since = _stretch(view.verdicts, state)
    return Health(state, "alarm" if state == ALARM else "as its reference", since, count)


def _stretch(verdicts: Sequence[WindowVerdict], state: str) -> tuple[int, float]:
    count = 0
    for verdict in reversed(verdicts):
        if of_window(verdict) != state:
            break
        count += 1
    return count, verdicts[-count].start_s


def labelled(view: ModelView) -> QualityVerdict | None:
    """The quality of the newest window that has labels."""
    return next((verdict.quality for verdict in reversed(view.verdicts) if verdict.quality is not None), None)


HEADLINES = ("auc", "log_loss", "brier", "accuracy", "mae", "rmse")
"""Scores in the order of a page; AUC first, accuracy never first: it flatters a model of rare classes."""
NAMES = {
    "auc": "AUC", "log_loss": "Log loss", "brier": "Brier score", "accuracy": "Accuracy", "mae": "Mean absolute error",
    "rmse": "Root mean square error",
}  # fmt: skip


def in_order(scores: dict[str, float]) -> list[str]:
    """The names of scores, known ones first."""
    return [name for name in HEADLINES if name in scores] + sorted(set(scores) - set(HEADLINES))


METHODS = {"ks": "Kolmogorov-Smirnov", "js": "Jensen-Shannon", "psi": "PSI", "evidence": "share of what alarms"}
"""The names of distances as people know them."""
