"""What is counted of each feature: the cells of its values. Made once from a reference, named by its content.

Numbers get cells by quantile, so that every cell holds about the same share of the reference and the largest distance
between two cumulative counts is the Kolmogorov-Smirnov distance to within a part of a cell's share. Values that repeat
get a cell of their own. Categories get a cell by name; where there are too many names the most frequent keep theirs and
the rest share cells by a keyed hash, which is the same in every process.
"""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b, sha256

import numpy as np
from numpy.typing import NDArray

from tocsin_collector.frame import Frame, Values
from tocsin_collector.verdict import CATEGORY, NUMBER

QUANTILE_CELLS = 128  # Kolmogorov-Smirnov within 0.001 of the exact one on five shapes; 64 cells: 0.0013
MAX_NAMES = 1_024
FREQUENT_NAMES, HASHED_CELLS = 64, 192  # what takes the place of names when there are more than MAX_NAMES
SEED = b"tocsin.profile.1"


class ProfileError(ValueError):
    """A layout or profile that is not sound, or two that do not belong together; the message says which and why."""


@dataclass(frozen=True)
class FeatureLayout:
    """The cells of one feature.

    Numbers: ``edges`` rise strictly; cell ``i`` holds ``edges[i-1] <= value < edges[i]``, the outer ones are open.
    Categories: one cell for each of ``names``, then ``hashed`` cells for all others; with ``hashed == 0`` a name that
    is not listed is counted as new.
    """

    name: str
    kind: str
    edges: tuple[float, ...] = ()
    names: tuple[str, ...] = ()
    hashed: int = 0

    @property
    def cells(self) -> int:
        """How many cells there are."""
        return len(self.edges) + 1 if self.kind == NUMBER else len(self.names) + self.hashed

    @cached_property
    def bounds(self) -> NDArray[np.float64]:
        """The edges between what a sorted column holds: -inf, the cells, +inf, NaN."""
        return np.array([np.finfo(np.float64).min, *self.edges, np.inf, np.nan])

    def cell_of(self, name: str) -> int:
        """The cell of a category, -1 when it is new."""
        cell = self._index.get(name, -1)
        if cell < 0 and self.hashed:
            digest = blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8, key=SEED).digest()
            cell = len(self.names) + int.from_bytes(digest, "little") % self.hashed
        return cell

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
    def starts(self) -> dict[str, int]:
        """Where each feature's counts begin in a profile."""
        sizes = np.cumsum([0, *(TALLIES + feature.cells for feature in self.features)]).tolist()
        return {feature.name: start for feature, start in zip(self.features, sizes, strict=False)}

    @cached_property
    def size(self) -> int:
        """How many counts a profile has."""
        return sum(TALLIES + feature.cells for feature in self.features)

    def to_bytes(self) -> bytes:
        """JSON with a fixed order and the shortest digits that read back as the same float."""
        features = [[f.name, f.kind, f.edges, f.names, f.hashed] for f in self.features]
        return json.dumps({"v": 1, "seed": SEED.decode(), "features": features}, separators=(",", ":")).encode()

    @staticmethod
    def from_bytes(raw: bytes) -> "Layout":
        """Read it back. Raises ProfileError for anything that ``to_bytes`` would not have written."""
        try:
            table = json.loads(raw)["features"]
            features = tuple(
                FeatureLayout(n, kind, tuple(edges), tuple(names), h) for n, kind, edges, names, h in table
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
    for frame in frames:
        for name, values in frame.group("feature.").items():
            columns.setdefault(name, []).append(values)
    return Layout(tuple(_feature(name, columns[name]) for name in sorted(columns)))


def _feature(name: str, parts: list[Values]) -> FeatureLayout:
    present = {kind: sum(int(part.valid.sum()) for part in parts if part.kind == kind) for kind in (NUMBER, CATEGORY)}
    if present[CATEGORY] > present[NUMBER]:
        return _category(name, [part for part in parts if part.kind == CATEGORY])
    numbers = [part.data[part.valid] for part in parts if part.kind == NUMBER]
    return FeatureLayout(name, NUMBER, edges=_edges(np.concatenate(numbers) if numbers else np.empty(0)))


def _edges(values: NDArray[np.float64]) -> tuple[float, ...]:
    finite = values[np.isfinite(values)] + 0.0  # the sum turns -0.0 into 0.0: equal values, equal bytes
    if not finite.size:
        return ()
    ranks = np.arange(1, QUANTILE_CELLS) / QUANTILE_CELLS
    picked, hits = np.unique(np.quantile(finite, [0.0, *ranks, 1.0], method="inverted_cdf"), return_counts=True)
    # A value that fills a quantile alone, and the largest one, end where the next float begins.
    closed = picked[(hits > 1) | (picked == picked[-1])]
    ends = np.nextafter(closed[closed < np.finfo(np.float64).max], np.inf)
    return tuple(np.unique(np.concatenate([picked, ends])).tolist())


def _category(name: str, parts: list[Values]) -> FeatureLayout:
    counts: Counter[str] = Counter()
    for part in parts:
        found = np.bincount(part.data[part.valid].astype(np.int64), minlength=len(part.names)).tolist()
        counts.update({text: count for text, count in zip(part.names, found, strict=True) if count})
    ranked = sorted(counts, key=lambda text: (-counts[text], text))
    if len(ranked) <= MAX_NAMES:
        return FeatureLayout(name, CATEGORY, names=tuple(ranked))
    return FeatureLayout(name, CATEGORY, names=tuple(ranked[:FREQUENT_NAMES]), hashed=HASHED_CELLS)


def _sound(feature: FeatureLayout) -> bool:
    rising = all(a < b for a, b in zip(feature.edges, feature.edges[1:], strict=False))
    finite = all(isinstance(edge, float) and np.isfinite(edge) for edge in feature.edges)
    named = len(set(feature.names)) == len(feature.names) and all(isinstance(text, str) for text in feature.names)
    kinds = (feature.kind == NUMBER and not feature.names) or (feature.kind == CATEGORY and not feature.edges)
    return rising and finite and named and kinds and type(feature.hashed) is int and 0 <= feature.hashed <= MAX_NAMES
