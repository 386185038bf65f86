"""What a column of labels and a column of predictions say of the model, as far as they can be compared."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from tocsin_collector.frame import Values, category
from tocsin_collector.quality import Labelled
from tocsin_collector.tables.scan import Scan
from tocsin_collector.tables.windows import Part, joined
from tocsin_collector.verdict import CATEGORY, NUMBER

PROBABILITY, CLASSES, ESTIMATES = "probability", "classes", "estimates"
Pairs = list[tuple[Values, Values]]
_SHOWN = 3


class Labels(NamedTuple):
    """Two columns with their kinds, and how they belong together: ``form`` is one of the above; ``positive`` is the
    class that a probability is of."""

    label: str
    prediction: str
    kinds: dict[str, str]
    form: str
    positive: str = ""

    def labelled(self, pairs: Pairs) -> Labelled:
        """One window's rows that have a label, out of its parts, ready to be scored."""
        label, prediction = (joined([pair[side] for pair in pairs]) for side in (0, 1))
        rows = np.flatnonzero(label.valid)
        label, prediction = label.take(rows), prediction.take(rows)
        if self.form == PROBABILITY:
            return Labelled(category(label.texts()), None, {self.positive: prediction})
        if self.form == CLASSES:
            return Labelled(category(label.texts()), category(prediction.texts()))
        return Labelled(label, prediction)


class Unlike(ValueError):  # noqa: N818  a verdict on two columns
    """Labels and predictions cannot be compared; the message says why."""


def labels_of(looked: Scan, label: str, prediction: str) -> Labels:
    """How two of a table's columns belong together. Raises Unlike."""
    held = (joined([part[name] for part in looked.sample if name in part]) for name in (label, prediction))
    form, positive = recognised(label, prediction, *held)
    return Labels(label, prediction, {name: looked.kinds[name] for name in (label, prediction)}, form, positive)


def recognised(label: str, prediction: str, labels: Values, predictions: Values) -> tuple[str, str]:
    """The form, and the positive class, from what the columns hold. Raises Unlike.

    Two classes and numbers between 0 and 1 are a probability; two classes and the same two numbers are classes; other
    numbers beside numbers are estimates; all else is compared as text.
    """
    classes, said = _texts(labels), _texts(predictions)
    if not classes or not said:
        raise Unlike(f"column {(prediction if classes else label)!r:.80} has no value")
    positive = _positive(classes)
    if predictions.kind == NUMBER and positive and not said <= classes | {"0", "1"} and _within_one(predictions):
        return PROBABILITY, positive
    if labels.kind == predictions.kind == NUMBER and not positive:
        return ESTIMATES, ""
    if not said & classes:
        kinds = f"{label!r:.80} is a {labels.kind} ({_few(classes)}), {prediction!r:.80} a {predictions.kind}"
        raise Unlike(f"{kinds} ({_few(said)}): they share no value, so nothing could be right")
    return CLASSES, ""


def set_apart(parts: Iterable[Part], labels: Labels, kept: dict[float, Pairs]) -> Iterator[Part]:
    """The parts without the two columns, which go to ``kept`` by window."""
    for part in parts:
        columns = dict(part.columns)
        kept.setdefault(part.start_s, []).append((columns.pop(labels.label), columns.pop(labels.prediction)))
        yield part._replace(columns=columns)


def _positive(classes: set[str]) -> str:
    """The class that happens, of two that say so themselves."""
    if classes <= {"0", "1"}:
        return "1"
    return "true" if classes <= {"false", "true"} else ""


def _within_one(values: Values) -> bool:
    data = values.data[values.valid]
    finite = data[np.isfinite(data)]
    return bool(len(finite) and finite.min() >= 0 and finite.max() <= 1)


def _texts(values: Values) -> set[str]:
    """The distinct values as text."""
    held = np.unique(values.data[values.valid])
    if values.kind == CATEGORY:
        return {values.names[code] for code in held.astype(np.int64).tolist()}
    return {f"{value:g}" for value in held.tolist()}


def _few(texts: Sequence[str] | set[str]) -> str:
    listed = ", ".join(f"{text!r:.40}" for text in sorted(texts)[:_SHOWN])
    return listed + (", …" if len(texts) > _SHOWN else "")
