"""What the policy follows of a window: a few numbers a feature whose sampling noise is known from the row counts.

A number has its mean, spread and shape, taken over normal scores of the reference's cells so that heavy tails and units
do not matter; spread and shape are centred and scaled by the window's own mean and variance, else they would move with
those. Spread is the cube root of the variance, which is nearly normal at any number of rows (Wilson and Hilferty 1931).
A category, and a number of few values, has the arcsine of each cell's share; every feature that of its missing
values. Embeddings have the squared distance of their mean from the reference's (``drift.location``). Noise by the delta
method: the variance of the statistic's influence function over the reference's cells.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tocsin_collector.drift.location import located, moments
from tocsin_collector.drift.policy.normal import Floats, deviate
from tocsin_collector.profile import FeatureLayout, Layout, Profile, Tally
from tocsin_collector.profile.embedding import Space
from tocsin_collector.verdict import NUMBER

Counts = NDArray[np.int64]
Places = NDArray[np.intp]
Mask = NDArray[np.bool_]

MEAN, SPREAD, SHAPE, MISSING, LOCATION, SHARE = range(6)
FEWEST_ROWS = 30
"""Fewer usable values than this tell nothing: the laws behind the noise do not hold."""
FEWEST_CELLS = 6
"""A number that fills fewer cells is followed cell by cell: it has no shape."""
MOST_SHARES = 16
"""Categories followed by themselves; the last takes the rest."""
MOST_CELLS, NUMBER_GROUPS = 160, 128
"""With more cells than the first a number's are taken together into about so many groups."""
FURTHEST_SCORE = 3.5


class Observed(NamedTuple):
    """Windows by feature, in the order of the layout; ``cells`` has all features' groups of cells side by side,
    ``moments`` what is compared of each feature of embeddings."""

    rows: Counts
    missing: Counts
    invalid: Counts
    new: Counts
    valid: Counts
    cells: Counts
    moments: tuple[Counts, ...] = ()


class Measured(NamedTuple):
    """Windows by stream: the statistic, its sampling variance, and whether there were rows enough to tell."""

    value: Floats
    noise: Floats
    seen: Mask


def tallies(window: Profile) -> list[Tally]:
    """A window's counts in the order of the layout's features."""
    return [window.tally(feature.name) for feature in window.layout.features]


class Groups(NamedTuple):
    """Neighbouring cells that are taken together: where each group begins, all features' cells side by side, and how
    many groups each feature has; ``embedded`` are the features of embeddings."""

    starts: Places
    sizes: list[int]
    embedded: list[int]


def groups_of(layout: Layout, pooled: Sequence[Counts]) -> Groups:
    """The groups of each feature, by the reference's counts of its cells: of a number about equal shares of it, of a
    category the most frequent ones and the rest."""
    own = [_groups(feature, cells) for feature, cells in zip(layout.features, pooled, strict=True)]
    begins = np.cumsum([0, *(len(cells) for cells in pooled)]).tolist()
    starts = [begin + starts for begin, starts in zip(begins, own, strict=False)]
    embedded = [at for at, feature in enumerate(layout.features) if feature.space]
    return Groups(_joined(starts), [len(starts) for starts in own], embedded)


def observe(windows: Sequence[Sequence[Tally]], groups: Groups) -> Observed:
    """Windows' counts as columns."""
    shape = len(windows), len(groups.sizes)
    missing, invalid, new = (np.zeros(shape, np.int64) for _ in range(3))
    cells = np.zeros((len(windows), len(groups.starts)), np.int64)
    for at, window in enumerate(windows):
        missing[at] = [tally.missing + tally.nan for tally in window]
        invalid[at] = [tally.infinite + tally.other_kind for tally in window]
        new[at] = [tally.new for tally in window]
        if len(groups.starts):
            np.add.reduceat(np.concatenate([tally.cells for tally in window]), groups.starts, out=cells[at])
    rows = np.array([window[0].rows if window else 0 for window in windows], np.int64)
    found = tuple(np.array([moments(window[at]) for window in windows], np.int64) for at in groups.embedded)
    return Observed(rows, missing, invalid, new, rows[:, None] - missing - invalid, cells, found)


