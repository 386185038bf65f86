"""Rates of counters and quantiles of classic histograms, on times (n,) and values (series, n). Pure."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def increases(values: Floats) -> Floats:
    """What a counter gained in each interval (series, n - 1): after a reset all it shows is new; NaN beside NaN."""
    before, after = values[:, :-1], values[:, 1:]
    with np.errstate(invalid="ignore"):
        return np.where(after < before, after, after - before)


def births(values: Floats) -> Floats:
    """Like ``increases``, and a counter that appears after the first scrape gained its first value.

    A counter of rare events (an XID) is often born at 1; its first event must not be missed.
    """
    known = ~np.isnan(values)
    unseen = ~np.logical_or.accumulate(known, axis=1)[:, :-1]
    return np.where(unseen & known[:, 1:], values[:, 1:], increases(values))


def rates(times: Floats, values: Floats) -> Floats:
    """Gain a second in each interval (series, n - 1)."""
    lengths = np.diff(times)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(lengths > 0, increases(values) / lengths, np.nan)


def total(values: Floats) -> Floats:
    """The sum over series at each time, NaN where none has a value."""
    if not len(values):
        return np.full(values.shape[1], np.nan)
    known = ~np.isnan(values)
    return np.where(known.any(axis=0), np.where(known, values, 0.0).sum(axis=0), np.nan)


def rate_over(times: Floats, values: Floats, window_s: float) -> Floats:
    """Each series' gain a second over the window that ends at the last time (series,); NaN without two points in it."""
    inside = times[1:] > times[-1] - window_s if len(times) > 1 else np.zeros(0, bool)
    gained = increases(values)[:, inside]
    lengths = np.where(np.isnan(gained), 0.0, np.diff(times)[inside])
    seconds = lengths.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(seconds > 0, np.nansum(gained, axis=1) / seconds, np.nan)


def quantile(bounds: Floats, counts: Floats, q: float) -> float:
    """The q-quantile of a classic histogram, linear inside its bucket; NaN when it is empty.

    ``bounds`` are the upper bounds, ascending, the last one infinite; ``counts`` are cumulative over them. As in
    Prometheus, what lies in the last bucket is answered with the bound before it.
    """
    counts = np.maximum.accumulate(counts)  # counters scraped in the middle of an update may not be monotonic
    if len(bounds) < 2 or not np.isinf(bounds[-1]) or not counts[-1] > 0:
        return float("nan")
    rank = q * counts[-1]
    index = int(np.searchsorted(counts, rank, side="left"))
    if index >= len(bounds) - 1:
        return float(bounds[-2])
    low = float(bounds[index - 1]) if index else min(0.0, float(bounds[0]))
    below = float(counts[index - 1]) if index else 0.0
    inside = float(counts[index]) - below
    share = (rank - below) / inside if inside > 0 else 1.0
    return low + (float(bounds[index]) - low) * share


def on_grid(grid: Floats, times: Floats, values: Floats, max_age_s: float) -> Floats:
    """The newest value at or before each time of the grid, NaN where it is older than ``max_age_s``."""
    if not len(times):
        return np.full(len(grid), np.nan)
    index = np.searchsorted(times, grid, side="right") - 1
    known = index >= 0
    index = np.maximum(index, 0)
    fresh = known & (grid - times[index] <= max_age_s)
    return np.where(fresh, values[index], np.nan)
