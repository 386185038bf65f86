"""How far a window is from a pool of other rows by which nothing alarms, and how far is usual.

The distances are those of ``distance.py``; what is usual is learnt as for the reference that alarms, from how windows
that are known to be well strayed from a pool that they were no part of.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tocsin_collector.drift.distance import Distance
from tocsin_collector.drift.reference import FEWEST_ROWS, compared, distance_of, fit
from tocsin_collector.drift.spread import Spread, chance, spread, strays
from tocsin_collector.profile import Layout, Profile, merged
from tocsin_collector.verdict import CATEGORY, Apart

FEWEST_WINDOWS = 14
"""Fewer windows cannot show what is usual: then there is a distance and no bound."""
Scores = NDArray[np.float64]
"""A window's distances and their sampling noise, features x 2 in the layout's order; NaN where there is none."""


class Usual(NamedTuple):
    """How far is usual: the spread of each feature that has shown it, and what each of its checks may spend."""

    spreads: Mapping[str, Spread]
    alpha: float


def distances(pool: Profile, current: Profile) -> dict[str, Distance]:
    """Each feature's distance; without those that have too few values on one side. Both have the same layout."""
    found = {}
    for feature in current.layout.features:
        before, now = pool.tally(feature.name), current.tally(feature.name)
        sides = [compared(feature, before), compared(feature, now)]
        if feature.kind == CATEGORY:  # what the layout has no cell for is one cell
            sides = [np.append(before.cells, before.new), np.append(now.cells, now.new)]
        if min(int(side.cells.sum()) + side.new for side in (before, now)) >= FEWEST_ROWS:
            found[feature.name] = distance_of(feature)[1](sides[1], sides[0])
    return found


def apart(found: Mapping[str, Distance], usual: Usual, layout: Layout) -> dict[str, Apart]:
    """The distances beside their bounds."""
    told = {}
    for name, distance in found.items():
        method = distance_of(layout.by_name[name])[0]
        known = usual.spreads.get(name)
        bound = known and max(known.bound(distance.noise), distance.floor(method, usual.alpha))
        told[name] = Apart(method, distance.score, bound if bound is not None and bound < 1 else None)
    return told


def scores(found: Mapping[str, Distance], layout: Layout) -> Scores:
    """The distances as one array."""
    nothing = (np.nan, np.nan)
    rows = [(found[one.name].score, found[one.name].noise) if one.name in found else nothing for one in layout.features]
    return np.array(rows, np.float64).reshape(-1, 2)


def usual_of(history: Sequence[Scores], layout: Layout) -> Usual:
    """Learn it from windows that were well, in order of time."""
    table = np.array(history).reshape(-1, len(layout.features), 2)
    alpha = chance(len(table), len(layout.features))
    found = {}
    for at, feature in enumerate(layout.features):
        own = table[~np.isnan(table[:, at, 0]), at]
        if len(own) >= FEWEST_WINDOWS:
            found[feature.name] = spread(strays(own[:, 0], own[:, 1]), alpha)
    return Usual(found, alpha)


def pooled(windows: Sequence[Profile], layout: Layout) -> tuple[Profile, Usual]:
    """A set of rows by its own windows: all of them together, and how far each of them is from the others."""
    known = fit(list(windows), layout)
    usable = {name: sum(int(one.tally(name).cells.sum()) >= FEWEST_ROWS for one in windows) for name in known.features}
    spreads = {name: one.distance for name, one in known.features.items() if usable[name] >= FEWEST_WINDOWS}
    alphas = [feature.alpha for feature in known.features.values()]
    return merged(windows, layout), Usual(spreads, min(alphas, default=1.0))
