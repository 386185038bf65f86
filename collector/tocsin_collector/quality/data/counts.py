"""What is counted of a window for the learnt checks: whole numbers, extremes and samples that merge in any order."""

from dataclasses import dataclass
from itertools import repeat
from math import inf, isfinite
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tocsin_collector.frame import Frame, Values
from tocsin_collector.profile.hashing import Hashes, mixed
from tocsin_collector.quality.sample import Sample, bits, merged, of_rows, sample_of_rows
from tocsin_collector.verdict import NUMBER

DISTINCT = 2_048
"""Distinct rows, or ids, that are counted exactly; with more their share is that of a sample of so many."""


class Range(NamedTuple):
    """What a number spans in the reference; of a text it is empty."""

    name: str
    low: float
    high: float


class Form(NamedTuple):
    """What is counted: the features by name with their ranges, and which of them are ids."""

    ranges: tuple[Range, ...]
    ids: frozenset[str]


class FeatureCounts(NamedTuple):
    """``rows`` have a value, ``outside`` of them beyond the range; ``low`` and ``high`` are the extremes of numbers or
    of texts' hashes: where they are equal, all values are."""

    rows: int = 0
    outside: int = 0
    low: float = inf
    high: float = -inf
    sample: Sample = Sample()


@dataclass(frozen=True, slots=True)
class Observed:
    """The counts of some rows, in the order of the form's features."""

    features: tuple[FeatureCounts, ...]
    rows_sample: Sample

    def state(self) -> list[Any]:
        """All of it as plain values and columns; ``observed_of`` takes it."""
        parts = [self.rows_sample, *(one.sample for one in self.features)]
        return [[list(one[:4]) for one in self.features], [[one.most, one.hashes, one.counts] for one in parts]]


def observed_of(state: list[Any]) -> Observed:
    """What ``state`` told."""
    whole, *samples = (Sample(most, hashes.copy(), counts.copy()) for most, hashes, counts in state[1])
    features = [FeatureCounts(*plain)._replace(sample=held) for plain, held in zip(state[0], samples, strict=True)]
    return Observed(tuple(features), whole)


def observe(frame: Frame, form: Form, known: Observed | None = None) -> Observed:
    """Count a block, and add what is ``known`` of others; a column that is not there has no values, and one of another
    kind none in the range."""
    columns = [frame.columns.get(f"feature.{one.name}") for one in form.ranges]
    told = [None if values is None else bits(values) for values in columns]
    before = known.features if known else (FeatureCounts(),) * len(columns)
    features = map(_feature, form.ranges, columns, told, before, repeat(form.ids))
    whole = known.rows_sample if known else Sample()
    return Observed(tuple(features), whole if form.ids else _whole(columns, told, whole))


def _whole(columns: list[Values | None], told: list[Hashes | None], known: Sample) -> Sample:
    """The rows that have all features: of what is missing, much is alike. Where there are ids, rows differ by them."""
    there = [values.valid for values in columns if values is not None]
    parts = [part for part in told if part is not None]
    if not there or len(there) < len(columns):
        return known
    valid = np.logical_and.reduce(there)
    hashes = of_rows(parts)
    return sample_of_rows(hashes if valid.all() else hashes[valid], DISTINCT, known)


def merge(a: Observed, b: Observed) -> Observed:
    """The counts of both's rows."""
    return Observed(tuple(map(_merged, a.features, b.features)), merged(a.rows_sample, b.rows_sample))


def _merged(a: FeatureCounts, b: FeatureCounts) -> FeatureCounts:
    return FeatureCounts(
        a.rows + b.rows,
        a.outside + b.outside,
        min(a.low, b.low),
        max(a.high, b.high),
        merged(a.sample, b.sample),
    )


def _feature(
    known: Range, values: Values | None, told: Hashes | None, before: FeatureCounts, ids: frozenset[str]
) -> FeatureCounts:
    if values is None or told is None:
        return before
    rows = int(np.count_nonzero(values.valid))
    if not rows:
        return before
    is_whole = rows == len(values.valid)
    held = before.sample
    if known.name in ids:
        hashes = mixed(told) if values.kind == NUMBER else told
        held = sample_of_rows(hashes if is_whole else hashes[values.valid], DISTINCT, held)
    if values.kind == NUMBER:
        now = _spanned(values.data if is_whole else values.data[values.valid], known)
    else:
        keys = told if is_whole else told[values.valid]
        now = FeatureCounts(rows, 0, float(keys.min()), float(keys.max()))
    return _merged(before, now)._replace(sample=held)


def _spanned(present: NDArray[np.float64] | NDArray[np.int64], known: Range) -> FeatureCounts:
    """The counts of numbers without their sample."""
    low, high = float(present.min()), float(present.max())
    if not (isfinite(low) and isfinite(high)):
        present = present[np.isfinite(present)]
        if not len(present):
            return FeatureCounts()
        low, high = float(present.min()), float(present.max())
    outside = 0
    if known.low <= known.high and (low < known.low or high > known.high):
        outside = int(np.count_nonzero((present < known.low) | (present > known.high)))
    return FeatureCounts(len(present), outside, low, high)
