"""Business outcomes of a window: of those that came the mean, and the sum a prediction, with ranges and by segment.

Where only successes are sent (``conversion`` 1), the mean of what came is always 1 and the share is the one a
prediction; where every answer is sent (``satisfaction`` 1 to 5) it is the other way round.
"""

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tocsin_collector.frame import Values
from tocsin_collector.quality.interval import Scored, of_mean
from tocsin_collector.quality.labelled import Floats
from tocsin_collector.quality.segments import places
from tocsin_collector.quality.tally import Mean, Tally, count_mean, mean_of, merge, moments, pack, unpack
from tocsin_collector.verdict import OutcomeVerdict, WindowVerdict

CAME, PREDICTIONS = "outcome", ("predictions",)
UNKNOWN = Scored(0.0)


class Summary(NamedTuple):
    """An outcome over several windows; by segment over those that are final."""

    came: int
    mean: Scored
    per_prediction: Scored
    segments: dict[str, dict[str, "Summary"]]


def summary(windows: Iterable[WindowVerdict]) -> dict[str, Summary]:
    """Every outcome of some windows, added up. A window in which none came has its predictions all the same."""
    listed = list(windows)
    rows = sum(window.rows for window in listed)
    found = {}
    for name in sorted({name for window in listed for name in window.outcomes}):
        used = [window.outcomes[name] for window in listed if name in window.outcomes]
        tally = merge(unpack(one.tally) for one in used)
        tally[PREDICTIONS] = rows
        found[name] = _summary(tally, _by_segment(used))
    return found


def _by_segment(used: list[OutcomeVerdict]) -> dict[str, dict[str, Summary]]:
    tallies: dict[str, dict[str, Tally]] = {}
    for one in used:
        for name, by_value in one.segments.items():
            for value, packed in by_value.items():
                tallies.setdefault(name, {}).setdefault(value, Tally()).update(unpack(packed))
    return {name: {value: _summary(one, {}) for value, one in by_value.items()} for name, by_value in tallies.items()}


def _summary(tally: Tally, segments: dict[str, dict[str, Summary]]) -> Summary:
    return Summary(tally["mean", CAME, "rows"], *told(tally), segments)


def outcome(values: Floats, predictions: int, reference_mean: float | None) -> OutcomeVerdict:
    """The outcomes of one name in a window of so many predictions; what is not finite is left out. The mean of none
    is 0."""
    tally = count(values, predictions)
    mean, each = told(tally)
    return OutcomeVerdict(
        tally["mean", CAME, "rows"],
        mean.value,
        reference_mean,
        (mean.low, mean.high),
        each.value,
        (each.low, each.high),
        pack(tally),
    )


def by_segment(values: Floats, rows: NDArray[np.intp], segments: dict[str, Values]) -> dict[str, dict[str, bytes]]:
    """The packed tallies of outcomes by segment and value. ``rows`` are the rows that they belong to, ``segments`` the
    columns of all the window's rows."""
    found: dict[str, dict[str, bytes]] = {}
    for name, column in segments.items():
        mine = np.zeros(len(column.valid), bool)
        found[name] = {}
        for value, some in places(column).items():
            mine[:] = False
            mine[some] = True
            found[name][value] = pack(count(values[mine[rows]], some.size))
    return found


def count(values: Floats, predictions: int) -> Tally:
    """What both means are made of."""
    return merge([count_mean(CAME, values[np.isfinite(values)]), Counter({PREDICTIONS: predictions})])


def told(tally: Tally) -> tuple[Scored, Scored]:
    """The mean of what came, and the sum a prediction."""
    mean, each = mean_of(tally, CAME), per_prediction(tally)
    return of_mean(mean) if mean else UNKNOWN, of_mean(each) if each else UNKNOWN


def per_prediction(tally: Tally) -> Mean | None:
    """The mean over all predictions, of which those without an outcome count 0; None without predictions."""
    rows = max(tally[PREDICTIONS], tally["mean", CAME, "rows"])
    return moments(rows, tally["mean", CAME, "sum"], tally["mean", CAME, "squares"]) if rows else None
