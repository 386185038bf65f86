"""What is normal about the data, from the reference's windows: ranges, ids, repeated rows, values that stand still.

Each check may spend the same chance; all of them together ``SHARE`` of what drift spends (see drift/spread.py): these
faults are gross where there are any, so a strict bound costs little.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tocsin_collector.drift.ratio import RatioReference, ratios
from tocsin_collector.drift.spread import chance, folds, spread
from tocsin_collector.frame import Frame, Values
from tocsin_collector.quality.data.counts import FeatureCounts, Form, Observed, Range, observe
from tocsin_collector.quality.sample import Sample
from tocsin_collector.verdict import NUMBER

SHARE = 0.2
ID_REPEATED = 0.01
"""A feature whose values repeat in no more than this share of a window's rows, on average, is one of ids."""
FEWEST_ROWS = 30


class FeatureReference(NamedTuple):
    """``top`` is the largest share of one value in any window; ``range`` is None for texts, ``repeated`` for what is
    no id."""

    top: float
    range: RatioReference | None
    repeated: RatioReference | None


class DataReference(NamedTuple):
    """``duplicates`` is None where the reference has no features."""

    form: Form
    features: dict[str, FeatureReference]
    duplicates: RatioReference | None
    alpha: float


def fit(windows: Sequence[Frame]) -> DataReference | None:
    """Learn it from the reference's windows, in order of time. None without rows."""
    used = [window for window in windows if window.rows]
    if not used:
        return None
    names = sorted({name for window in used for name in window.group("feature.")})
    form = Form(tuple(_range(name, used) for name in names), frozenset(name for name in names if _is_id(name, used)))
    alpha = SHARE * chance(len(used), 3 * len(names) + 1)
    seen = [observe(window, form) for window in used]
    features = {name: _feature(at, name, used, seen, form, alpha) for at, name in enumerate(names)}
    duplicates = _repeated([window.rows_sample for window in seen], alpha) if names else None
    return DataReference(form, features, duplicates, alpha)


def _feature(
    at: int, name: str, windows: list[Frame], seen: list[Observed], form: Form, alpha: float
) -> FeatureReference:
    columns = [window.columns.get(f"feature.{name}") for window in windows]
    counts = [window.features[at] for window in seen]
    top = max((_top(values) for values in columns if values is not None), default=1.0)
    is_number = form.ranges[at].low <= form.ranges[at].high
    repeated = [one.sample for one in counts] if name in form.ids else None
    return FeatureReference(
        top,
        _outside(columns, counts, alpha) if is_number else None,
        None if repeated is None else _repeated(repeated, alpha),
    )


def _range(name: str, windows: list[Frame]) -> Range:
    found = [_finite(window.columns.get(f"feature.{name}")) for window in windows]
    whole = np.concatenate(found)
    return Range(name, float(whole.min()), float(whole.max())) if len(whole) else Range(name, np.inf, -np.inf)


def _outside(columns: list[Values | None], counts: list[FeatureCounts], alpha: float) -> RatioReference:
    """How much of a window lies outside of what the other windows span: what the next window will do, too."""
    rows = np.array([one.rows for one in counts], np.int64)
    unseen = np.zeros(len(columns), np.int64)
    data = [_finite(values) for values in columns]
    lows = np.array([part.min() if len(part) else np.inf for part in data])
    highs = np.array([part.max() if len(part) else -np.inf for part in data])
    for fold in folds(len(data)):
        rest = np.setdiff1d(np.arange(len(data)), fold)
        low, high = lows[rest].min(), highs[rest].max()
        for at in fold.tolist():
            unseen[at] = np.count_nonzero((data[at] < low) | (data[at] > high))
    return _bounded(np.zeros(len(data), np.int64), rows, alpha, unseen)


def _repeated(samples: Sequence[Sample], alpha: float) -> RatioReference:
    rows = np.array([int(one.counts.sum()) for one in samples], np.int64)
    hits = np.array([round(one.repeated * int(one.counts.sum())) for one in samples], np.int64)
    return _bounded(hits, rows, alpha)


def _bounded(
    hits: NDArray[np.int64], rows: NDArray[np.int64], alpha: float, unseen: NDArray[np.int64] | None = None
) -> RatioReference:
    found = ratios(hits, rows, unseen=unseen)
    return RatioReference(found.ratio, found.worst, found.rows, spread(found.strays, alpha), alpha)


def _finite(values: Values | None) -> NDArray[np.float64]:
    if values is None or values.kind != NUMBER:
        return np.empty(0)
    return values.data[values.valid & np.isfinite(values.data)].astype(np.float64)


def _top(values: Values) -> float:
    """The share of the most frequent value; 0 where there are too few to tell."""
    data = values.data[values.valid]
    if len(data) < FEWEST_ROWS:
        return 0.0
    return int(np.unique(data, return_counts=True)[1].max()) / len(data)


def _is_id(name: str, windows: list[Frame]) -> bool:
    """Whether the values hardly repeat within a window, and are texts or whole numbers."""
    repeated = rows = 0
    for window in windows:
        values = window.columns.get(f"feature.{name}")
        if values is None:
            continue
        data = values.data[values.valid]
        if values.kind == NUMBER and not (np.floor(data) == data).all():
            return False
        counts = np.unique(data, return_counts=True)[1]
        repeated, rows = repeated + int(counts[counts > 1].sum()), rows + len(data)
    return rows >= FEWEST_ROWS and repeated <= ID_REPEATED * rows
