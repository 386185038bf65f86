"""How often the cells of two features meet, for all pairs at once: integers that add up in any order, 12 kB for twenty.

Four cells a feature, cut where the layout's quantiles are; of categories the three most frequent and the rest. A row
counts for a pair where both features are there. Two or three features share a number that tells where a row lies in
each of them; how often two such numbers meet is counted at once, and has all pairs of their features as its margins.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from tocsin_collector.frame import Frame, Values
from tocsin_collector.profile.coarse import chosen
from tocsin_collector.profile.layout import FeatureLayout, Layout, ProfileError
from tocsin_collector.verdict import NUMBER

CELLS = 4
_GONE = CELLS
"""The code of what is missing, not finite, or of another kind."""
Counts = NDArray[np.int64]
Codes = NDArray[np.uint8]


@dataclass(frozen=True, eq=False, slots=True)
class Pairs:
    """The counts of some rows: pairs x 4 x 4, in the order of ``pairs_of``."""

    layout: Layout
    rows: int
    counts: Counts


def pairs_of(layout: Layout) -> list[tuple[str, str]]:
    """The names of each pair."""
    names = [feature.name for feature in chosen(layout)]
    return [(names[a], names[b]) for a, b in zip(*np.triu_indices(len(names), 1), strict=True)]


def empty_pairs(layout: Layout) -> Pairs:
    """The counts of no rows."""
    features = len(chosen(layout))
    return Pairs(layout, 0, np.zeros((features * (features - 1) // 2, CELLS, CELLS), np.int64))


def profile_pairs(frame: Frame, layout: Layout) -> Pairs:
    """Count a block's pairs. A column that is absent or of another kind meets nothing: nothing fails."""
    features = chosen(layout)
    columns = frame.group("feature.")
    known = [(at, feature, columns[feature.name]) for at, feature in enumerate(features) if feature.name in columns]
    told = {at: _codes(values, feature) for at, feature, values in known if values.kind == feature.kind}
    counts = empty_pairs(layout).counts
    if len(told) > 1:
        met = _met([codes for codes, _ in told.values()], CELLS + any(has_gaps for _, has_gaps in told.values()))
        pairs = _pairs(len(told))
        one, other = np.array(list(told))[np.array(pairs)]
        counts[one * (2 * len(features) - one - 3) // 2 + other - 1] = met[pairs]
    return Pairs(layout, frame.rows, counts)


def merge_pairs(a: Pairs, b: Pairs) -> Pairs:
    """The counts of both's rows. Raises ProfileError when their layouts differ."""
    if a.layout is not b.layout and a.layout.digest != b.layout.digest:
        raise ProfileError("pairs of different layouts cannot be added; count the rows again under one")
    return Pairs(a.layout, a.rows + b.rows, a.counts + b.counts)


def _met(columns: list[Codes], base: int) -> Counts:
    """How often the cells of each feature meet those of each that is not before it, features x features x cells x
    cells; codes are below ``base``."""
    rows = len(columns[0])
    together = 3 if rows >= 2 * base**6 else 2  # with three, the margins of so many numbers cost more than few rows
    numbers = np.array([_numbers(columns[at:][:together], base, together) for at in range(0, len(columns), together)])
    groups, states, cells = len(numbers), base**together, _cells(base, together)
    met = np.zeros((groups, len(cells), groups, len(cells)), np.int64)
    for one, upper in enumerate(numbers * np.uint16(states)):
        counts = np.empty((states, groups - one, states))
        for at, lower in enumerate(numbers[one + 1 :], 1):
            counts[:, at] = np.bincount(upper + lower, minlength=states**2).reshape(states, states)
        own = counts[:, 1].sum(axis=1) if one + 1 < groups else np.bincount(numbers[one], minlength=states)
        counts[:, 0] = np.diag(own)
        margins = cells @ counts.reshape(states, -1)
        met[one, :, one:] = (margins.reshape(-1, states) @ cells.T).reshape(len(cells), groups - one, len(cells))
    return met.reshape(groups * together, CELLS, groups * together, CELLS).transpose(0, 2, 1, 3)


def _numbers(columns: list[Codes], base: int, digits: int) -> NDArray[np.uint16]:
    """The codes of a few features as the first digits of one number a row."""
    found = np.zeros(len(columns[0]), np.uint8)
    for at, codes in enumerate(columns, 1):
        found += codes * np.uint8(base ** (digits - at))
    return found.astype(np.uint16)


@lru_cache
def _pairs(size: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    return np.triu_indices(size, 1)


@lru_cache
def _cells(base: int, features: int) -> NDArray[np.float64]:
    """Which numbers are in each cell of each of the features that share them: (features x cells) x numbers."""
    digits = np.arange(base**features) // base ** np.arange(features)[::-1, None] % base
    found: NDArray[np.bool_] = digits[:, None, :] == np.arange(CELLS)[:, None]
    return found.reshape(-1, base**features).astype(np.float64)


def _codes(values: Values, feature: FeatureLayout) -> tuple[Codes, bool]:
    """The cell of each row, ``_GONE`` where there is none, and whether there is such a row."""
    valid = values.valid
    if feature.kind == NUMBER:
        codes = np.zeros(len(values.data), np.uint8)
        for step in feature.quarters:
            codes += (values.data >= step).view(np.uint8)
        finite = np.isfinite(values.data)
        if not finite.all():
            valid = valid & finite
    else:
        cells = feature.cells_of(values.names or [""])[0]
        codes = np.where((cells < 0) | (cells >= CELLS), CELLS - 1, cells).astype(np.uint8)[values.data.astype(np.intp)]
    if valid.all():
        return codes, False
    return np.where(valid, codes, np.uint8(_GONE)), True