def _groups(feature: FeatureLayout, cells: Counts) -> Places:
    if feature.space:
        return np.zeros(1, np.intp)
    if feature.kind != NUMBER:
        return np.arange(min(len(cells), MOST_SHARES))
    if len(cells) <= MOST_CELLS or not cells.sum():
        return np.arange(min(len(cells), MOST_CELLS))
    share = cells / cells.sum()
    group = np.floor(NUMBER_GROUPS * (np.cumsum(share) - share / 2))
    return np.flatnonzero(np.diff(group, prepend=-1)).astype(np.intp)


@dataclass(frozen=True, slots=True)
class Streams:
    """Which statistics a reference's windows have. The streams stand in this order: mean, spread and shape of each of
    ``numbers``, missing of every feature, the location of each of ``embedded``, then the shares."""

    numbers: Places
    """Features that have moments."""
    number_cells: Places
    number_starts: Places
    score: Floats
    number_of: Places
    """For each of ``number_cells`` the place of its feature in ``numbers``."""
    influence: Floats
    """Sampling variance of one row: mean, spread, shape by number."""
    usual: Floats
    """The variance of each number's scores in the reference."""
    share_cells: Places
    share_feature: Places
    """The feature of each share."""
    embedded: Places
    """Features of embeddings, with the ``spaces`` and the reference's ``pools`` of them."""
    spaces: tuple[Space, ...]
    pools: tuple[Counts, ...]
    features: int

    @property
    def kinds(self) -> Places:
        """The kind of each stream."""
        sizes = [len(self.numbers)] * 3 + [self.features, len(self.embedded), len(self.share_feature)]
        return np.repeat(np.arange(len(sizes)), sizes)

    @property
    def feature(self) -> Places:
        """The feature of each stream."""
        return np.concatenate([*[self.numbers] * 3, np.arange(self.features), self.embedded, self.share_feature])

    def measure(self, seen: Observed) -> Measured:
        """Each window's statistics."""
        rows = seen.rows[:, None].repeat(self.features, axis=1)
        of_number, of_share = seen.valid[:, self.numbers], seen.valid[:, self.share_feature]
        of_vectors = np.array([counts[:, 0] for counts in seen.moments], np.int64).reshape(-1, len(seen.rows)).T
        hits = seen.cells[:, self.share_cells]
        location, location_noise = self._locations(seen)
        values = (
            *self._moments(seen.cells[:, self.number_cells]),
            arcsine(seen.missing, rows),
            location,
            arcsine(hits, of_share),
        )
        moments_noise = (part / np.maximum(of_number, 1) for part in self.influence)
        noise = (*moments_noise, _variance(rows), location_noise, _variance(of_share))
        counts = np.concatenate([of_number, of_number, of_number, rows, of_vectors, of_share], axis=1)
        return Measured(np.concatenate(values, axis=1), np.concatenate(noise, axis=1), counts >= FEWEST_ROWS)

    def _locations(self, seen: Observed) -> tuple[Floats, Floats]:
        """Squared distances and their sampling variances; a window without a vector has one that is not looked at."""
        found = [located(*each) for each in zip(self.spaces, seen.moments, self.pools, strict=True)]
        shape = len(self.embedded), len(seen.rows)
        squared = np.array([one.squared for one in found]).reshape(shape).T
        return squared, np.array([one.noise**2 for one in found]).reshape(shape).T

    def _moments(self, cells: Counts) -> tuple[Floats, Floats, Floats]:
        total = np.maximum(_sums(cells, self.number_starts), 1)
        mean = _sums(cells * self.score, self.number_starts) / total
        off = self.score - mean[:, self.number_of]
        variance = np.maximum(_sums(cells * off * off, self.number_starts) / total, 1e-6)
        lean = _sums(cells * off * np.abs(off), self.number_starts) / total
        return mean, 3 * np.cbrt(variance / self.usual), lean / variance


