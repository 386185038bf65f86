"""The area under the ROC curve by ranks, ties counted half, with its sampling variance.

Variance by the placements of DeLong, DeLong and Clarke-Pearson (1988), in Sun and Xu's rank form (2014).
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def auc(happened: NDArray[np.bool_], table: Floats) -> tuple[float, float] | None:
    """Area and variance: of one class against the other, or the mean over classes of each against the rest.

    ``happened`` and ``table`` are rows x classes. None while a class that could happen has not, or nothing else has.
    """
    classes = (0,) if table.shape[1] == 2 else range(table.shape[1])
    found = [_one(happened[:, code], table[:, code]) for code in classes]
    if any(area is None for area in found):
        return None
    areas, variances = zip(*(area for area in found if area), strict=True)
    # One row takes part in every class's area, so their errors add up rather than cancel: the mean, not its square.
    return float(np.mean(areas)), float(np.mean(variances))


def _one(positive: NDArray[np.bool_], score: Floats) -> tuple[float, float] | None:
    ups, downs = score[positive], score[~positive]
    if not len(ups) or not len(downs):
        return None
    beaten = (_midranks(score)[positive] - _midranks(ups)) / len(downs)
    beating = 1 - (_midranks(score)[~positive] - _midranks(downs)) / len(ups)
    return float(beaten.mean()), _variance(beaten) + _variance(beating)


def _midranks(values: Floats) -> Floats:
    _, places, ties = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(ties) - (ties - 1) / 2)[places], np.float64)


def _variance(placements: Floats) -> float:
    return float(placements.var() / max(len(placements) - 1, 1))
