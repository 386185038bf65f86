"""Whether what is said to happen in three of ten cases does: ten equal bins of score, by class.

Expected calibration error (Naeini et al. 2015) of each class, their mean over the classes as in Nixon et al. (2019).
Few rows alone make it larger than 0: read it beside the curve, whose points have intervals.
"""

from collections import Counter
from typing import NamedTuple

import numpy as np

from tocsin_collector.quality.curve import CLASSES_MOST
from tocsin_collector.quality.interval import Scored, wilson
from tocsin_collector.quality.labelled import Classified
from tocsin_collector.quality.tally import Tally

BINS = 10
_STEPS = 1 << 40
_EDGES = np.arange(1, BINS) / BINS


class Point(NamedTuple):
    """One bin that has rows: the mean score said, the share that happened."""

    rows: int
    said: float
    happened: Scored


def count(rows: Classified) -> Tally:
    """Rows, hits and the sum of scores, in steps of 2**-40, by class and bin."""
    found: Tally = Counter()
    if rows.probabilities is None or len(rows.classes) > CLASSES_MOST:
        return found
    for code, name in enumerate(rows.classes):
        said = rows.probabilities[:, code]
        place = np.searchsorted(_EDGES, said, "right")
        sums = np.zeros(BINS, np.int64)
        np.add.at(sums, place, np.rint(said * _STEPS).astype(np.int64))
        counts, hits = np.bincount(place, minlength=BINS), np.bincount(place[rows.truth == code], minlength=BINS)
        for bin in np.flatnonzero(counts).tolist():
            found["bin", name, bin, "rows"] = int(counts[bin])
            found["bin", name, bin, "hits"] = int(hits[bin])
            found["bin", name, bin, "sum"] = int(sums[bin])
    return found


def curve(tally: Tally) -> dict[str, list[Point]]:
    """The calibration curve of each class."""
    names = sorted({str(key[1]) for key in tally if key[0] == "bin"})
    return {
        name: [_point(tally, name, bin) for bin in range(BINS) if tally["bin", name, bin, "rows"]] for name in names
    }


def scores(tally: Tally) -> dict[str, Scored]:
    """The expected calibration error; it has no interval."""
    errors = [_error(points) for points in curve(tally).values()]
    return {"calibration_error": Scored(float(np.mean(errors)))} if errors else {}


def _point(tally: Tally, name: str, bin: int) -> Point:
    rows, hits, said = (tally["bin", name, bin, part] for part in ("rows", "hits", "sum"))
    return Point(rows, said / _STEPS / rows, wilson(hits, rows))


def _error(points: list[Point]) -> float:
    return sum(point.rows * abs(point.said - point.happened.value) for point in points) / sum(
        point.rows for point in points
    )
