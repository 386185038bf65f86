"""Embeddings in whole numbers: each vector's direction in steps of 2^-16, looked at along a few random directions.

All that is summed is whole and small enough for every sum to be exact in floating point, so that neither the order of
rows nor the blocks that they come in, nor how a library of linear algebra adds up, shows in a bit of the result.

A vector of more than ``DIRECTIONS`` numbers is multiplied with as many random vectors of +1 and -1 (Achlioptas,
Database-friendly random projections, JCSS 2003): how far apart means lie is kept to ``sqrt(2 / DIRECTIONS)``.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import isqrt

import numpy as np
from numpy.random import PCG64
from numpy.typing import NDArray

from tocsin_collector.frame import Values
from tocsin_collector.profile.hashing import SEED
from tocsin_collector.verdict import NUMBER, embedding_kind

COSINE, NORM = "cosine", "norm"
ASPECTS = COSINE, NORM
"""Numbers made of an embedding: its cosine to the reference's mean direction, and its length."""
DIRECTIONS = 64
COSINE_CELLS = 32
_UNIT, _FINE, _COARSE = 16, 20, 8  # bits: of a direction's numbers, of a vector's beside its largest, of projections
_NORM_BITS = 10  # normalised vectors have one length, not a hundred that differ in the last bit
_STEP_VARIANCE = 1 / 12
_CHUNK = 1_024

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Counts = NDArray[np.int64]


@dataclass(frozen=True)
class Space:
    """What a reference's embeddings are like: the mean direction (``centroid``, in steps of 2^-16), and of the
    projections of its ``rows`` the ``sums`` and the sums of all products of two (``products``, the upper triangle)."""

    centroid: tuple[int, ...]
    rows: int
    sums: tuple[int, ...]
    products: tuple[int, ...]

    @property
    def dimensions(self) -> int:
        """How many numbers a vector has."""
        return len(self.centroid)

    @cached_property
    def middle(self) -> Floats:
        """The centroid for products that are exact."""
        return np.array(self.centroid, np.float64)

    @cached_property
    def whitening(self) -> tuple[Floats, float]:
        """The matrix after which the rows' projections scatter alike in every direction, and by what the squared
        distance of other rows is to be multiplied, which is too large (the mean of an inverse Wishart matrix).

        With few rows the covariance is drawn towards its diagonal; rows that hardly differ differ by a rounding step.
        """
        width, rows = len(self.sums), max(self.rows, 1)
        products = np.zeros((width, width))
        products[np.triu_indices(width)] = self.products
        products += np.triu(products, 1).T
        mean = np.array(self.sums, np.float64) / rows
        covariance = products / rows - np.outer(mean, mean)
        drawn = (width / (rows + width)) ** 2
        scatter = drawn * np.maximum(np.diag(covariance), 0.0) + _STEP_VARIANCE
        values, vectors = np.linalg.eigh((1 - drawn) * covariance + np.diag(scatter))
        whitening: Floats = vectors / np.sqrt(np.maximum(values, _STEP_VARIANCE))
        return whitening, max(rows - width - 1, 1) / rows

    def state(self) -> list[object]:
        """All of it as plain values; ``space_from`` takes it."""
        return [self.centroid, self.rows, self.sums, self.products]

    @property
    def is_sound(self) -> bool:
        """Whether its parts fit each other, and are whole numbers."""
        width = directions_of(self.dimensions)
        whole = all(type(number) is int for part in (self.centroid, self.sums, self.products) for number in part)
        fits = len(self.sums) == width and len(self.products) == width * (width + 1) // 2
        return whole and fits and type(self.rows) is int and self.rows >= 0 and self.dimensions >= 2


def space_from(state: Sequence[Sequence[int]]) -> Space:
    """What ``Space.state`` told."""
    centroid, rows, sums, products = state
    return Space(tuple(centroid), rows, tuple(sums), tuple(products))  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Looked:
    """A column's vectors as numbers, a row each; ``projected`` and ``cosine`` have no meaning where ``told`` is False:
    the row is missing, all zero, or has a number that is not finite."""

    values: Values
    told: NDArray[np.bool_]
    norm: Floats
    cosine: Floats
    projected: Floats

    def aspect(self, name: str) -> Values:
        """One of ``ASPECTS``; NaN where there is no direction."""
        if name == NORM:
            return Values(NUMBER, self.norm, self.values.valid)
        return Values(NUMBER, np.where(self.told, self.cosine, np.nan), self.values.valid)


def directions_of(dimensions: int) -> int:
    """How many projections a vector of so many numbers has: no more than numbers."""
    return min(dimensions, DIRECTIONS)


