"""Values that hardly come: new categories and invalid values. Their counts are not Gaussian.

The rate of a bursty count, learnt from ``hits`` in ``rows`` of the reference, is gamma; a window's hits are then
negative binomial. Bursts of ``dispersion`` values count as one.
"""

from math import floor, lgamma, log, log1p

import numpy as np

from tocsin_collector.drift.policy.normal import Floats
from tocsin_collector.drift.policy.statistics import Counts

LEAST_DISPERSION = 2.0
_TERMS = 200


def dispersion(hits: Counts, rows: Counts) -> Floats:
    """Pearson's, by feature, of windows by feature; never below 2."""
    expected = rows * (hits.sum(axis=0) / np.maximum(rows.sum(axis=0), 1))
    told = expected > 0
    scaled = np.where(told, (hits - expected) ** 2 / np.where(told, expected, 1), 0).sum(axis=0)
    found: Floats = np.maximum(LEAST_DISPERSION, scaled / np.maximum(told.sum(axis=0) - 1, 1))
    return found


def surprise(hits: Counts, rows: Counts, known_hits: Counts, known_rows: Counts, burst: Floats) -> Floats:
    """-log P(so many or more) by feature, 0 where it is no more than expected."""
    found = np.zeros(len(hits))
    for at in np.flatnonzero(hits * known_rows > known_hits * rows).tolist():
        found[at] = _upper_nats(
            floor(hits[at] / burst[at]), (known_hits[at] + 0.5) / burst[at], rows[at] / (rows[at] + known_rows[at])
        )
    return found


def _upper_nats(hits: int, shape: float, success: float) -> float:
    """-log P(NB >= hits), as the first term times a series of ratios, which falls where ``hits`` is above the mean."""
    if hits * (1 - success) <= shape * success or not 0 < success < 1:
        return 0.0
    first = lgamma(hits + shape) - lgamma(shape) - lgamma(hits + 1) + hits * log(success) + shape * log1p(-success)
    term = total = 1.0
    for count in range(hits, hits + _TERMS):
        term *= success * (shape + count) / (count + 1)
        total += term
        if term < 1e-9 * total:
            break
    return max(0.0, -first - log(total))
