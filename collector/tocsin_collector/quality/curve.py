"""Scores of each class by whether it happened, in fixed cells: areas and thresholds that add up over windows.

The cells are half a percent wide; below 10 % and above 90 % each is a twentieth of its score, down to a ten-millionth,
so that rare classes keep their order. Scores within a cell count as ties: AUC is off by at most ``unsure`` (half the
share of pairs that share a cell), in the tests by less than 3e-4. At multiples of 0.005 the counts are exact.
"""

from collections import Counter
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tocsin_collector.quality.interval import Scored, logit, normal, wilson
from tocsin_collector.quality.labelled import Classified
from tocsin_collector.quality.tally import Tally

Counts = NDArray[np.int64]
CLASSES_MOST = 16
"""Models with more classes have no areas over windows: each class takes up to two counts a cell."""
THRESHOLDS = tuple(percent / 100 for percent in range(5, 100, 5))
_TAIL = [float(f"{0.1 * 1.05**-step:.6g}") for step in range(1, 284)]  # rounded: the same on every machine
EDGES = np.array(sorted({*_TAIL, *(1 - edge for edge in _TAIL), *(half / 200 for half in range(1, 200))}))


class Area(NamedTuple):
    """An area under a curve; with unlimited rows in each cell the exact one lies within ``unsure`` of it."""

    scored: Scored
    unsure: float


class AtThreshold(NamedTuple):
    """What follows when all from this score on count as the class; precision is None when none is."""

    threshold: float
    precision: Scored | None
    recall: Scored
    false_positive_rate: Scored
    f1: float


def count(rows: Classified) -> Tally:
    """Rows by class, cell and whether the class happened."""
    found: Tally = Counter()
    if rows.probabilities is None or len(rows.classes) > CLASSES_MOST:
        return found
    for code, name in enumerate(rows.classes):
        happened = (rows.truth == code).astype(np.int64)
        places, counts = np.unique(
            2 * np.searchsorted(EDGES, rows.probabilities[:, code], "right") + happened, return_counts=True
        )
        for place, times in zip(places.tolist(), counts.tolist(), strict=True):
            found["cell", name, place // 2, place % 2] = times
    return found


def scores(tally: Tally) -> dict[str, Scored]:
    """The means over the classes; of two classes the AUC of one is that of the other."""
    cells = _cells(tally)
    if not cells:
        return {}
    areas = [_auc(*counts) for counts in cells.values()]
    precisions = [_pr_auc(*counts) for counts in cells.values()]
    found = {}
    if all(areas):
        found["auc"] = _mean([area.scored for area in areas if area])
    if all(precisions):
        found["pr_auc"] = _mean([area for area in precisions if area])
    return found


def by_class(tally: Tally) -> dict[str, tuple[Area | None, Scored | None]]:
    """AUC and PR-AUC of each class against all others; None while one side is missing."""
    return {name: (_auc(*counts), _pr_auc(*counts)) for name, counts in _cells(tally).items()}


def thresholds(tally: Tally) -> dict[str, list[AtThreshold]]:
    """By class, in steps of 0.05; classes of which one side is missing have none."""
    cells = _cells(tally)
    return {name: [_at(limit, *cells[name]) for limit in THRESHOLDS] for name in cells if all(map(np.any, cells[name]))}


def _cells(tally: Tally) -> dict[str, tuple[Counts, Counts]]:
    """Rows without and with the class by cell, by class."""
    keys = [key for key in tally if key[0] == "cell"]
    found = {name: np.zeros((2, len(EDGES) + 1), np.int64) for name in sorted({str(key[1]) for key in keys})}
    for key in keys:
        found[str(key[1])][int(key[3]), int(key[2])] = tally[key]
    return {name: (counts[0], counts[1]) for name, counts in found.items()}


def _auc(downs: Counts, ups: Counts) -> Area | None:
    """By DeLong, DeLong and Clarke-Pearson (1988), a row's placement being that of its cell."""
    negatives, positives = int(downs.sum()), int(ups.sum())
    if not negatives or not positives:
        return None
    beaten = (downs.cumsum() - downs / 2) / negatives
    beating = (positives - ups.cumsum() + ups / 2) / positives
    value = float(ups @ beaten) / positives
    noise = sum(
        float(counts @ (placement - value) ** 2) / rows / max(rows - 1, 1)
        for counts, placement, rows in ((ups, beaten, positives), (downs, beating, negatives))
    )
    unsure = float(downs.astype(np.float64) @ ups) / (2 * negatives * positives)
    return Area(normal(value, noise, 0, 1), unsure)


def _pr_auc(downs: Counts, ups: Counts) -> Scored | None:
    """Average precision, as scikit-learn's: the sum of steps in recall times precision."""
    positives = int(ups.sum())
    if not positives or not downs.any():
        return None
    hits, all_above = ups[::-1].cumsum(), (ups + downs)[::-1].cumsum()
    steps = ups[::-1] / positives
    used = steps > 0
    return logit(float(steps[used] @ (hits[used] / all_above[used])), positives)


def _mean(areas: list[Scored]) -> Scored:
    # One row takes part in every class's area: the widths are averaged, not their squares (as in ``auc.py``).
    low, high = ([getattr(area, end) for area in areas] for end in ("low", "high"))
    value = float(np.mean([area.value for area in areas]))
    if None in low or None in high:
        return Scored(value)
    return Scored(value, float(np.mean(low)), float(np.mean(high)))


def _at(limit: float, downs: Counts, ups: Counts) -> AtThreshold:
    first = int(np.searchsorted(EDGES, limit, "right"))
    hits, alarms = int(ups[first:].sum()), int(downs[first:].sum())
    positives, negatives = int(ups.sum()), int(downs.sum())
    return AtThreshold(
        limit,
        wilson(hits, hits + alarms) if hits + alarms else None,
        wilson(hits, positives),
        wilson(alarms, negatives),
        2 * hits / (hits + alarms + positives),
    )
