"""Rows of a window that are known by a label's receipt alone, while their prediction is not there.

They stand in for the prediction where quality is judged. When the prediction itself comes, before or after, it counts
and the stand-in does not: the join keeps one place for an id.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tocsin_collector.frame import category
from tocsin_collector.monitor.cells import CellColumn, Cells, Names, pack, unpack
from tocsin_collector.monitor.growing import Growing
from tocsin_schema.receipt import SCORE_STEPS, Receipt

Rows = NDArray[np.intp]


class Vouched:
    """The stand-ins of one window. ``names`` are the window's, so that its predictions and these are one column."""

    def __init__(self, names: Names) -> None:
        self.place = -1
        self.numbers: Growing[np.int32] = Growing(np.int32)
        self._names = names
        self._predicted = CellColumn()
        self._score: Growing[np.float64] = Growing(np.float64)
        self._offered: list[tuple[Cells, NDArray[np.float64]]] = []

    def state(self) -> dict[str, Any]:
        """A copy of it, when the join has admitted what was offered; ``load`` takes it."""
        return {
            "place": self.place,
            "numbers": self.numbers.rows.copy(),
            "predicted": self._predicted.state(),
            "score": self._score.rows.copy(),
        }

    def load(self, state: dict[str, Any]) -> None:
        """Take over what another one knew."""
        self.place = state["place"]
        self.numbers, self._score = Growing.of(state["numbers"]), Growing.of(state["score"])
        self._predicted = CellColumn.of(state["predicted"])

    def offer(self, receipts: Sequence[Receipt]) -> None:
        """Receipts of the next ids that the join gets; ``admit`` says which of them are needed."""
        scores = [np.nan if said.score is None else said.score / SCORE_STEPS for said in receipts]
        self._offered.append((pack(category([said.label for said in receipts]), self._names), np.array(scores)))

    def admit(self, numbers: NDArray[np.int32], which: NDArray[np.bool_]) -> None:
        """Of the receipts offered first, those whose id had no place."""
        cells, scores = self._offered.pop(0)
        self.numbers.append(numbers[which])
        self._predicted.append(cells[which])
        self._score.append(scores[which])

    def predicted(self, rows: Rows) -> Cells:
        """The predicted classes of some rows."""
        return self._predicted.take(rows)

    def classes(self) -> set[str]:
        """The classes that have a score."""
        cells = self._predicted.take(~np.isnan(self._score.rows))
        return {text for text in unpack(np.unique(cells), self._names).texts() if text is not None}

    def score(self, name: str, classes: int, rows: Rows) -> NDArray[np.float64]:
        """The score of one of so many classes: a receipt's own, or its share of what that left over."""
        score = self._score.rows[rows]
        mine = np.array([text == name for text in unpack(self._predicted.take(rows), self._names).texts()], bool)
        return np.where(mine, score, (1 - score) / max(classes - 1, 1))
