"""Durations counted in the one latency layout."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tocsin_collector.frame import Values
from tocsin_collector.verdict import CATEGORY
from tocsin_schema.latency import BOUNDS_S, BUCKETS


class Latency:
    """Counts by bucket and in all, and the sum in seconds of what is no less than nothing."""

    def __init__(self) -> None:
        self.counts: NDArray[np.int64] = np.zeros(BUCKETS, np.int64)
        self.total = 0
        self.sum_s = 0.0

    def state(self) -> dict[str, Any]:
        """A copy of it; ``load`` takes it."""
        return {"counts": self.counts.copy(), "total": self.total, "sum_s": self.sum_s}

    def load(self, state: dict[str, Any]) -> None:
        """Go on from what another one counted."""
        self.counts = state["counts"].copy()
        self.total, self.sum_s = state["total"], state["sum_s"]

    def add(self, values: Values | None) -> None:
        """Take a column of seconds; what is missing or no finite number is left out."""
        if values is None or values.kind == CATEGORY:
            return
        seconds = values.data[values.valid & np.isfinite(values.data)]
        self.counts += np.bincount(np.searchsorted(BOUNDS_S, seconds), minlength=BUCKETS)
        self.total += len(seconds)
        self.sum_s += float(np.maximum(seconds, 0.0).sum())
