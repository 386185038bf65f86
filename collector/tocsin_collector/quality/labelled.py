"""Predictions beside their labels, as the arrays that scores are computed from."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tocsin_collector.frame import Values
from tocsin_collector.verdict import CATEGORY, NUMBER

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Labelled:
    """Rows of one window whose label has come, all columns of equal length.

    ``label`` and ``prediction`` are the columns of that name, ``scores`` the columns ``score.CLASS`` by class.
    """

    label: Values
    prediction: Values | None = None
    scores: dict[str, Values] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Classified:
    """Soundly scored rows of a classifier.

    ``truth`` and ``predicted`` index ``classes``, -1 for a class without a score; ``probabilities`` is rows x classes,
    each row adding up to 1, or None when the model gives no scores.
    """

    classes: tuple[str, ...]
    truth: NDArray[np.int64]
    predicted: NDArray[np.int64]
    probabilities: Floats | None


@dataclass(frozen=True, slots=True)
class Estimated:
    """Soundly predicted rows of a regression, in the label's own unit."""

    truth: Floats
    predicted: Floats


def sound(rows: Labelled) -> Classified | Estimated | None:
    """The rows that can be scored; None when there is nothing to score with. Missing and non-finite ones are left out.

    Numbers predicted as numbers, without scores, are a regression; anything else is a classification.
    """
    if rows.scores:
        return _scored(rows)
    if rows.prediction is None:
        return None
    if rows.label.kind == NUMBER and rows.prediction.kind == NUMBER:
        usable = _finite(rows.label) & _finite(rows.prediction)
        return Estimated(rows.label.data[usable].astype(np.float64), rows.prediction.data[usable].astype(np.float64))
    usable = rows.label.valid & rows.prediction.valid
    truth, predicted = _texts(rows.label, usable), _texts(rows.prediction, usable)
    classes = tuple(sorted({*truth, *predicted}))
    return Classified(classes, _codes(truth, classes), _codes(predicted, classes), None)


def _scored(rows: Labelled) -> Classified:
    usable = rows.label.valid.copy()
    for column in rows.scores.values():
        usable &= _finite(column)
    table = np.column_stack([rows.scores[name].data[usable] for name in sorted(rows.scores)]).astype(np.float64)
    truth = _texts(rows.label, usable)
    classes = tuple(sorted(rows.scores))
    if len(classes) == 1:  # a binary model that tells one side only: whatever is not that class is the other
        classes = (classes[0], f"not {classes[0]}")
        table = np.column_stack([table[:, 0], 1 - table[:, 0]])
        truth = [text if text == classes[0] else classes[1] for text in truth]
    within = (table >= 0).all(axis=1) & (table <= 1).all(axis=1) & (table.sum(axis=1) > 0)
    table = table[within] / table[within].sum(axis=1, keepdims=True)
    return Classified(classes, _codes(truth, classes)[within], table.argmax(axis=1), table)


def _finite(values: Values) -> NDArray[np.bool_]:
    if values.kind == CATEGORY:
        return np.zeros(len(values.valid), bool)
    return values.valid & np.isfinite(values.data)


def _texts(values: Values, usable: NDArray[np.bool_]) -> list[str]:
    return [text or "" for text in values.take(np.flatnonzero(usable)).texts()]


def _codes(texts: list[str], classes: tuple[str, ...]) -> NDArray[np.int64]:
    index = {name: code for code, name in enumerate(classes)}
    return np.array([index.get(text, -1) for text in texts], np.int64)
