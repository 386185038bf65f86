"""How long labels take to come: from the prediction's time to the label's, in cells a fifth wide."""

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from tocsin_collector.quality.tally import Tally

_STEPS = 4  # a factor of two
_FIRST_S = 0.001
QUANTILES = (0.5, 0.9)


def count(delay_s: NDArray[np.float64]) -> Tally:
    """Rows by delay; a label that is older than its prediction came at once."""
    cells = np.ceil(np.log2(np.maximum(delay_s, _FIRST_S) / _FIRST_S) * _STEPS).astype(np.int64)
    places, counts = np.unique(cells, return_counts=True)
    return Counter({("delay", place): times for place, times in zip(places.tolist(), counts.tolist(), strict=True)})


def quantiles(tally: Tally) -> dict[float, float]:
    """By share, in seconds, each the upper end of its cell; empty while nothing tells."""
    cells = sorted((int(key[1]), times) for key, times in tally.items() if key[0] == "delay")
    total = np.cumsum([times for _, times in cells])
    if not cells:
        return {}
    places = (cells[int(np.searchsorted(total, share * total[-1]))][0] for share in QUANTILES)
    return dict(zip(QUANTILES, (_FIRST_S * 2 ** (place / _STEPS) for place in places), strict=True))
