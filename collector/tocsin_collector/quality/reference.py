"""How good the model was in the reference, and how far a window of it may fall behind."""

from collections.abc import Iterable
from math import sqrt
from typing import NamedTuple

import numpy as np

from tocsin_collector.drift.spread import Spread, chance, folds, normal_quantile, spread, strays
from tocsin_collector.quality.labelled import Labelled
from tocsin_collector.quality.measure import ACCURACY, NAMES, RISES, Measured, measure
from tocsin_collector.quality.scores import count
from tocsin_collector.quality.scores import scores as score_tally
from tocsin_collector.quality.tally import merge

FEWEST_ROWS = 30
"""A reference window with fewer labelled rows teaches nothing."""


TINY = 1e-12
"""Keeps the scale above 0 for a model that never errs."""


class ScoreReference(NamedTuple):
    """One score: its mean over the reference's windows by rows, and how its windows stray towards worse.

    ``unit_noise`` is the sampling variance times the rows: on n rows the variance is ``unit_noise / n``.
    """

    value: float
    rows: int
    unit_noise: float
    spread: Spread
    alpha: float

    def slack(self, rows: int) -> float:
        """How much worse than the reference a window of so many labelled rows may be."""
        noise = self.unit_noise * (1 / max(rows, 1) + 1 / self.rows)
        return max(self.spread.bound(noise), normal_quantile(self.alpha) * sqrt(noise))


class QualityReference(NamedTuple):
    """A fitted reference of quality: scores by name, and the constant prediction that stands as baseline."""

    rows: int
    windows: int
    scores: dict[str, ScoreReference]
    constant: dict[str, float]
    told: dict[str, float] = {}  # noqa: RUF012  never written to
    """The scores of all its rows together, also those that are not judged."""


def fit_quality(windows: Iterable[Labelled]) -> QualityReference | None:
    """Learn it from the reference's windows, in order of time. None when no window has enough labels to score."""
    listed = list(windows)
    found = [one for one in map(measure, listed) if one.rows >= FEWEST_ROWS]
    if not found:
        return None
    told = {name: scored.value for name, scored in score_tally(merge(map(count, listed))).items()}
    rows = sum(one.rows for one in found)
    names = [name for name in NAMES if any(name in one.scores for one in found)]
    alpha = chance(len(found), sum(name != ACCURACY for name in names))
    constant = {
        name: sum(one.constant.get(name, 0.0) * one.rows for one in found) / rows
        for name in sorted(set().union(*(one.constant for one in found)))
    }
    return QualityReference(rows, len(found), {name: _score(name, found, alpha) for name in names}, constant, told)


def _score(name: str, windows: list[Measured], alpha: float) -> ScoreReference:
    used = [(one.scores[name], one.rows) for one in windows if name in one.scores]
    values = np.array([score.value for score, _ in used])
    rows = np.array([count for _, count in used], np.float64)
    unit_noise = float(np.mean([score.noise * count for score, count in used])) + TINY
    worse = -1.0 if name in RISES else 1.0
    deviations, noise = np.zeros(len(used)), np.ones(len(used))
    for fold in folds(len(used)):
        rest = np.setdiff1d(np.arange(len(used)), fold)
        deviations[fold] = worse * (values[fold] - np.average(values[rest], weights=rows[rest]))
        noise[fold] = unit_noise * (1 / rows[fold] + 1 / rows[rest].sum())
    alone = len(used) < 2
    own = strays(deviations[alone:], noise[alone:])
    mean = float(np.average(values, weights=rows))
    return ScoreReference(mean, int(rows.sum()), unit_noise, spread(own, alpha), alpha)
