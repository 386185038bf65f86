"""Rankings: NDCG, MRR and hit rate of the first ten items.

A prediction is the list of items, best first; a label is the item that was right, or items with their grades
(``{"a": 3, "b": 1}``). NDCG with linear gain (Järvelin and Kekäläinen 2002); grades of 0 and below are irrelevant.
"""

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from tocsin_collector.quality.interval import Scored, of_mean
from tocsin_collector.quality.labelled import Ranked
from tocsin_collector.quality.tally import Tally, count_mean, mean_of

DEPTH = 10
_DISCOUNT = 1 / np.log2(np.arange(2, DEPTH + 2))


def count(rows: Ranked) -> Tally:
    """The sums over the rows; a row without a relevant item tells nothing of NDCG and is left out there."""
    gains = np.array([_gains(*row) for row in zip(rows.ranked, rows.grades, strict=True)]).reshape(-1, DEPTH)
    ideal = np.array([_ideal(grades) for grades in rows.grades]).reshape(-1, DEPTH)
    best = ideal @ _DISCOUNT
    relevant = np.asarray(gains > 0)
    hit = np.asarray(relevant.any(axis=1))
    reciprocal = np.where(hit, 1 / (1 + relevant.argmax(axis=1)), 0.0)
    told = best > 0
    found: Tally = Counter()
    for name, values in (
        ("ndcg", (gains[told] @ _DISCOUNT) / best[told]),
        ("mrr", reciprocal[told]),
        ("hit_rate", hit[told].astype(np.float64)),
    ):
        found.update(count_mean(name, values))
    return found


def scores(tally: Tally) -> dict[str, Scored]:
    """All in 0..1, more is better."""
    return {name: of_mean(mean, 0, 1) for name in ("ndcg", "mrr", "hit_rate") if (mean := mean_of(tally, name))}


def _gains(ranked: tuple[str, ...], grades: dict[str, float]) -> list[float]:
    found = [max(grades.get(item, 0.0), 0.0) for item in dict.fromkeys(ranked[:DEPTH])]
    return found + [0.0] * (DEPTH - len(found))


def _ideal(grades: dict[str, float]) -> NDArray[np.float64]:
    best = sorted((grade for grade in grades.values() if grade > 0), reverse=True)[:DEPTH]
    return np.array(best + [0.0] * (DEPTH - len(best)))
