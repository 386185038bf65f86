"""The one latency layout: exponential buckets of schema 5, split at the classic ``le`` bounds.

Inside, bucket ``i`` holds ``BOUNDS_S[i-1] < seconds <= BOUNDS_S[i]``; the last one (index ``len(BOUNDS_S)``) holds
what is longer. The bounds are the union of the powers ``2**(k/32)`` (schema 5 of Prometheus' native histograms: buckets
2.2 % wide, a quantile is off by 1.1 % at most) and of the classic bounds, so that both views come out exact: adding
neighbours gives native buckets, adding up to a classic bound gives ``le``. Merging two histograms is adding integers.
"""

from bisect import bisect_left
from itertools import accumulate

SCHEMA = 5
LE_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""The classic bounds; SLO thresholds come from this list only."""

_LOW, _HIGH = -20, 10  # 0.95 microseconds to 1024 seconds
BOUNDS_S: tuple[float, ...] = tuple(sorted({2.0 ** (k / 32) for k in range(_LOW * 32, _HIGH * 32 + 1)} | set(LE_S)))
BUCKETS = len(BOUNDS_S) + 1
LE_INDEX: tuple[int, ...] = tuple(BOUNDS_S.index(le) for le in LE_S)
"""``sum(counts[: LE_INDEX[i] + 1])`` is the cumulative count of ``LE_S[i]``."""


def bucket(seconds: float) -> int:
    """The index of the bucket that holds a duration."""
    return bisect_left(BOUNDS_S, seconds)


def quantile(counts: "list[int] | tuple[int, ...]", q: float) -> float | None:
    """The q-quantile in seconds (geometric middle of its bucket), None when nothing was counted."""
    total = sum(counts)
    if not total:
        return None
    # The empty buckets before the first count are skipped by asking for at least one.
    index = bisect_left(list(accumulate(counts)), max(q * total, 1))
    below, above = BOUNDS_S[max(index - 1, 0)], BOUNDS_S[min(index, len(BOUNDS_S) - 1)]
    return float((below * above) ** 0.5)
