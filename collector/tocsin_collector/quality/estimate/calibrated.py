"""CBPE: calibrate the scores on the reference's labels, then expect what the calibrated scores say.

It sees that a window has harder rows; it does not see rows whose score means something else than it did.
"""

import numpy as np
from numpy.typing import NDArray

from tocsin_collector.quality.estimate.expected import expected
from tocsin_collector.quality.estimate.isotonic import Calibration, Grouped, calibrate, group
from tocsin_collector.quality.estimate.known import Known

Floats = NDArray[np.float64]
Calibrations = tuple[Calibration, ...]


def groups(known: Known) -> tuple[Grouped, ...]:
    """The reference's rows by score, for each class; of two classes the first says it all."""
    places = 1 if len(known.classes) == 2 else len(known.classes)
    return tuple(group(known.table[place]) for place in range(places))


def fit(known: Known, grouped: tuple[Grouped, ...], weights: Floats) -> Calibrations:
    """Calibrate each class against the rest, rows counting by their weight."""
    return tuple(calibrate(rows, known.happened(place), weights) for place, rows in enumerate(grouped))


def estimate(calibrations: Calibrations, table: Floats) -> dict[str, float]:
    """The scores to expect of a window's rows."""
    likely = np.stack([one.of(scores) for one, scores in zip(calibrations, table, strict=False)])
    if len(table) == 2:
        return expected(np.stack([likely[0], 1 - likely[0]]), table)
    total = likely.sum(axis=0)
    return expected(np.divide(likely, total, out=table.copy(), where=total > 0), table)
