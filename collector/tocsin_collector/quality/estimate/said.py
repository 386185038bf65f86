"""What a model said of rows whose label has not come: probabilities by class, or a number."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tocsin_collector.frame import Values
from tocsin_collector.verdict import NUMBER

Floats = NDArray[np.float64]


class Said(NamedTuple):
    """The rows that can be estimated. ``table`` is ``classes`` x rows, each row of events adding up to 1; for a
    regression ``classes`` is empty and the only line is the prediction. ``usable`` says which of the given rows
    these are."""

    classes: tuple[str, ...]
    table: Floats
    usable: NDArray[np.bool_]


def said(prediction: Values | None, scores: dict[str, Values]) -> Said | None:
    """Read what a model said, as quality with labels reads it; None where it gave neither scores nor numbers."""
    if scores:
        return _scored(scores)
    if prediction is None or prediction.kind != NUMBER:
        return None
    usable = prediction.valid & np.isfinite(prediction.data)
    return Said((), prediction.data[usable].astype(np.float64)[None, :], usable)


def _scored(scores: dict[str, Values]) -> Said | None:
    names = sorted(scores)
    if any(scores[name].kind != NUMBER for name in names):
        return None
    table = np.stack([np.where(scores[name].valid, scores[name].data, np.nan) for name in names])
    if len(names) == 1:  # a binary model that tells one side only
        names, table = [names[0], f"not {names[0]}"], np.stack([table[0], 1 - table[0]])
    usable = (table.min(axis=0) >= 0) & (table.max(axis=0) <= 1) & (table.max(axis=0) > 0)  # a NaN is none of it
    if not usable.all():
        table = table[:, usable]
    return Said(tuple(names), table / table.sum(axis=0), usable)


def truths(classes: tuple[str, ...], label: Values) -> NDArray[np.float64]:
    """The labels of some rows as numbers to learn from: the place of each class, -1 for one without a score; for a
    regression the numbers themselves. NaN where missing."""
    if not classes:
        usable = label.valid & np.isfinite(label.data) if label.kind == NUMBER else np.zeros(len(label.valid), bool)
        return np.where(usable, label.data, np.nan)
    place = {name: code for code, name in enumerate(classes)}
    rest = 1 if classes[-1] == f"not {classes[0]}" else -1
    return np.array([np.nan if text is None else place.get(text, rest) for text in label.texts()], np.float64)
