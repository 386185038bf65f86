"""All estimators of one model: learnt from its reference, asked of a window, told as one figure with its interval."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tocsin_collector.frame import Values
from tocsin_collector.profile.coarse import Codes
from tocsin_collector.quality.estimate import calibrated, direct, weighted
from tocsin_collector.quality.estimate.choice import Answers, Past, choose
from tocsin_collector.quality.estimate.known import known
from tocsin_collector.quality.estimate.said import Said
from tocsin_collector.quality.labelled import Labelled
from tocsin_collector.quality.measure import ACCURACY, AUC, Score, measure
from tocsin_collector.verdict import EstimateVerdict

CBPE, DLE, WEIGHTED = "cbpe", "dle", "weighted"
DEVIATES = 1.96
"""Of the interval: 95 % if errors are normal."""

Floats = NDArray[np.float64]


class Estimators(NamedTuple):
    """``reference`` has the scores of the reference's rows, ``rows`` how many these are."""

    classes: tuple[str, ...]
    rows: int
    reference: Mapping[str, Score]
    calibrations: calibrated.Calibrations
    weighted: weighted.Weighted
    direct: direct.Direct | None


def fit(label: Values, prediction: Values | None, scores: dict[str, Values], codes: Codes) -> Estimators | None:
    """Learn from the reference's rows, ``codes`` are their features'. None where too few of them have labels, or the
    model gives neither scores nor numbers."""
    rows = known(label, prediction, scores, codes)
    if rows is None:
        return None
    measured = measure(Labelled(label, prediction, scores))
    calibrations: calibrated.Calibrations = ()
    if rows.classes:
        calibrations = calibrated.fit(rows, calibrated.groups(rows), np.ones(len(rows.truth)))
    some = rows.some()
    return Estimators(
        rows.classes,
        measured.rows,
        measured.scores,
        calibrations,
        weighted.fit(some),
        None if rows.classes else direct.fit(some),
    )


def losses(model: Estimators, told: Said, codes: Codes) -> NDArray[np.int64]:
    """What has to be summed up as a regression's rows come; zeros for a classifier."""
    if model.direct is None or told.classes:
        return np.zeros(2, np.int64)
    return direct.losses(model.direct, told.table[0], codes[:, told.usable])


def answers(
    model: Estimators, told: Said, shares: Floats | None, sums: NDArray[np.int64]
) -> dict[str, dict[str, float]]:
    """What each estimator says of a window, the default one in front; empty where its classes are others than the
    reference's, or it has no rows. ``shares`` are those of its features' codes where they are known, ``sums`` its
    rows' ``losses``."""
    if told.classes != model.classes or not told.table.size:
        return {}
    table = told.table[:, np.lexsort(told.table)]  # whatever order the rows came in, the same bits come out
    found = {}
    if model.direct is None:
        found[CBPE] = calibrated.estimate(model.calibrations, table)
    else:
        found[DLE] = direct.estimate(model.direct, sums, table.shape[1])
    if shares is not None:
        found[WEIGHTED] = weighted.estimate(model.weighted, table, shares)
    return found


def tell(model: Estimators, said: Answers, rows: int, past: Sequence[Past]) -> EstimateVerdict | None:
    """One figure a score: the chosen estimator's, with an interval for what the labels will show on so many rows.

    The interval has the sampling error of window and reference and the spread of the estimators; it is never narrower
    than the errors that windows with labels have shown.
    """
    if not said:
        return None
    scores, bounds, chosen = {}, {}, {}
    for name, measured in model.reference.items():
        if not all(name in told for told in said.values()):
            continue
        choice = choose(said, past, name)
        value = said[choice.estimator][name]
        sampling = measured.noise * model.rows * (1 / rows + 1 / model.rows)
        spread = float(np.mean([(told[name] - value) ** 2 for told in said.values()]))
        half = DEVIATES * max(sampling + spread, (choice.error or 0.0) ** 2) ** 0.5
        scores[name], chosen[name] = value, choice.estimator
        bounds[name] = max(value - half, 0.0), min(value + half, 1.0) if name in (AUC, ACCURACY) else value + half
    return EstimateVerdict(rows, scores, bounds, chosen, {name: dict(told) for name, told in said.items()})
