"""A window's data against what the reference taught: what fails, each in a sentence."""

from collections.abc import Iterator
from math import log

from tocsin_collector.drift.ratio import RatioReference
from tocsin_collector.drift.shares import percent
from tocsin_collector.quality.data.counts import FeatureCounts, Observed, Range
from tocsin_collector.quality.data.reference import FEWEST_ROWS, DataReference, FeatureReference
from tocsin_collector.quality.sample import Sample
from tocsin_collector.verdict import CheckVerdict

RANGE, FROZEN, UNIQUE, DUPLICATES = CHECKS = "range", "frozen", "unique", "duplicates"


def judge(reference: DataReference, observed: Observed) -> tuple[CheckVerdict, ...]:
    """The checks that fail, in the order of the features' names."""
    found: list[CheckVerdict] = []
    for known, counts in zip(reference.form.ranges, observed.features, strict=True):
        found += _feature(known, reference.features[known.name], counts, reference.alpha)
    rows = int(observed.rows_sample.counts.sum())
    if reference.duplicates is not None and rows >= FEWEST_ROWS:
        found += _repeated(
            DUPLICATES, "", "rows have features that another row has too", reference.duplicates, observed.rows_sample
        )
    return tuple(found)


def _feature(known: Range, normal: FeatureReference, counts: FeatureCounts, alpha: float) -> Iterator[CheckVerdict]:
    if counts.rows < FEWEST_ROWS:
        return
    if normal.range is not None and counts.outside:
        share, bound = counts.outside / counts.rows, normal.range.threshold(counts.rows)
        if not share <= bound:
            span = f"{known.low:g} to {known.high:g}, which the reference spans"
            reach = f"they reach {counts.low:g} and {counts.high:g}"
            reason = f"{known.name}: {percent(share)} of values are beyond {span} (bound {percent(bound)}); {reach}"
            yield CheckVerdict(RANGE, known.name, share, bound, reason)
    # All rows the same: chance would do that with the probability of its most frequent value, once a row.
    if counts.low == counts.high and 0 < normal.top < 1 and counts.rows * log(normal.top) < log(alpha):
        reason = (
            f"{known.name}: all of {counts.rows:,} values are the same; in no window of the reference more than"
            f" {percent(normal.top)} are"
        )
        yield CheckVerdict(FROZEN, known.name, 1.0, normal.top, reason)
    if normal.repeated is not None:
        yield from _repeated(UNIQUE, known.name, "values stand more than once", normal.repeated, counts.sample)


def _repeated(check: str, feature: str, what: str, normal: RatioReference, held: Sample) -> Iterator[CheckVerdict]:
    rows = int(held.counts.sum())
    share, bound = held.repeated, normal.threshold(rows)
    if not share <= bound:
        about = f"{feature}: " if feature else ""
        told = f"{about}{percent(share)} of {what}, {percent(normal.ratio)} in the reference (bound {percent(bound)})"
        yield CheckVerdict(check, feature, share, bound, told)
