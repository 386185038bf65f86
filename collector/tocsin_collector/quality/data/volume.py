"""Whether a window has as many rows as the same hours of the weeks before let expect; learnt from the stream itself.

A window is compared with the median of the same place in up to four weeks before it, on the log scale. How far windows
stray from that, the stream's own past says: sampling noise and a process variance beyond it, with the predictive tail
of drift/spread.py. On either side the chance of any false alarm in ``DAYS`` days is half of ``TARGET``.
"""

from math import exp, log
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tocsin_collector.drift.spread import TARGET, spread, strays
from tocsin_collector.verdict import CheckVerdict

VOLUME = "volume"
WEEKS = 4
DAYS = 30
FEWEST = 30
"""Windows with a week before them that must have been seen."""
LEAST_EXPECTED = 20.0
Floats = NDArray[np.float64]


class Expected(NamedTuple):
    """The rows that a window should have, and the bounds that it should keep."""

    rows: float
    low: float
    high: float


def volume(rows: int, past: Floats, week: int, *, odd: NDArray[np.bool_]) -> CheckVerdict | None:
    """The verdict of a window of ``rows``; None while there is too little to tell.

    ``past`` has the rows of the windows before it without a gap, oldest first, ``week`` of them a week; ``odd`` marks
    those that failed, from which nothing is learnt of how windows stray. The reason is empty where it is well.
    """
    return compared(rows, expected(past, week, odd))


def compared(rows: int, found: Expected | None) -> CheckVerdict | None:
    """The verdict of a window of ``rows`` under its bounds; None where there are none."""
    if found is None:
        return None
    reason = ""
    if not found.low <= rows <= found.high:
        how = "few" if rows < found.low else "many"
        bounds = f"{found.low:,.0f} to {found.high:,.0f}"
        reason = f"{rows:,} rows are too {how}: the weeks before had {found.rows:,.0f} in this place (bound {bounds})"
    return CheckVerdict(VOLUME, "", float(rows), found.low if rows < found.rows else found.high, reason)


def expected(past: Floats, week: int, odd: NDArray[np.bool_]) -> Expected | None:
    """What the next window should have."""
    if week < 1 or len(past) < week + FEWEST:
        return None
    usual, weeks = _usual(past, week)
    now = usual[-1]
    seen = np.arange(week, len(past))[~odd[week:] & (usual[:-1] >= LEAST_EXPECTED)]
    if now < LEAST_EXPECTED or len(seen) < FEWEST:
        return None
    deviations = np.log((past[seen] + 0.5) / (usual[seen - week] + 0.5))
    noise = (1 + 1 / weeks) / (usual + 0.5)
    alpha = TARGET / 2 / (DAYS * week / 7)
    above = spread(strays(deviations, noise[seen - week]), alpha).bound(float(noise[-1]))
    below = spread(strays(-deviations, noise[seen - week]), alpha).bound(float(noise[-1]))
    centre = log(now + 0.5)
    return Expected(float(now), max(exp(centre - below) - 0.5, 0.0), exp(centre + above) - 0.5)


def _usual(past: Floats, week: int) -> tuple[Floats, Floats]:
    """For each window from the second week on, and for the next one, the median of the weeks before it, and of how
    many weeks it is."""
    count = len(past) + 1 - week
    table = np.full((WEEKS, count), np.nan)
    for back in range(1, WEEKS + 1):
        first = max((back - 1) * week, 0)
        table[back - 1, first:] = past[: max(count - first, 0)]
    return np.nanmedian(table, axis=0), np.count_nonzero(~np.isnan(table), axis=0).astype(np.float64)
