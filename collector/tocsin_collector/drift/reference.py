"""What is normal for each feature: the pooled counts of the reference and how its own windows stray from them."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from tocsin_collector.drift.distance import JS, KS, Counts, Distance, js, ks
from tocsin_collector.drift.measures import Side, side
from tocsin_collector.drift.ratio import RatioReference, Ratios, ratios
from tocsin_collector.drift.spread import Spread, Strays, chance, common_tail, folds, spread, strays
from tocsin_collector.profile import FeatureLayout, Layout, Profile, merged
from tocsin_collector.verdict import NUMBER

FEWEST_ROWS = 30
"""Fewer usable values than this give no distance: the asymptotic laws behind the noise do not hold."""


class FeatureReference(NamedTuple):
    """One feature. ``cells`` are the pooled counts; ``alpha`` is what each of its checks may spend."""

    layout: FeatureLayout
    method: str
    cells: Counts
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


def distance_of(kind: str) -> tuple[str, Callable[[Counts, Counts], Distance]]:
    """The name and the function of the distance for a kind of feature."""
    return (KS, ks) if kind == NUMBER else (JS, js)


class Tails(NamedTuple):
    """What ``common_tail`` says of all distances and of all shares that are not always 0."""

    distance: float
    share: float


class _Windows(NamedTuple):
    layout: FeatureLayout
    cells: Counts
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
    return _Windows(feature, cells.sum(axis=0), _distances(feature.kind, cells), shares)


def _bounded(found: _Windows, tails: Tails, alpha: float) -> FeatureReference:
    missing, invalid, new = (
        RatioReference(s.ratio, s.worst, s.rows, spread(s.strays, alpha, tails.share if s.worst else 0.0), alpha)
        for s in found.shares
    )
    distance = spread(found.distance, alpha, tails.distance)
    method = distance_of(found.layout.kind)[0]
    return FeatureReference(found.layout, method, found.cells, distance, missing, invalid, new, alpha)


def _distances(kind: str, cells: Counts) -> Strays:
    """Each window's distance from the pool of the other folds."""
    usable = cells[cells.sum(axis=1) >= FEWEST_ROWS]
    measure = distance_of(kind)[1]
    found: list[Distance] = []
    for fold in folds(len(usable)):
        pool = usable.sum(axis=0) - usable[fold].sum(axis=0)
        found += [measure(window, pool) for window in usable[fold]]
    return strays(np.array([d.score for d in found]), np.array([d.noise for d in found]))


def _unseen(feature: FeatureLayout, cells: Counts) -> Counts:
    """Per window: rows of categories that no other fold has: they would have been new, were it not the reference."""
    unseen = np.zeros(len(cells), np.int64)
    if feature.kind == NUMBER or feature.hashed:
        return unseen
    for fold in folds(len(cells)):
        alone = cells.sum(axis=0) == cells[fold].sum(axis=0)
        unseen[fold] = cells[fold][:, alone].sum(axis=1)
    return unseen
