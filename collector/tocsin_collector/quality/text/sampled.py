"""Which rows of many are looked at: the same ones for the same rows, spread evenly, in bounded number."""

import numpy as np
from numpy.typing import NDArray

from tocsin_collector.frame import Values
from tocsin_collector.profile.hashing import mixed
from tocsin_collector.verdict import CATEGORY

MOST = 256
"""Answers of a window that are measured: what costs most is bounded, and 1 % is two of them."""


def sampled(rows: NDArray[np.intp], most: int = MOST) -> NDArray[np.intp]:
    """Some of the rows, by a hash of their numbers."""
    if len(rows) <= most:
        return rows
    order = np.argpartition(mixed(rows.astype(np.uint64)), most)
    return np.sort(rows[order[:most]])


def texts(values: Values | None, most: int = MOST) -> list[str]:
    """The texts of a column that are looked at; none of numbers."""
    if values is None or values.kind != CATEGORY:
        return []
    rows = sampled(np.flatnonzero(values.valid), most)
    return [values.names[code] for code in values.data[rows].tolist()]
