"""What a window's labels say of the model: each score with the sampling variance that it has on so many rows."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tocsin_collector.quality import multilabel, ranking
from tocsin_collector.quality.auc import auc
from tocsin_collector.quality.labelled import Classified, Estimated, Labelled, Ranked, Sets, Sound, sound
from tocsin_collector.quality.tally import mean_of

Floats = NDArray[np.float64]
MEAN = "mean"
AUC, LOG_LOSS, BRIER, ACCURACY, MAE, RMSE = "auc", "log_loss", "brier", "accuracy", "mae", "rmse"
NDCG, JACCARD = "ndcg", "jaccard"
NAMES = (AUC, LOG_LOSS, BRIER, ACCURACY, MAE, RMSE, NDCG, JACCARD)
"""Those that are judged, but accuracy, in the order in which they are told: what depends on the classes' shares least
comes first. All others are told beside them: each more that could alarm would widen the bounds of the rest."""
RISES = (
    AUC, "pr_auc", ACCURACY, "precision_macro", "recall_macro", "f1_macro", "f1_weighted", "f1_micro", "r2", NDCG,
    "mrr", "hit_rate", JACCARD, "exact_match",
)  # fmt: skip
"""More is better; of the others less is."""
FALLS = (LOG_LOSS, BRIER, "calibration_error", MAE, RMSE, "mape", "smape", "mase", "pinball", "cost")

_NEVER = -2  # a predicted class that no label equals, not even the -1 of labels without a score
_SMALLEST = float(np.finfo(np.float64).eps)  # a probability of 0 for what happened costs 36 nats, not infinity


class Score(NamedTuple):
    """``noise`` is the sampling variance of the value."""

    value: float
    noise: float


class Measured(NamedTuple):
    """The scores of some labelled rows. ``constant`` is their best constant prediction: class shares, or the mean."""

    rows: int
    scores: dict[str, Score]
    constant: dict[str, float]


def measure(rows: Labelled) -> Measured:
    """Score the rows. A score that they do not determine (the AUC of one class alone) is absent, not 0."""
    return measure_sound(sound(rows))


def measure_sound(found: Sound | None) -> Measured:
    """The same of rows that were sorted out."""
    if isinstance(found, Estimated):
        return _regression(found)
    if isinstance(found, Classified):
        return _classification(found)
    return _of_lists(found) if found else Measured(0, {}, {})


def baseline(rows: Labelled, constant: dict[str, float]) -> dict[str, float]:
    """The same scores of always predicting ``constant``, a reference's class shares or mean."""
    return baseline_sound(sound(rows), constant)


def baseline_sound(found: Sound | None, constant: dict[str, float]) -> dict[str, float]:
    """The same of rows that were sorted out."""
    if not constant or not isinstance(found, Estimated | Classified):
        return {}
    if isinstance(found, Estimated):
        mean = np.full_like(found.truth, constant.get(MEAN, 0.0))
        return {name: score.value for name, score in _regression(Estimated(found.truth, mean)).scores.items()}
    shares = np.array([constant.get(name, 0.0) for name in found.classes])
    always = np.broadcast_to(shares, (len(found.truth), len(shares)))
    majority = max(sorted(constant), key=constant.__getitem__)
    code = found.classes.index(majority) if majority in found.classes else _NEVER
    flat = None if found.probabilities is None else always
    scores = _classification(Classified(found.classes, found.truth, np.full(len(always), code), flat)).scores
    return {name: score.value for name, score in scores.items()}


def _regression(rows: Estimated) -> Measured:
    if not len(rows.truth):
        return Measured(0, {}, {})
    errors = np.abs(rows.predicted - rows.truth)
    squared = _mean(errors**2)
    rmse = squared.value**0.5
    scores = {MAE: _mean(errors), RMSE: Score(rmse, squared.noise / (4 * squared.value) if rmse else 0.0)}
    return Measured(len(errors), scores, {MEAN: float(rows.truth.mean())})


def _of_lists(rows: Ranked | Sets) -> Measured:
    group, name = (ranking, NDCG) if isinstance(rows, Ranked) else (multilabel, JACCARD)
    found = mean_of(group.count(rows), name)
    return Measured(found.rows, {name: Score(found.value, found.noise)}, {}) if found else Measured(0, {}, {})


def _classification(rows: Classified) -> Measured:
    if not len(rows.truth):
        return Measured(0, {}, {})
    scores = {} if rows.probabilities is None else _probabilistic(rows.truth, rows.probabilities)
    scores[ACCURACY] = _mean((rows.truth == rows.predicted).astype(np.float64))
    shares = {name: float((rows.truth == code).mean()) for code, name in enumerate(rows.classes)}
    return Measured(len(rows.truth), scores, shares)


def _probabilistic(truth: NDArray[np.int64], table: Floats) -> dict[str, Score]:
    found = {name: _mean(values) for name, values in losses(truth, table).items()}
    area = auc(truth[:, None] == np.arange(table.shape[1]), table)
    return found if area is None else {AUC: Score(*area), **found}


def losses(truth: NDArray[np.int64], table: Floats) -> dict[str, Floats]:
    """What each row's scores cost."""
    happened = truth[:, None] == np.arange(table.shape[1])
    true_share = np.where(happened, table, 0.0).sum(axis=1)  # 0 where the label is a class without a score
    squares = ((table - happened) ** 2).sum(axis=1) + (truth < 0)
    return {
        LOG_LOSS: -np.log(np.clip(true_share, _SMALLEST, 1.0)),
        BRIER: squares / 2 if table.shape[1] == 2 else squares,  # of two classes: of one of them, as usual
    }


def _mean(losses: Floats) -> Score:
    return Score(float(losses.mean()), float(losses.var() / max(len(losses) - 1, 1)))