def streams_of(layout: Layout, seen: Observed, groups: Groups) -> Streams:
    """The streams of a reference, by the sum of its windows."""
    ends = np.cumsum(groups.sizes).tolist()
    places = [np.arange(end - size, end) for end, size in zip(ends, groups.sizes, strict=True)]
    own = [seen.cells[:, place].sum(axis=0) for place in places]
    numbers = [at for at, feature in enumerate(layout.features) if _has_moments(feature, own[at])]
    apart = {*numbers, *groups.embedded}
    shares = [at for at in range(len(own)) if at not in apart and own[at].size]
    scores = [_scores(own[at]) for at in numbers]
    sizes = [own[at].size for at in numbers]
    influence = [_influence(own[at], score) for at, score in zip(numbers, scores, strict=True)]
    return Streams(
        numbers=np.array(numbers, np.intp),
        number_cells=_joined([places[at] for at in numbers]),
        number_starts=np.cumsum([0, *sizes])[:-1].astype(np.intp),
        score=np.concatenate([np.empty(0), *scores]),
        number_of=np.repeat(np.arange(len(numbers)), sizes),
        influence=np.array(influence, np.float64).reshape(len(numbers), 3).T,
        usual=np.array([_variance_of(own[at], score) for at, score in zip(numbers, scores, strict=True)]),
        share_cells=_joined([places[at] for at in shares]),
        share_feature=np.repeat(np.array(shares, np.intp), [own[at].size for at in shares]),
        embedded=np.array(groups.embedded, np.intp),
        spaces=tuple(feature.space for feature in layout.features if feature.space),
        pools=tuple(counts.sum(axis=0) for counts in seen.moments),
        features=len(layout.features),
    )


def arcsine(hits: Counts | Floats, rows: Counts) -> Floats:
    """Anscombe's variance-stabilised share."""
    return np.arcsin(np.sqrt((hits + 0.375) / (rows + 0.75)))


def _variance(rows: Counts) -> Floats:
    return 1 / (4.0 * rows + 2)


def _has_moments(feature: FeatureLayout, cells: Counts) -> bool:
    return feature.kind == NUMBER and int(np.count_nonzero(cells)) >= FEWEST_CELLS


def _scores(cells: Counts) -> Floats:
    """The mean of a normal variable within each cell, when the cells hold the reference's shares of it."""
    share = cells / cells.sum()
    below = np.concatenate([[0.0], np.cumsum(share)])
    edge = np.where(below < 0.5, -1, 1) * deviate(-np.log(np.clip(2 * np.minimum(below, 1 - below), 1e-300, 1)))
    density = np.exp(-edge * edge / 2) / (2 * np.pi) ** 0.5
    middle = (edge[:-1] + edge[1:]) / 2
    inside = np.where(share > 1e-6, (density[:-1] - density[1:]) / np.maximum(share, 1e-6), middle)
    return np.clip(inside, -FURTHEST_SCORE, FURTHEST_SCORE)


def _variance_of(cells: Counts, score: Floats) -> float:
    share = cells / cells.sum()
    off = score - share @ score
    return float(share @ (off * off))


def _influence(cells: Counts, score: Floats) -> list[float]:
    share = cells / cells.sum()
    off, variance = score - share @ score, _variance_of(cells, score)
    lean = float(share @ (off * np.abs(off))) / variance
    scaled = off * off / variance
    shape = off * np.abs(off) / variance - 2 * float(share @ np.abs(off)) / variance * off - lean * scaled
    return [float(share @ part**2) for part in (off, scaled - 1, shape)]


def _sums(cells: NDArray[np.number], starts: Places) -> Floats:
    if not len(starts):
        return np.empty((len(cells), 0))
    return np.add.reduceat(cells, starts, axis=1).astype(np.float64, copy=False)


def _joined(parts: list[NDArray[np.int64]]) -> Places:
    return np.concatenate([np.empty(0, np.intp), *parts]).astype(np.intp)
