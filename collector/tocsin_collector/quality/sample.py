"""The distinct values with the lowest hashes, each with how often it came: a sample of what is there, exact in itself.

Which values are in it follows from the values alone, not from the order or the blocks in which they came, and a value
that is in it has been counted from its first row on, so two samples merge into the one of all rows (Gibbons, Distinct
sampling, VLDB 2001; Bar-Yossef et al., RANDOM 2002). Up to ``most`` distinct values it holds them all.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tocsin_collector.frame import Values
from tocsin_collector.profile import hashing
from tocsin_collector.profile.hashing import Hashes, mixed
from tocsin_collector.verdict import NUMBER

FORMAT = 2
"""Raised whenever the same values have other hashes."""
Counts = NDArray[np.int64]
_RANGE = 2.0**64
_FACTOR, _HALF = np.uint64(0xFF51AFD7ED558CCD), np.uint64(32)


@dataclass(frozen=True, slots=True)
class Sample:
    """``hashes`` rise strictly; ``shown`` has the text of some of them."""

    most: int = 0
    hashes: Hashes = field(default_factory=lambda: np.empty(0, np.uint64))
    counts: Counts = field(default_factory=lambda: np.empty(0, np.int64))
    shown: Mapping[int, str] = field(default_factory=dict)

    @property
    def distinct(self) -> float:
        """How many distinct values there are: exact below ``most``, else within 1 / sqrt(most)."""
        held = len(self.hashes)
        return float(held) if held < self.most else (held - 1) / ((float(self.hashes[-1]) + 1) / _RANGE)

    @property
    def repeated(self) -> float:
        """The share of rows whose value is not the only one, as the sample has it."""
        total = int(self.counts.sum())
        return int(self.counts[self.counts > 1].sum()) / total if total else 0.0

    def top(self, most: int) -> tuple[tuple[str, int], ...]:
        """The most frequent of those that have a text, with their counts."""
        pairs = zip(self.hashes.tolist(), self.counts.tolist(), strict=True)
        told = [(self.shown[key], count) for key, count in pairs if key in self.shown]
        return tuple(sorted(told, key=lambda pair: (-pair[1], pair[0]))[:most])


def sample(hashes: Hashes, counts: Counts, most: int) -> Sample:
    """The sample of some values, which may stand more than once."""
    order = np.argsort(hashes)
    found, first = _runs(hashes[order])
    return Sample(most, found[:most], np.add.reduceat(counts[order], first)[:most] if len(first) else counts)


def sample_of_rows(hashes: Hashes, most: int, known: Sample | None = None) -> Sample:
    """The sample of the values of rows, each of them once a row, and of what another sample knows."""
    if known and len(known.hashes) == most:
        hashes = hashes[hashes <= known.hashes[-1]]  # of a window's later rows few get in
    found, first = _runs(np.sort(hashes))
    new = Sample(most, found[:most], np.diff(first, append=len(hashes))[:most])
    return merged(known, new) if known else new


def _runs(ordered: Hashes) -> tuple[Hashes, NDArray[np.intp]]:
    """The distinct ones of ordered hashes, and where each begins."""
    is_first = np.ones(len(ordered), bool)
    is_first[1:] = ordered[1:] != ordered[:-1]
    first = np.flatnonzero(is_first)
    return ordered[first], first


def merged(a: Sample, b: Sample) -> Sample:
    """The sample of both's rows."""
    if not len(b.hashes) or not len(a.hashes):
        return a if len(a.hashes) else b
    both = sample(np.concatenate([a.hashes, b.hashes]), np.concatenate([a.counts, b.counts]), a.most)
    texts = {**a.shown, **b.shown}
    shown = {key: texts[key] for key in both.hashes.tolist() if key in texts} if texts else {}
    return Sample(both.most, both.hashes, both.counts, shown)


def of_numbers(data: NDArray[np.float64]) -> Hashes:
    """A hash of each number; -0 is 0, and every NaN is one value."""
    return mixed(_bits(data))


def of_columns(columns: Iterable[Values]) -> Hashes:
    """A hash of each row's values together, none of which is missing. At least one column is needed."""
    return of_rows([bits(values) for values in columns])


def of_rows(columns: Sequence[Hashes]) -> Hashes:
    """The same of columns that are ``bits`` already.

    Each column is mixed in by a step that can be undone, so rows that differ in one column alone never have one hash; a
    good hash of every value would cost three times as much and tell no more.
    """
    found, upper = np.zeros(len(columns[0]), np.uint64), np.empty(len(columns[0]), np.uint64)
    for column in columns:
        np.bitwise_xor(found, column, out=found)
        np.multiply(found, _FACTOR, out=found)
        np.right_shift(found, _HALF, out=upper)  # numbers like 3.0 have all that they tell in their upper bits
        np.bitwise_xor(found, upper, out=found)
    return mixed(found)


def of_values(values: Values) -> Hashes:
    """A hash of each value of a column; places that are missing have any."""
    return mixed(bits(values)) if values.kind == NUMBER else bits(values)


def bits(values: Values) -> Hashes:
    """What tells each value of a column from others: the bits of a number, a text's hash."""
    if values.kind == NUMBER:
        return _bits(values.data.astype(np.float64, copy=False))
    used = np.flatnonzero(np.bincount(values.data, minlength=len(values.names)))
    table = np.zeros(len(values.names), np.uint64)
    table[used] = hashing.hashes([values.names[code] for code in used.tolist()])
    return table[values.data]


def _bits(data: NDArray[np.float64]) -> Hashes:
    clean = data + 0.0
    if np.isnan(clean.max(initial=0.0)):
        clean[np.isnan(clean)] = np.nan
    return clean.view(np.uint64)
