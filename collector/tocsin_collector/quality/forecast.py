"""Forecasts: sMAPE, and MASE where the event says by what its series is scaled.

MASE (Hyndman and Koehler 2006) divides errors by those of the naive forecast on the series' training data. A collector
does not have these, so the event carries them as ``scores.scale``, as M4 and GluonTS compute them; each series its own.
The horizon is a segment: ``"segment": {"horizon": "24h"}`` gives every score by horizon.
"""

from collections import Counter

import numpy as np

from tocsin_collector.quality.interval import Scored, of_mean
from tocsin_collector.quality.labelled import Estimated
from tocsin_collector.quality.regression import ratios
from tocsin_collector.quality.tally import Tally, count_mean, mean_of


def count(rows: Estimated) -> Tally:
    """The sums of relative and of scaled errors; rows whose scale is 0 or less have none."""
    error, size = np.abs(rows.predicted - rows.truth), np.abs(rows.predicted) + np.abs(rows.truth)
    found: Tally = Counter()
    found.update(count_mean("smape", 2 * error / np.where(size > 0, size, 1)))
    if rows.scale is not None:
        scaled = rows.scale > 0
        found.update(count_mean("mase", ratios(error[scaled], rows.scale[scaled])))
    return found


def scores(tally: Tally) -> dict[str, Scored]:
    """sMAPE as a ratio in 0..2, MASE relative to the naive forecast's 1."""
    found = {}
    for name, most in (("smape", 2.0), ("mase", float("inf"))):
        mean = mean_of(tally, name)
        if mean:
            found[name] = of_mean(mean, 0, most)
    return found
