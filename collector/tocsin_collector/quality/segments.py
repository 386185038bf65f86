"""The rows of a window by the value of a segment: the largest values by name, all others together."""

import numpy as np
from numpy.typing import NDArray

from tocsin_collector.frame import Values
from tocsin_collector.quality.confusion import OTHER

SEGMENTS_MOST, VALUES_MOST = 4, 8
"""Segments of a model whose quality and outcomes are told, and values of each: those with the most rows. The rest is
``_other``."""


def places(values: Values) -> dict[str, NDArray[np.intp]]:
    """The rows of each value, the largest first; a row without a value is in none."""
    codes = np.where(values.valid, values.data.astype(np.int64), -1)
    counts = np.bincount(codes[codes >= 0], minlength=len(values.names))
    named = [code for code in np.flatnonzero(counts).tolist() if values.names[code] != OTHER]
    shown = sorted(named, key=lambda code: (-counts[code], values.names[code]))[:VALUES_MOST]
    found = {values.names[code]: np.flatnonzero(codes == code) for code in shown}
    rest = np.flatnonzero((codes >= 0) & ~np.isin(codes, shown))
    return found | ({OTHER: rest} if rest.size else {})
