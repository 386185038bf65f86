"""The scores that labels would show if each class came as often as its calibrated probability says.

Confidence-based performance estimation (NannyML's CBPE), with the names and meanings of ``quality.measure``.
"""

import numpy as np
from numpy.typing import NDArray

from tocsin_collector.quality.measure import ACCURACY, AUC, BRIER, LOG_LOSS

Floats = NDArray[np.float64]

_SMALLEST = float(np.finfo(np.float64).eps)


def expected(likely: Floats, table: Floats) -> dict[str, float]:
    """``likely`` has the calibrated probabilities, ``table`` what the model said, both classes x rows."""
    areas = [_auc(likely[place], table[place]) for place in ((0,) if len(table) == 2 else range(len(table)))]
    # The squared distance from class k is |q|^2 - 2 q_k + 1; of two classes one of them is told, as usual.
    squares = (table * (table - 2 * likely)).sum(axis=0) + 1
    found = {
        AUC: float(np.mean(areas)),
        LOG_LOSS: float(-(likely * np.log(np.clip(table, _SMALLEST, 1.0))).sum(axis=0).mean()),
        BRIER: float(squares.mean()) / (2 if len(table) == 2 else 1),
        ACCURACY: float(np.take_along_axis(likely, table.argmax(axis=0)[None], axis=0).mean()),
    }
    return {name: value for name, value in found.items() if np.isfinite(value)}


def _auc(likely: Floats, score: Floats) -> float:
    """The share of pairs in the right order, ties counted half; NaN where one side cannot come."""
    order = np.argsort(score)
    ordered = score[order]
    starts = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))
    ups = np.add.reduceat(likely[order], starts)
    downs = np.add.reduceat(1 - likely[order], starts)
    pairs = ups.sum() * downs.sum()
    return float((ups * (downs.cumsum() - downs / 2)).sum() / pairs) if pairs > 0 else float("nan")
