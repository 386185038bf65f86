"""Labels against predicted classes: accuracy, precision, recall and F1, by class, macro and weighted.

A precision of a class that was never predicted is unknown, and no part of a mean. Variances by the delta method over
the table's cells (Takahashi et al. 2022): each score is unchanged when all counts are multiplied, so what is left of
the multinomial variance is the sum of count times squared gradient.
"""

from collections import Counter
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tocsin_collector.quality.interval import Scored, normal, wilson
from tocsin_collector.quality.labelled import Classified
from tocsin_collector.quality.tally import Tally

Floats = NDArray[np.float64]
OTHER = "_other"
"""Labels without a score, and classes beyond ``CLASSES_MOST``."""
CLASSES_MOST = 64
"""Classes of a window, the ones with the most labels; who has more makes them up, or predicts texts."""


class Table(NamedTuple):
    """Rows by true class (down) and predicted class (across)."""

    classes: tuple[str, ...]
    counts: NDArray[np.int64]


class OfClass(NamedTuple):
    """One class against all others; None where nothing tells it."""

    labelled: int
    predicted: int
    precision: Scored | None
    recall: Scored | None
    f1: Scored | None


def count(rows: Classified) -> Tally:
    """Rows by label and predicted class."""
    names = np.array([*rows.classes, OTHER], object)
    size = len(names)
    truth, predicted = rows.truth, rows.predicted
    if size > CLASSES_MOST:
        known = _largest(rows)
        truth, predicted = (np.where(np.isin(codes, known), codes, -1) for codes in (truth, predicted))
    pairs, counts = np.unique((truth % size) * size + predicted % size, return_counts=True)
    found: Tally = Counter()
    for pair, times in zip(pairs.tolist(), counts.tolist(), strict=True):
        found["pair", names[pair // size], names[pair % size]] += times
    hits = int(np.count_nonzero((rows.truth == rows.predicted) & (rows.truth >= 0)))
    return found + Counter({("hits",): hits, ("classified",): len(rows.truth)})


def _largest(rows: Classified) -> NDArray[np.int64]:
    labelled = np.bincount(rows.truth[rows.truth >= 0], minlength=len(rows.classes))
    return np.argsort(-labelled, kind="stable")[:CLASSES_MOST]


def table(tally: Tally) -> Table:
    """The table; its classes in the order of their names, ``_other`` last."""
    pairs = {(str(key[1]), str(key[2])): times for key, times in tally.items() if key[0] == "pair"}
    names = sorted({name for pair in pairs for name in pair}, key=lambda name: (name == OTHER, name))
    place = {name: at for at, name in enumerate(names)}
    counts = np.zeros((len(names), len(names)), np.int64)
    for (truth, predicted), times in pairs.items():
        counts[place[truth], place[predicted]] = times
    return Table(tuple(names), counts)


def by_class(tally: Tally) -> dict[str, OfClass]:
    """Precision, recall and F1 of each class; ``_other`` is no class."""
    names, counts = table(tally)
    hits, labelled, predicted = (part.tolist() for part in (counts.diagonal(), counts.sum(axis=1), counts.sum(axis=0)))
    return {
        name: OfClass(
            labelled[at],
            predicted[at],
            wilson(hits[at], predicted[at]) if predicted[at] else None,
            wilson(hits[at], labelled[at]) if labelled[at] else None,
            _f1(hits[at], labelled[at] + predicted[at]),
        )
        for at, name in enumerate(names)
        if name != OTHER
    }


def _f1(hits: int, both: int) -> Scored | None:
    if not both:
        return None
    misses = both - 2 * hits
    return normal(2 * hits / both, 4 * hits * misses * (misses + hits) / both**4, 0, 1)


def scores(tally: Tally) -> dict[str, Scored]:
    """Accuracy, and the means over the classes."""
    rows = tally["classified",]
    if not rows:
        return {}
    found = {"accuracy": wilson(tally["hits",], rows)}
    names, counts = table(tally)
    real = [at for at, name in enumerate(names) if name != OTHER]
    for name, (values, gradients) in _scores_of_classes(counts).items():
        known = [at for at in real if not np.isnan(values[at])]
        if known:
            found[name + "_macro"] = _macro(values[known], gradients[known], counts)
    values, gradients = _scores_of_classes(counts)["f1"]
    if len(real) == len(names):
        found["f1_weighted"] = _weighted(np.nan_to_num(values), np.nan_to_num(gradients), counts)
    return found


def _scores_of_classes(counts: NDArray[np.int64]) -> dict[str, tuple[Floats, Floats]]:
    """Values by class, NaN where unknown, and their gradients: class x true x predicted."""
    size = len(counts)
    eye = np.eye(size)
    diagonal = eye[:, :, None] * eye[:, None, :]
    down, across = np.repeat(eye[:, :, None], size, 2), np.repeat(eye[:, None, :], size, 1)
    hits = counts.diagonal().astype(np.float64)
    labelled, predicted = counts.sum(axis=1), counts.sum(axis=0)
    parts = {
        "precision": (hits, predicted, diagonal, across),
        "recall": (hits, labelled, diagonal, down),
        "f1": (2 * hits, labelled + predicted, 2 * diagonal, down + across),
    }
    return {name: _ratio(*part) for name, part in parts.items()}


def _ratio(above: Floats, below: NDArray[np.int64], d_above: Floats, d_below: Floats) -> tuple[Floats, Floats]:
    with np.errstate(invalid="ignore", divide="ignore"):
        value = above / below
        return value, (d_above - value[:, None, None] * d_below) / below[:, None, None]


def _macro(values: Floats, gradients: Floats, counts: NDArray[np.int64]) -> Scored:
    return normal(float(values.mean()), float((counts * gradients.mean(axis=0) ** 2).sum()), 0, 1)


def _weighted(values: Floats, gradients: Floats, counts: NDArray[np.int64]) -> Scored:
    shares = counts.sum(axis=1) / counts.sum()
    value = float(shares @ values)
    gradient = np.tensordot(shares, gradients, 1) + (values[:, None] - value) / counts.sum()
    return normal(value, float((counts * gradient**2).sum()), 0, 1)
