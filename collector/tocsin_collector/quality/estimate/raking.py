"""Weights that make the reference's rows look like a window of which only the counts of each feature are known.

Raking (Deming and Stephan 1940): of all weights under which the rows show the window's share in every cell of every
feature, those nearest to equal ones in relative entropy; they are a density ratio that is a product over the features.
It needs no row of the window, so it works from profiles.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Codes = NDArray[np.uint8]

ROUNDS, NEAR = 12, 1e-3
"""So many times at most, until no share is farther off than this."""
MOST = 20.0
"""No row stands for more than so many: few rows with all of the weight would estimate nothing."""
_TINY = 1e-9


def rake(codes: Codes, shares: Sequence[Floats]) -> Floats:
    """One weight a row, 1 in the mean. ``codes`` (features x rows) has the cell of each row, ``shares`` what share of
    the rows each cell shall have. A cell that no row has is left out: nothing can be said of it."""
    rows = len(codes[0]) if len(codes) else 0
    weights = np.ones(rows)
    for _ in range(ROUNDS):
        farthest = 0.0
        for code, share in zip(codes, shares, strict=True):
            found = np.bincount(code, weights, len(share)) / rows
            wanted = np.where(found > 0, share, 0.0)
            wanted /= max(wanted.sum(), _TINY)
            farthest = max(farthest, float(np.abs(wanted - found).max()))
            weights *= (wanted / np.maximum(found, _TINY))[code]
        np.minimum(weights, MOST * weights.mean(), out=weights)
        if farthest < NEAR:
            break
    return weights / weights.mean() if weights.any() else np.ones(rows)
