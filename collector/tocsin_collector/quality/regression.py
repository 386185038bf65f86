"""Numbers predicted as numbers: errors, bias, R², and how often labels stay below predicted quantiles.

MAPE leaves out rows whose label is 0. The interval of R² takes the labels' spread as given.
"""

from collections import Counter
from math import inf, sqrt
from typing import NamedTuple

import numpy as np

from tocsin_collector.quality.interval import Scored, of_mean, wilson
from tocsin_collector.quality.labelled import Estimated, Floats
from tocsin_collector.quality.tally import Tally, count_mean, mean_of, moments


class Coverage(NamedTuple):
    """How often labels are at or below what was predicted as a quantile."""

    quantile: float
    covered: Scored


def count(rows: Estimated) -> Tally:
    """The sums of errors, labels and of what the quantiles cover."""
    error = rows.predicted - rows.truth
    told = rows.truth != 0
    found: Tally = Counter()
    for name, values in (
        ("bias", error),
        ("mae", np.abs(error)),
        ("mse", error * error),
        ("label", rows.truth),
        ("mape", ratios(np.abs(error[told]), np.abs(rows.truth[told]))),
    ):
        found.update(count_mean(name, values))
    for level, bounds in rows.quantiles.items():
        above = (rows.truth - bounds)[np.isfinite(bounds)]
        found["quantile", str(level), "rows"] = len(above)
        found["quantile", str(level), "hits"] = int(np.count_nonzero(above <= 0))
        found.update(count_mean(f"pinball {level}", np.maximum(level * above, (level - 1) * above)))
    return found


def ratios(above: Floats, below: Floats) -> Floats:
    """Row by row; of a divisor near 0 infinite, and left out by the mean."""
    with np.errstate(over="ignore"):
        return above / below


def scores(tally: Tally) -> dict[str, Scored]:
    """In the label's unit; MAPE and R² are ratios."""
    squared = mean_of(tally, "mse")
    if squared is None:
        return {}
    found = {
        name: of_mean(mean, low)
        for name, low in (("mae", 0), ("mape", 0), ("bias", -inf))
        if (mean := mean_of(tally, name))
    }
    mse = of_mean(squared, 0)
    found["rmse"] = Scored(*(sqrt(part or 0) if part != inf else inf for part in mse))
    spread = _spread(tally)
    if spread:
        found["r2"] = Scored(1 - mse.value / spread, 1 - (mse.high or 0) / spread, 1 - (mse.low or 0) / spread)
    pinball = [mean.value for coverage in coverages(tally) if (mean := mean_of(tally, f"pinball {coverage.quantile}"))]
    if pinball:
        found["pinball"] = Scored(float(np.mean(pinball)))
    return found


def coverages(tally: Tally) -> list[Coverage]:
    """What each predicted quantile covers, by level."""
    levels = sorted(
        {float(key[1]) for key, times in tally.items() if key[0] == "quantile" and key[2] == "rows" and times}
    )
    return [
        Coverage(level, wilson(*(tally["quantile", str(level), part] for part in ("hits", "rows")))) for level in levels
    ]


def _spread(tally: Tally) -> float:
    """The labels' mean square distance from their mean."""
    rows = tally["mean", "label", "rows"]
    mean = moments(rows, tally["mean", "label", "sum"], tally["mean", "label", "squares"])
    return mean.noise * (rows - 1) if rows > 1 else 0.0