def look(values: Values, space: Space) -> Looked | None:
    """A column under the space of its reference; None for one of another kind."""
    if values.kind != embedding_kind(space.dimensions) or values.vectors is None:
        return None
    rows = len(values.valid)
    norm, cosine = np.zeros(rows), np.zeros(rows)
    told, projected = np.zeros(rows, bool), np.zeros((rows, directions_of(space.dimensions)))
    for at, part in _parts(values.vectors):
        units = _units(part)
        told[at], norm[at] = units.told, units.norm
        cosine[at] = (units.data @ space.middle) / 2.0 ** (2 * _UNIT)
        projected[at] = _projected(units.data)
    return Looked(values, told & values.valid, norm, cosine, projected)


def spaces(parts: Iterable[Values], dimensions: int) -> Space:
    """The space of a reference's rows, the same in whatever order and blocks they come."""
    width, rows = directions_of(dimensions), 0
    total, sums, products = np.zeros(dimensions), np.zeros(width), np.zeros((width, width))
    for values in parts:
        for at, part in _parts(values.vectors if values.vectors is not None else np.zeros((0, dimensions), np.float32)):
            units = _units(part)
            data = units.data[units.told & values.valid[at]]
            projected = _projected(data)
            rows += len(data)
            total += data.sum(axis=0)
            sums += projected.sum(axis=0)
            products += projected.T @ projected
    whole = [int(number) for number in total.tolist()]
    length = isqrt(sum(number * number for number in whole)) or 1
    centroid = tuple((number << _UNIT) // length for number in whole)
    upper = products[np.triu_indices(width)]
    return Space(centroid, rows, tuple(map(int, sums.tolist())), tuple(map(int, upper.tolist())))


def cosine_edges(cosines: Floats) -> tuple[float, ...]:
    """Edges of a few cells that hold about as many of the reference's rows each; what is beyond its range is apart."""
    if not len(cosines):
        return ()
    ordered = np.sort(cosines)
    picked = ordered[np.linspace(0, len(ordered) - 1, COSINE_CELLS - 1).astype(np.intp)]
    return tuple(np.unique([*picked, np.nextafter(picked[-1], np.inf)]).tolist())


@dataclass(frozen=True, slots=True)
class _Units:
    data: Floats
    """Whole numbers: the direction of each vector, of length 2^16."""
    norm: Floats
    told: NDArray[np.bool_]


def _parts(vectors: Singles) -> Iterator[tuple[slice, Singles]]:
    for start in range(0, len(vectors), _CHUNK):
        yield slice(start, start + _CHUNK), vectors[start : start + _CHUNK]


def _units(vectors: Singles) -> _Units:
    """Beside its largest number each number of a vector is whole, in 2^-20 of a power of two: the sum of 4,096 squares
    is below 2^53 and exact, and from there on each row is rounded alone."""
    largest = np.abs(vectors).max(axis=1, initial=0.0)
    told = np.isfinite(largest) & (largest > 0)
    sound = vectors if told.all() else np.where(told[:, None], vectors, np.float32(0))
    exponents = np.frexp(np.where(told, largest, 1.0).astype(np.float64))[1]
    data = np.ldexp(sound.astype(np.float64), (_FINE - exponents)[:, None])
    np.rint(data, out=data)
    lengths = np.sqrt(np.einsum("ij,ij->i", data, data))
    data *= (2.0**_UNIT / np.where(told, lengths, 1.0))[:, None]
    np.rint(data, out=data)
    norm = np.where(told, _rounded(np.ldexp(lengths, exponents - _FINE)), largest)
    return _Units(data, norm, told)


def _rounded(numbers: Floats) -> Floats:
    mantissas, exponents = np.frexp(numbers)
    found: Floats = np.ldexp(np.rint(np.ldexp(mantissas, _NORM_BITS)), exponents - _NORM_BITS)
    return found


def _projected(units: Floats) -> Floats:
    """Whole numbers: along each direction, in steps of 2^-8. A sum of 4,096 steps of 2^-16 that make a length of 1 is
    below 2^23, so that float32 has it exactly, at half the cost."""
    signs = _signs(units.shape[1])
    found = units if signs is None else units.astype(np.float32) @ signs
    return np.rint(found.astype(np.float64) / 2.0 ** (_UNIT - _COARSE))


@lru_cache(8)
def _signs(dimensions: int) -> Singles | None:
    """Random +1 and -1, the same everywhere: PCG64's raw output is fixed, what numpy draws from it is not. None where
    the vectors' own numbers are few enough."""
    if dimensions <= DIRECTIONS:
        return None
    raw = PCG64(SEED).random_raw(dimensions * DIRECTIONS // 64)
    bits = np.unpackbits(np.asarray(raw, "<u8").view(np.uint8)).reshape(dimensions, DIRECTIONS)
    return (bits.astype(np.float32) * 2 - 1).astype(np.float32)
