"""What is counted of each feature: the cells of its values. Made once from a reference, named by its content.

Numbers get cells by quantile (``edges.py``), and for groups of neighbouring cells the sum of their values, in steps of
1/256 of the group's width. Categories get a cell by name; where there are too many names the most frequent keep
theirs, the rest share cells by a hash that is the same in every process, and distinct ones are counted. A column of
texts or times is looked at from several sides (``aspects.py``), each of which is a feature; one of embeddings is a
feature and its aspects beside (``embedding.py``).
"""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import sha256
from itertools import repeat

import numpy as np
from numpy.typing import NDArray

from tocsin_collector.frame import Frame, Values
from tocsin_collector.profile.aspects import EVERY, aspect, aspects, form_of
from tocsin_collector.profile.edges import cuts, edges_of
from tocsin_collector.profile.embedding import ASPECTS as EMBEDDED
from tocsin_collector.profile.embedding import Space, cosine_edges, look, space_from, spaces
from tocsin_collector.profile.hashing import REGISTERS, SEED, Hashes, hashes
from tocsin_collector.verdict import CATEGORY, NUMBER, dimensions_of, embedding_kind

FORMAT = 3
"""Raised whenever the same rows are counted otherwise."""
MAX_NAMES = 1_024
FREQUENT_NAMES, HASHED_CELLS = 64, 192  # what takes the place of names when there are more than MAX_NAMES
STEPS = 256
"""Sums count in this part of their group's width, each value rounded alone."""
_OUTER, _INNER = 88, 48  # sums of single cells at either end, and of those between


class ProfileError(ValueError):
    """A layout or profile that is not sound, or two that do not belong together; the message says which and why."""


