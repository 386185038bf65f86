"""How far the mean of a window's embeddings lies from the reference's: Hotelling's statistic over random projections.

In units of how the reference's rows scatter in each direction, so that a small move along a direction in which they
hardly differ counts as much as a large one where they do. Of unchanged rows the squared distance is chi-squared with
one degree for each projection, times ``1 / rows + 1 / reference rows``; its mean is taken off, so that 0 is what chance
brings.

Both sides are ``Moments``: the number of vectors, and the sums of their projections.
"""

from math import sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tocsin_collector.profile import Tally
from tocsin_collector.profile.embedding import Space

Floats = NDArray[np.float64]
Moments = NDArray[np.int64]


class Located(NamedTuple):
    """``squared`` is the squared distance without what chance brings, ``noise`` the standard deviation that it has by
    chance, ``cosine`` how far the two means' directions are apart (1 less their cosine)."""

    squared: Floats
    noise: Floats
    cosine: Floats


def moments(tally: Tally) -> Moments:
    """What is compared of one feature's counts; those of several windows add up."""
    return np.append(tally.cells.sum(), tally.sums)


def located(space: Space, current: Moments, reference: Moments) -> Located:
    """Windows (any leading axes, moments last) against a reference; what has no vector is told to lie at 0."""
    rows, known = np.maximum(current[..., :1], 1), np.maximum(reference[..., :1], 1)
    now, before = current[..., 1:] / rows, reference[..., 1:] / known
    whitening, shrunk = space.whitening
    apart = (now - before) @ whitening
    chance = (1 / rows + 1 / known)[..., 0]
    degrees = len(space.sums)
    squared = shrunk * (apart * apart).sum(axis=-1) - degrees * chance
    return Located(squared, sqrt(2 * degrees) * chance, _cosine_distance(now, before))


def _cosine_distance(now: Floats, before: Floats) -> Floats:
    lengths = np.sqrt((now * now).sum(axis=-1) * (before * before).sum(axis=-1))
    with np.errstate(divide="ignore", invalid="ignore"):
        found: Floats = 1 - (now * before).sum(axis=-1) / lengths
    return np.where(lengths > 0, found, 0.0)
