"""The reference's labelled rows, as estimators learn from them."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tocsin_collector.frame import Values
from tocsin_collector.profile.coarse import Codes
from tocsin_collector.quality.estimate.said import said, truths

Floats = NDArray[np.float64]

ROWS_MOST = 20_000
"""More rows than this teach little and are asked again for each window."""
FEWEST_ROWS = 200


class Known(NamedTuple):
    """``table`` as in ``Said``; ``truth`` the class that came (-1: one without a score), or the number; ``codes`` is
    features x rows."""

    classes: tuple[str, ...]
    table: Floats
    truth: Floats
    codes: Codes

    def happened(self, place: int) -> Floats:
        """1.0 where this class came, 0.0 elsewhere."""
        found: Floats = (self.truth == place).astype(np.float64)
        return found

    def some(self) -> "Known":
        """At most ``ROWS_MOST`` of the rows, evenly over time."""
        step = np.linspace(0, len(self.truth), min(len(self.truth), ROWS_MOST), endpoint=False).astype(np.intp)
        return Known(self.classes, self.table[:, step], self.truth[step], self.codes[:, step])


def known(label: Values, prediction: Values | None, scores: dict[str, Values], codes: Codes) -> Known | None:
    """The rows that have all of it; None where they are too few, or none can be estimated."""
    told = said(prediction, scores)
    if told is None:
        return None
    truth = truths(told.classes, label)[told.usable]
    has = ~np.isnan(truth)
    if np.count_nonzero(has) < FEWEST_ROWS:
        return None
    return Known(told.classes, told.table[:, has], truth[has], codes[:, np.flatnonzero(told.usable)[has]])
