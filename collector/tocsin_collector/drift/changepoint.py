"""Since when a series is higher than before: the most likely place of one change of its mean (Hinkley 1970)."""

from collections.abc import Sequence

import numpy as np


def changepoint(values: Sequence[float]) -> int:
    """The place of the first value of the new level; the last place where nothing rose before it.

    Of all cuts in two the one with the largest likelihood under normal noise, among those whose second part is higher.
    """
    series = np.asarray(values, np.float64)
    count = len(series)
    if count < 2 or not np.isfinite(series).all():
        return count - 1
    series = series / (float(np.abs(series).max()) or 1.0)  # squares of what is large would be no doubles
    before = np.arange(1, count)
    left = np.cumsum(series)[:-1] / before
    right = (series.sum() - left * before) / (count - before)
    gain = np.where(right > left, before * (count - before) * (right - left) ** 2, 0.0)
    return int(gain.argmax()) + 1 if gain.any() else count - 1
