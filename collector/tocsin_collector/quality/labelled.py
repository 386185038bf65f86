"""Predictions beside their labels, as the arrays that scores are computed from."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from tocsin_collector.frame import Values
from tocsin_collector.verdict import CATEGORY, NUMBER

Floats = NDArray[np.float64]
_QUANTILE = re.compile(r"q(0?\.\d+)")
_SCALE = "scale"
_LARGEST = 1e76
"""The fourth power of a larger number is no double."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Labelled:
    """Rows of one window whose label has come, all columns of equal length.

    ``label`` and ``prediction`` are the columns of that name, ``scores`` the columns ``score.CLASS`` by class,
    ``segments`` the columns ``segment.NAME``. ``delay_s`` is from the prediction's time to the label's, NaN where
    unknown.
    """

    label: Values
    prediction: Values | None = None
    scores: dict[str, Values] = field(default_factory=dict)
    segments: dict[str, Values] = field(default_factory=dict)
    delay_s: Floats | None = None

    def take(self, rows: NDArray[np.intp]) -> "Labelled":
        """Some rows, without their segments."""
        prediction = None if self.prediction is None else self.prediction.take(rows)
        scores = {name: values.take(rows) for name, values in self.scores.items()}
        delay_s = None if self.delay_s is None else self.delay_s[rows]
        return Labelled(self.label.take(rows), prediction, scores, {}, delay_s)


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
    """Soundly predicted rows of a regression or forecast, in the label's own unit.

    ``quantiles`` has the predicted ones by level, ``scale`` what the errors are divided by for MASE; NaN is missing.
    """

    truth: Floats
    predicted: Floats
    quantiles: dict[float, Floats] = field(default_factory=dict)
    scale: Floats | None = None


@dataclass(frozen=True, slots=True)
class Ranked:
    """Rankings, best first, and what was relevant: items with their grades."""

    ranked: list[tuple[str, ...]]
    grades: list[dict[str, float]]


@dataclass(frozen=True, slots=True)
class Sets:
    """Several labels a row."""

    truth: list[frozenset[str]]
    predicted: list[frozenset[str]]


Sound = Classified | Estimated | Ranked | Sets


def sound(rows: Labelled) -> Sound | None:
    """The rows that can be scored; None when there is nothing to score with. Missing and non-finite ones are left out.

    Numbers predicted as numbers are a regression, unless there are scores of classes. Lists are sets where the labels
    are lists too, else rankings. Anything else is a classification.
    """
    if rows.scores and not _is_estimate(rows):
        return _scored(rows)
    if rows.prediction is None:
        return None
    if rows.label.kind == NUMBER and rows.prediction.kind == NUMBER:
        return _estimated(rows, rows.prediction)
    usable = rows.label.valid & rows.prediction.valid
    truth, predicted = _texts(rows.label, usable), _texts(rows.prediction, usable)
    lists = _read(predicted, _items)
    if lists is not None:
        labels = _read(truth, _items)
        if labels is None:
            return Ranked(lists, [_grades(text) for text in truth])
        return Sets([frozenset(one) for one in labels], [frozenset(one) for one in lists])
    classes = tuple(sorted({*truth, *predicted}))
    return Classified(classes, _codes(truth, classes), _codes(predicted, classes), None)


def is_list(text: str) -> bool:
    """Whether a prediction or label is a list of items: JSON in a text."""
    return _items(text) is not None


def _is_estimate(rows: Labelled) -> bool:
    numbers = rows.label.kind == NUMBER and rows.prediction is not None and rows.prediction.kind == NUMBER
    return numbers and all(name == _SCALE or _QUANTILE.fullmatch(name) for name in rows.scores)


def _estimated(rows: Labelled, prediction: Values) -> Estimated:
    sides = (rows.label, prediction)
    usable = np.logical_and.reduce([column.valid & (np.abs(column.data) <= _LARGEST) for column in sides])
    truth, predicted = (column.data[usable].astype(np.float64) for column in sides)
    data = {
        name: np.where(column.valid & (np.abs(column.data) <= _LARGEST), column.data, np.nan)[usable]
        for name, column in rows.scores.items()
    }
    scale = data.pop(_SCALE, None)
    return Estimated(truth, predicted, {float(name[1:]): data[name] for name in sorted(data)}, scale)


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


def _read(texts: list[str], parse: Callable[[str], T | None]) -> list[T] | None:
    """What each text says; None where one of them says nothing, or there are none."""
    known: dict[str, T] = {}
    for text in set(texts):
        found = parse(text)
        if found is None:
            return None
        known[text] = found
    return [known[text] for text in texts] or None


def _items(text: str) -> tuple[str, ...] | None:
    if not text.startswith("["):
        return None
    found = _json(text)
    if not isinstance(found, list) or not all(isinstance(item, str | int) for item in found):
        return None
    return tuple(map(str, found))


def _grades(text: str) -> dict[str, float]:
    """Items with grades, items alone, or the one item that the text is."""
    found = _json(text) if text.startswith("{") else None
    if isinstance(found, dict) and all(isinstance(grade, int | float) for grade in found.values()):
        return {item: float(grade) for item, grade in found.items()}
    return dict.fromkeys(_items(text) or (text,), 1.0)


def _json(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