@dataclass(frozen=True)
class FeatureLayout:
    """The cells of one feature.

    Numbers: ``edges`` rise strictly; cell ``i`` holds ``edges[i-1] <= value < edges[i]``, the outer ones are open.
    Categories: one cell for each of ``names``, then ``hashed`` cells for all others; with ``hashed == 0`` a name that
    is not listed is counted as new. What is counted is the column ``source``, or an ``aspect`` of it. Embeddings have a
    ``space``, cells of the cosine to its centroid between ``edges``, and a sum for each projection.
    """

    name: str
    kind: str
    edges: tuple[float, ...] = ()
    names: tuple[str, ...] = ()
    hashed: int = 0
    source: str = ""
    aspect: str = ""
    space: Space | None = None

    @property
    def column(self) -> str:
        """The name of the column that is counted."""
        return self.source or self.name

    @property
    def cells(self) -> int:
        """How many cells there are."""
        return len(self.names) + self.hashed if self.kind == CATEGORY else len(self.edges) + 1

    @property
    def sums(self) -> int:
        """How many sums there are: one a group of a number's cells, one a projection of an embedding's."""
        return len(self.space.sums) if self.space else len(self.groups)

    @property
    def registers(self) -> int:
        """How many HyperLogLog registers there are: none where each name has a cell."""
        return REGISTERS if self.hashed else 0

    @cached_property
    def bounds(self) -> NDArray[np.float64]:
        """The edges between what a sorted column holds: -inf, the cells, +inf, NaN."""
        return np.array([np.finfo(np.float64).min, *self.edges, np.inf, np.nan])

    @cached_property
    def groups(self) -> NDArray[np.intp]:
        """The first cell of each group that has a sum: some neighbours together, the outermost cells each."""
        if self.kind != NUMBER:
            return np.empty(0, np.intp)
        first, last = min(_OUTER, self.cells), max(self.cells - _OUTER, min(_OUTER, self.cells))
        inner = np.arange(first, last, -(-(last - first) // _INNER) or 1)
        return np.concatenate([np.arange(first), inner, np.arange(last, self.cells)]).astype(np.intp)

    @cached_property
    def group_bounds(self) -> NDArray[np.intp]:
        """Where each group begins in ``bounds``, and where the last one ends."""
        return np.append(self.groups, self.cells)

    @cached_property
    def group_of(self) -> NDArray[np.intp]:
        """The group of each cell."""
        return np.searchsorted(self.groups, np.arange(self.cells), "right") - 1

    @cached_property
    def lows(self) -> NDArray[np.float64]:
        """Where the steps of each group begin; those of the first one run downwards from there."""
        return np.array(self.edges)[np.maximum(self.groups - 1, 0)] if self.edges else np.zeros(1)

    @cached_property
    def scales(self) -> NDArray[np.float64]:
        """Steps by unit of each group, below 0 in the first one, 0 where a step would be too small for a float."""
        if len(self.edges) < 2:
            return np.zeros(len(self.groups))
        ends = np.append(np.array(self.edges)[self.groups[1:] - 1], self.edges[-1])
        halves = ends / 2 - self.lows / 2  # the difference may be larger than a float
        halves[0], halves[-1] = (self.edges[0] / 2 - self.edges[1] / 2), (self.edges[-1] / 2 - self.edges[-2] / 2)
        with np.errstate(divide="ignore", over="ignore"):
            scales = STEPS / 2 / halves
        return np.where(np.isfinite(scales), scales, 0.0)

    @cached_property
    def quarters(self) -> list[float]:
        """The edges that part a number's values into quarters of the reference's; of a few edges those there are."""
        return [self.edges[at] for at in cuts(len(self.edges), 4)]

    def cells_of(self, names: Sequence[str]) -> tuple[NDArray[np.int64], Hashes | None]:
        """The cell of each category, -1 where it is new; with ``hashed`` cells the hash of each, too."""
        if not self.hashed:
            return np.fromiter(map(self._index.get, names, repeat(-1)), np.int64, len(names)), None
        found = hashes(names)
        known, cells = self._hashed_names
        places = np.minimum(np.searchsorted(known, found), len(known) - 1)
        shared = len(self.names) + (found % np.uint64(self.hashed)).astype(np.int64)
        return np.where(known[places] == found, cells[places], shared), found

    @cached_property
    def _hashed_names(self) -> tuple[Hashes, NDArray[np.int64]]:
        """The hashes of the names in order, and their cells: three times as fast as the dictionary where few names are
        known. A rare name has the hash of one of them with a chance of 2^-26."""
        found = hashes(self.names)
        order = np.argsort(found)
        return found[order], order.astype(np.int64)

    @cached_property
    def _index(self) -> dict[str, int]:
        return {name: cell for cell, name in enumerate(self.names)}


@dataclass(frozen=True)
class Layout:
    """The cells of every feature, sorted by name. Equal layouts have equal bytes and so the same ``digest``."""

    features: tuple[FeatureLayout, ...]

    @cached_property
    def digest(self) -> bytes:
        """SHA-256 of the bytes: the layout's name."""
        return sha256(self.to_bytes()).digest()

    @cached_property
    def by_name(self) -> dict[str, FeatureLayout]:
        """The features by their name."""
        return {feature.name: feature for feature in self.features}

    @cached_property
    def spaces(self) -> dict[str, Space]:
        """The spaces of embeddings by their columns."""
        return {feature.column: feature.space for feature in self.features if feature.space}

    @cached_property
    def starts(self) -> dict[str, int]:
        """Where each feature's counts begin in a profile."""
        return self._starts([TALLIES + feature.cells for feature in self.features])

    @cached_property
    def sum_starts(self) -> dict[str, int]:
        """Where each feature's sums begin."""
        return self._starts([feature.sums for feature in self.features])

    @cached_property
    def register_starts(self) -> dict[str, int]:
        """Where each feature's registers begin."""
        return self._starts([feature.registers for feature in self.features])

    @cached_property
    def sizes(self) -> tuple[int, int, int]:
        """How many counts, sums and registers a profile has."""
        features = self.features
        return (
            sum(TALLIES + feature.cells for feature in features),
            sum(feature.sums for feature in features),
            sum(feature.registers for feature in features),
        )

    def _starts(self, sizes: list[int]) -> dict[str, int]:
        names = (feature.name for feature in self.features)
        return dict(zip(names, np.cumsum([0, *sizes]).tolist(), strict=False))

    def to_bytes(self) -> bytes:
        """JSON with a fixed order and the shortest digits that read back as the same float."""
        features = [
            [f.name, f.kind, f.edges, f.names, f.hashed, f.source, f.aspect, *([f.space.state()] if f.space else [])]
            for f in self.features
        ]
        return json.dumps({"v": FORMAT, "seed": SEED, "features": features}, separators=(",", ":")).encode()

    @staticmethod
    def from_bytes(raw: bytes) -> "Layout":
        """Read it back. Raises ProfileError for anything that ``to_bytes`` would not have written."""
        try:
            table = json.loads(raw)["features"]
            features = tuple(
                FeatureLayout(n, kind, tuple(edges), tuple(names), hashed, source, aspect, *map(space_from, space))
                for n, kind, edges, names, hashed, source, aspect, *space in table
            )
            layout = Layout(features)
            sound = layout.to_bytes() == raw and all(map(_sound, features))
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise ProfileError(f"these {len(raw)} bytes are no layout: {error}") from None
        if not sound or [f.name for f in features] != sorted({f.name for f in features}):
            raise ProfileError(f"these {len(raw)} bytes are no layout as this version writes it")
        return layout


TALLIES = 5
"""Counts before the cells of a feature: missing, NaN, infinite, of the other kind, new category."""


def layout_of(frames: Iterable[Frame]) -> Layout:
    """The layout of a reference's rows, the same in whatever order and blocks they come. Constant columns are fine."""
    columns: dict[str, list[Values]] = {}
    times: dict[str, list[NDArray[np.int64]]] = {}
    for frame in frames:
        for name, values in frame.group("feature.").items():
            columns.setdefault(name, []).append(values)
            times.setdefault(name, []).append(frame.time_us)
    found = [each for name, parts in columns.items() for each in _features(name, parts, times[name])]
    own = {each.name: each for each in found if not each.aspect}  # a column comes before an aspect that is named alike
    by_name = {each.name: each for each in found} | own
    return Layout(tuple(by_name[name] for name in sorted(by_name)))


def _features(name: str, parts: list[Values], times: list[NDArray[np.int64]]) -> Iterable[FeatureLayout]:
    """The feature of a column; of a text or a time one for each aspect instead, of embeddings both."""
    kinds = Counter({part.kind: 0 for part in parts})
    for part in parts:
        kinds[part.kind] += int(part.valid.sum())
    usual = max(sorted(kinds), key=kinds.__getitem__)
    if dimensions_of(usual):
        yield from _embeddings(name, [part for part in parts if part.kind == usual], dimensions_of(usual))
        return
    present = {kind: sum(int(part.valid.sum()) for part in parts if part.kind == kind) for kind in (NUMBER, CATEGORY)}
    if present[CATEGORY] <= present[NUMBER]:
        yield _number(name, parts)
        return
    counts = _counted(parts)
    form = form_of(list(counts), present[CATEGORY])
    if not form:
        yield _category(name, counts)
        return
    for each in aspects(form):
        made = [aspect(each, part, at) for part, at in zip(parts, times, strict=True)]
        full = f"{name}:{each}"
        numeric = any(part.kind == NUMBER for part in made)
        yield replace(_number(full, made) if numeric else _category(full, _counted(made)), source=name, aspect=each)


def _embeddings(name: str, parts: list[Values], dimensions: int) -> Iterable[FeatureLayout]:
    space = spaces(parts, dimensions)
    looked = [one for one in (look(part, space) for part in parts) if one]
    cosines = np.concatenate([one.cosine[one.told] for one in looked])
    yield FeatureLayout(name, embedding_kind(dimensions), edges=cosine_edges(cosines), space=space)
    for each in EMBEDDED:
        made = [one.aspect(each) for one in looked]
        yield replace(_number(f"{name}:{each}", made), source=name, aspect=each)


def _number(name: str, parts: list[Values]) -> FeatureLayout:
    numbers = [part.data[part.valid] for part in parts if part.kind == NUMBER]
    return FeatureLayout(name, NUMBER, edges=tuple(edges_of(np.concatenate([*numbers, []])).tolist()))


def _counted(parts: list[Values]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for part in parts:
        if part.kind == CATEGORY:
            found = np.bincount(part.data[part.valid].astype(np.int64), minlength=len(part.names)).tolist()
            counts.update({text: count for text, count in zip(part.names, found, strict=True) if count})
    return counts


def _category(name: str, counts: Counter[str]) -> FeatureLayout:
    ranked = sorted(counts, key=lambda text: (-counts[text], text))
    if len(ranked) <= MAX_NAMES:
        return FeatureLayout(name, CATEGORY, names=tuple(ranked))
    return FeatureLayout(name, CATEGORY, names=tuple(ranked[:FREQUENT_NAMES]), hashed=HASHED_CELLS)


def _sound(feature: FeatureLayout) -> bool:
    rising = all(a < b for a, b in zip(feature.edges, feature.edges[1:], strict=False))
    finite = all(isinstance(edge, float) and np.isfinite(edge) for edge in feature.edges)
    named = len(set(feature.names)) == len(feature.names) and all(isinstance(text, str) for text in feature.names)
    kinds = (feature.kind == NUMBER and not feature.names) or (feature.kind == CATEGORY and not feature.edges)
    if feature.space:
        kinds = (
            feature.kind == embedding_kind(feature.space.dimensions) and feature.space.is_sound and not feature.names
        )
    made = isinstance(feature.aspect, str) and feature.aspect in EVERY | {*EMBEDDED}
    derived = isinstance(feature.source, str) and (made if feature.source else feature.aspect == "")
    hashed = type(feature.hashed) is int and 0 <= feature.hashed <= MAX_NAMES * bool(feature.names)
    return rising and finite and named and kinds and hashed and derived
