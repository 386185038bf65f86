"""The segments of a window's rows, two bytes a row and segment, for quality and outcomes by segment."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tocsin_collector.frame import Frame, Values
from tocsin_collector.monitor.cells import Names
from tocsin_collector.monitor.growing import Growing
from tocsin_collector.quality import SEGMENTS_MOST
from tocsin_collector.verdict import CATEGORY
from tocsin_schema.metric import OVERFLOW

VALUES_MOST = 1_024
"""Values of a segment that are told apart, the first that came; who has more makes them up."""
_MISSING = -1


class SegmentColumns:
    """Columns by segment, of the first few that came."""

    def __init__(self) -> None:
        self._columns: dict[str, tuple[Names, Growing[np.int16]]] = {}

    def state(self) -> list[Any]:
        """A copy of all of it; ``load`` takes it."""
        return [[name, names.listed, codes.rows.copy()] for name, (names, codes) in self._columns.items()]

    def load(self, state: list[Any]) -> None:
        """Take over what another one knew."""
        self._columns = {name: (Names(listed), Growing.of(codes)) for name, listed, codes in state}

    def add(self, frame: Frame, first: int) -> None:
        """Take a block's rows, which are the window's from ``first`` on."""
        for name, values in frame.group("segment.").items():
            if name in self._columns or len(self._columns) < SEGMENTS_MOST:
                names, column = self._columns.setdefault(name, (Names(), Growing(np.int16)))
                column.fill(first, _MISSING)
                column.append(_codes(values, names))

    def of(self, rows: NDArray[np.intp], stand_ins: int = 0) -> dict[str, Values]:
        """The values of some rows by segment, and as many missing ones behind them as there are stand-ins."""
        found = {}
        for name, (names, column) in self._columns.items():
            codes = np.full(rows.size + stand_ins, _MISSING, np.int64)
            known = np.flatnonzero(rows < column.size)
            codes[known] = column.rows[rows[known]]
            found[name] = Values(CATEGORY, np.maximum(codes, 0), codes >= 0, names.listed)
        return found

    @property
    def nbytes(self) -> int:
        """The memory of the rows."""
        return sum(codes.rows.nbytes for _, codes in self._columns.values())


def _codes(values: Values, names: Names) -> NDArray[np.int64]:
    number_of = np.zeros(max(len(values.names), 1), np.int64)
    used = np.flatnonzero(np.bincount(values.data[values.valid].astype(np.int64), minlength=len(values.names)))
    for code in used.tolist():
        text = values.names[code]
        known = names.find(text) >= 0 or len(names) < VALUES_MOST
        number_of[code] = names.numbers([text if known else OVERFLOW])[0]
    return np.where(values.valid, number_of[np.where(values.valid, values.data, 0)], _MISSING)
