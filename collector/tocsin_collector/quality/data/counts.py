"""What is counted of a window for the learnt checks: whole numbers, extremes and samples that merge in any order."""

from dataclasses import dataclass
from math import inf, isfinite
from typing import Any, NamedTuple

import numpy as np

from tocsin_collector.frame import Frame, Values
from tocsin_collector.profile.hashing import hashes
from tocsin_collector.quality.sample import Sample, merged, of_columns, of_values, sample_of_rows
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


def observe(frame: Frame, form: Form) -> Observed:
    """Count a block; a column that is not there has no values, and one of another kind none in the range."""
    columns = [frame.columns.get(f"feature.{one.name}") for one in form.ranges]
    pairs = zip(form.ranges, columns, strict=True)
    return Observed(tuple(_feature(known, values, form) for known, values in pairs), _whole(columns, form))


def _whole(columns: list[Values | None], form: Form) -> Sample:
    """The rows that have all features: of what is missing, much is alike. Where there are ids, rows differ by them."""
    there = [values for values in columns if values is not None]
    if form.ids or not there or len(there) < len(columns):
        return Sample()
    valid = np.logical_and.reduce([values.valid for values in there])
    return sample_of_rows(of_columns(there)[valid], DISTINCT)


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


def _feature(known: Range, values: Values | None, form: Form) -> FeatureCounts:
    if values is None or not values.valid.any():
        return FeatureCounts()
    held = Sample()
    if known.name in form.ids:
        held = sample_of_rows(of_values(values)[values.valid], DISTINCT)
    present = values.data if values.valid.all() else values.data[values.valid]
    if values.kind != NUMBER:
        used = np.flatnonzero(np.bincount(present, minlength=len(values.names)))
        keys = hashes([values.names[code] for code in used.tolist()]).astype(np.float64)
        return FeatureCounts(len(present), 0, float(keys.min()), float(keys.max()), held)
    low, high = float(present.min()), float(present.max())
    if not (isfinite(low) and isfinite(high)):
        present = present[np.isfinite(present)]
        if not len(present):
            return FeatureCounts(sample=held)
        low, high = float(present.min()), float(present.max())
    outside = 0
    if known.low <= known.high and (low < known.low or high > known.high):
        outside = int(np.count_nonzero((present < known.low) | (present > known.high)))
    return FeatureCounts(len(present), outside, low, high, held)
