"""What is normal for each feature: the pooled counts of the reference and how its own windows stray from them."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np

from tocsin_collector.drift.distance import HOTELLING, JS, KS, Counts, Distance, hotelling, js, ks
from tocsin_collector.drift.location import moments
from tocsin_collector.drift.measures import Side, side
from tocsin_collector.drift.ratio import RatioReference, Ratios, ratios
from tocsin_collector.drift.spread import Spread, Strays, chance, common_tail, folds, spread, strays
from tocsin_collector.profile import FeatureLayout, Layout, Profile, Tally, merged
from tocsin_collector.verdict import CATEGORY, NUMBER

FEWEST_ROWS = 30
"""Fewer usable values than this give no distance: the asymptotic laws behind the noise do not hold."""


class FeatureReference(NamedTuple):
    """One feature. ``cells`` are the pooled counts, ``pool`` what its distance compares of them; ``alpha`` is what each
    of its checks may spend."""

    layout: FeatureLayout
    method: str
    cells: Counts
    pool: Counts
    distance: Spread
    missing: RatioReference
    invalid: RatioReference
    new: RatioReference
    alpha: float


class Reference(NamedTuple):
    """A fitted reference. ``windows`` counts those that had rows."""

    layout: Layout
    rows: int
    windows: int
    features: dict[str, FeatureReference]
    sides: dict[str, Side]


def fit(windows: list[Profile], layout: Layout) -> Reference:
    """Learn what is normal from the reference's windows, in order of time, all profiled under ``layout``.

    The more windows, the tighter the bounds; one is allowed and gives wide ones. Windows without rows are left out.
    """
    used = [window for window in windows if window.rows]
    alpha = chance(len(used), 3 * len(layout.features))
    found = [_windows(feature, used) for feature in layout.features]
    tails = Tails(
        common_tail([one.distance for one in found], alpha),
        common_tail([share.strays for one in found for share in one.shares if share.worst], alpha),
    )
    features = {one.layout.name: _bounded(one, tails, alpha) for one in found}
    pool = merged(used, layout)
    sides = {feature.name: side(feature, pool.tally(feature.name)) for feature in layout.features}
    return Reference(layout, pool.rows, len(used), features, sides)


def by_chance_alone(known: Reference) -> Reference:
    """The same with distances held against sampling noise only: for tables of independent rows, where no window shows
    how far others stray."""
    features = {name: one._replace(distance=Spread(0.0, 0.0)) for name, one in known.features.items()}
    return known._replace(features=features)


def distance_of(feature: FeatureLayout) -> tuple[str, Callable[[Counts, Counts], Distance]]:
    """The name and the function of the distance for a feature, which compares what ``compared`` gives."""
    if feature.space:
        return HOTELLING, partial(hotelling, feature.space)
    return (KS, ks) if feature.kind == NUMBER else (JS, js)


def compared(feature: FeatureLayout, tally: Tally) -> Counts:
    """What of a feature's counts its distance is made from; those of several windows add up."""
    return moments(tally) if feature.space else tally.cells


class Tails(NamedTuple):
    """What ``common_tail`` says of all distances and of all shares that are not always 0."""

    distance: float
    share: float


class _Windows(NamedTuple):
    layout: FeatureLayout
    cells: Counts
    pool: Counts
    distance: Strays
    shares: tuple[Ratios, Ratios, Ratios]
    """Missing, invalid, new."""


def _windows(feature: FeatureLayout, windows: list[Profile]) -> _Windows:
    tallies = [window.tally(feature.name) for window in windows]
    cells = np.array([tally.cells for tally in tallies], np.int64).reshape(len(tallies), feature.cells)
    new = np.array([tally.new for tally in tallies], np.int64)
    rows = np.array([tally.rows for tally in tallies], np.int64)
    missing = np.array([tally.missing + tally.nan for tally in tallies], np.int64)
    invalid = np.array([tally.infinite + tally.other_kind for tally in tallies], np.int64)
    valid = cells.sum(axis=1) + new
    shares = ratios(missing, rows), ratios(invalid, rows), ratios(new, valid, unseen=new + _unseen(feature, cells))
    width = 1 + feature.sums if feature.space else feature.cells
    found = np.array([compared(feature, tally) for tally in tallies], np.int64).reshape(len(tallies), width)
    distances = _distances(feature, found[cells.sum(axis=1) >= FEWEST_ROWS])
    return _Windows(feature, cells.sum(axis=0), found.sum(axis=0), distances, shares)


def _bounded(found: _Windows, tails: Tails, alpha: float) -> FeatureReference:
    missing, invalid, new = (
        RatioReference(s.ratio, s.worst, s.rows, spread(s.strays, alpha, tails.share if s.worst else 0.0), alpha)
        for s in found.shares
    )
    distance = spread(found.distance, alpha, tails.distance)
    method = distance_of(found.layout)[0]
    return FeatureReference(found.layout, method, found.cells, found.pool, distance, missing, invalid, new, alpha)


def _distances(feature: FeatureLayout, usable: Counts) -> Strays:
    """Each window's distance from the pool of the other folds."""
    measure = distance_of(feature)[1]
    found: list[Distance] = []
    for fold in folds(len(usable)):
        pool = usable.sum(axis=0) - usable[fold].sum(axis=0)
        found += [measure(window, pool) for window in usable[fold]]
    return strays(np.array([d.score for d in found]), np.array([d.noise for d in found]))


def _unseen(feature: FeatureLayout, cells: Counts) -> Counts:
    """Per window: rows of categories that no other fold has: they would have been new, were it not the reference."""
    unseen = np.zeros(len(cells), np.int64)
    if feature.kind != CATEGORY or feature.hashed:
        return unseen
    for fold in folds(len(cells)):
        alone = cells.sum(axis=0) == cells[fold].sum(axis=0)
        unseen[fold] = cells[fold][:, alone].sum(axis=1)
    return unseen
