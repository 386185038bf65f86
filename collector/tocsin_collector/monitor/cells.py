"""Columns whose rows are numbers or texts: labels, predictions.

A cell is the bits of a float64. A text is a NaN whose payload is the text's number; the NaN without a payload is a
missing value. Real NaNs do not come here: a label or a prediction that is no finite number was refused on its way in.
A column takes four bytes a row as long as it holds texts alone, then eight.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tocsin_collector.frame import Values
from tocsin_collector.monitor.growing import Growing
from tocsin_collector.verdict import CATEGORY, NUMBER

Cells = NDArray[np.int64]
MISSING = 0x7FF8_0000_0000_0000
_FIRST_TEXT = MISSING + 1


class Names:
    """Texts by number."""

    def __init__(self, texts: Sequence[str] = ()) -> None:
        self._numbers = {text: number for number, text in enumerate(texts)}
        self._texts = list(texts)

    def __len__(self) -> int:
        return len(self._texts)

    def numbers(self, texts: Sequence[str]) -> NDArray[np.int64]:
        """The number of each text; a new one gets the next."""
        return np.fromiter(map(self._number, texts), np.int64, len(texts))

    def find(self, text: str) -> int:
        """The number of a text, -1 when it has none."""
        return self._numbers.get(text, -1)

    @property
    def listed(self) -> list[str]:
        """All of them by their number; a list of its own."""
        return list(self._texts)

    def text(self, number: int) -> str:
        """The text of a number."""
        return self._texts[number]

    def _number(self, text: str) -> int:
        number = self._numbers.setdefault(text, len(self._texts))
        if number == len(self._texts):
            self._texts.append(text)
        return number


class CellColumn:
    """Cells that grow."""

    def __init__(self) -> None:
        self._rows: Growing[np.int32] | Growing[np.int64] = Growing(np.int32)
        self._base = MISSING  # narrow rows hold the distance of a text from it

    @classmethod
    def of(cls, state: dict[str, Any]) -> "CellColumn":
        """What ``state`` told."""
        found = cls()
        found._rows, found._base = Growing.of(state["rows"]), state["base"]
        return found

    def state(self) -> dict[str, Any]:
        """A copy of it; ``of`` takes it."""
        return {"rows": self._rows.rows.copy(), "base": self._base}

    @property
    def size(self) -> int:
        """How many rows there are."""
        return self._rows.size

    @property
    def nbytes(self) -> int:
        """The memory of the rows."""
        return self._rows.rows.nbytes

    def fill(self, size: int) -> None:
        """Become ``size`` rows long at least; the new ones are missing."""
        self._rows.fill(size, MISSING - self._base)

    def append(self, cells: Cells) -> None:
        """Add rows at the end."""
        self._fit(cells)
        self._rows.append(cells - self._base)

    def put(self, rows: NDArray[Any] | slice, cells: Cells | int) -> None:
        """Write some rows; of a row that stands twice the last one counts."""
        self._fit(np.asarray(cells))
        self._rows.rows[rows] = cells - self._base

    def take(self, rows: NDArray[Any] | slice) -> Cells:
        """The cells of some rows."""
        return self._rows.rows[rows].astype(np.int64) + self._base

    def keep(self, which: NDArray[np.bool_]) -> None:
        """Keep some rows only."""
        self._rows.keep(which)

    def _fit(self, cells: Cells) -> None:
        if not self._base or (cells >= MISSING).all():
            return
        wide: Growing[np.int64] = Growing(np.int64)
        wide.append(self.take(slice(None)))
        self._rows, self._base = wide, 0


def pack(values: Values, names: Names) -> Cells:
    """The cells of a column; its texts get their numbers from ``names``."""
    if values.kind == NUMBER:
        cells = values.data.astype(np.float64).view(np.int64)
    else:
        used = np.flatnonzero(np.bincount(values.data[values.valid].astype(np.int64), minlength=len(values.names)))
        number_of = np.zeros(len(values.names), np.int64)
        number_of[used] = names.numbers([values.names[code] for code in used.tolist()])
        cells = number_of[values.data] + _FIRST_TEXT if len(values.names) else np.full(len(values.data), MISSING)
    return np.where(values.valid, cells, MISSING)


def unpack(cells: Cells, names: Names) -> Values:
    """The column of some cells: numbers, or categories as soon as one of them is a text."""
    valid = cells != MISSING
    is_text = cells > MISSING  # a negative number's bits are negative, infinities' and other numbers' are smaller
    if not is_text.any():
        return Values(NUMBER, cells.view(np.float64), valid)
    if (is_text | ~valid).all():
        return Values(CATEGORY, np.where(valid, cells - _FIRST_TEXT, 0), valid, names.listed)
    codes, data = np.unique(cells, return_inverse=True)
    return Values(CATEGORY, data.astype(np.int64), valid, [_text(code, names) for code in codes.tolist()])


def renamed(cells: Cells, names: Names) -> tuple[Cells, Names]:
    """The same cells with names of their own, without the texts that none of them uses."""
    used, data = np.unique(cells[cells > MISSING], return_inverse=True)
    cells = cells.copy()
    cells[cells > MISSING] = data + _FIRST_TEXT
    return cells, Names([names.text(number) for number in (used - _FIRST_TEXT).tolist()])


def _text(cell: int, names: Names) -> str:
    if cell >= _FIRST_TEXT:
        return names.text(cell - _FIRST_TEXT)
    return f"{np.int64(cell).view(np.float64):g}"
