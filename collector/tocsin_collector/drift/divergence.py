"""Distances of two sides' counts over the same cells. Each is the textbook's formula, so that on the same edges it
equals what others compute."""

from math import log, sqrt

import numpy as np
from numpy.typing import NDArray

SMALLEST = 1e-4
"""What PSI takes for the share of an empty cell, where the formula would be infinite; Evidently does the same."""

Counts = NDArray[np.int64]
Shares = NDArray[np.float64]


def divergences(current: Counts, reference: Counts) -> dict[str, float]:
    """All of them by name; both sides must have a count."""
    q, p = current / current.sum(), reference / reference.sum()
    return {
        "psi": psi(q, p),
        "js": jensen_shannon(q, p),
        "hellinger": hellinger(q, p),
        "total_variation": float(np.abs(q - p).sum()) / 2,
        "l_infinity": float(np.abs(q - p).max()),
        "chi2": chi_squared(current, reference),
    }


def psi(q: Shares, p: Shares) -> float:
    """The population stability index, symmetric, in nats; 0.1 and 0.2 are the customary bounds."""
    q, p = np.maximum(q, SMALLEST), np.maximum(p, SMALLEST)
    return float((q - p) @ np.log(q / p))


def jensen_shannon(q: Shares, p: Shares) -> float:
    """The root of the Jensen-Shannon divergence in bits, 0 to 1."""
    middle = (q + p) / 2
    nats = sum(float(side[side > 0] @ np.log(side[side > 0] / middle[side > 0])) for side in (q, p)) / 2
    return sqrt(max(nats / log(2), 0.0))


def hellinger(q: Shares, p: Shares) -> float:
    """The Hellinger distance, 0 to 1."""
    return float(np.sqrt(((np.sqrt(q) - np.sqrt(p)) ** 2).sum() / 2))


def chi_squared(current: Counts, reference: Counts) -> float:
    """Pearson's statistic of the two-row table of both sides: of its cells less one degrees of freedom."""
    rows, pool = int(current.sum()), int(reference.sum())
    both = current + reference
    used = both > 0
    difference = current[used] * (pool / rows) ** 0.5 - reference[used] * (rows / pool) ** 0.5
    return float((difference**2 / both[used]).sum())
