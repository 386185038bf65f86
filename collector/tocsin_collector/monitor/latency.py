"""Durations counted in the one latency layout: integers, so that any order and grouping gives the same."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tocsin_collector.frame import Values
from tocsin_collector.verdict import CATEGORY
from tocsin_schema.latency import BOUNDS_S, BUCKETS

GATHER = 8_192
"""Durations that are gathered before they are counted, unless someone looks: counting a few costs as much as many."""
_LONGEST_NS = 2.0**52
"""52 days; in the sum, what is said to be longer is so long."""
_HALF = 32
_BOUNDS_S = np.array(BOUNDS_S)


class Latency:
    """Counts by bucket and in all, and the sum of what is no less than nothing."""

    def __init__(self) -> None:
        self._counts: NDArray[np.int64] = np.zeros(BUCKETS, np.int64)
        self._total = self._sum_ns = 0
        self._gathered: list[NDArray[np.float64]] = []
        self._rows = 0

    @property
    def counts(self) -> NDArray[np.int64]:
        """How many there are in each bucket."""
        self._settle()
        return self._counts

    @property
    def total(self) -> int:
        """How many there are."""
        self._settle()
        return self._total

    @property
    def sum_s(self) -> float:
        """Their sum in seconds, each to the nearest nanosecond."""
        self._settle()
        return self._sum_ns / 1e9

    def state(self) -> dict[str, Any]:
        """A copy of it; ``load`` takes it."""
        self._settle()
        return {"counts": self._counts.copy(), "total": self._total, "sum_ns": self._sum_ns}

    def load(self, state: dict[str, Any]) -> None:
        """Go on from what another one counted."""
        self._counts = state["counts"].copy()
        self._total, self._sum_ns = state["total"], state["sum_ns"]

    def add(self, values: Values | None) -> None:
        """Take a column of seconds; what is missing or no finite number is left out."""
        if values is None or values.kind == CATEGORY:
            return
        self._gathered.append(values.data[values.valid].astype(np.float64, copy=False))
        self._rows += len(values.data)
        if self._rows >= GATHER:
            self._settle()

    def _settle(self) -> None:
        if not self._gathered:
            return
        seconds = np.concatenate(self._gathered)
        self._gathered, self._rows = [], 0
        seconds = seconds[np.isfinite(seconds)]
        # A thousand bounds among the sorted durations, and not each of many durations among the bounds.
        self._counts += np.diff(np.sort(seconds).searchsorted(_BOUNDS_S, "right"), prepend=0, append=len(seconds))
        self._total += len(seconds)
        nanos = np.rint(np.clip(seconds * 1e9, 0.0, _LONGEST_NS)).astype(np.int64)
        # In halves: a million times 52 days is more nanoseconds than 64 bits hold.
        self._sum_ns += (int((nanos >> _HALF).sum()) << _HALF) + int((nanos & (1 << _HALF) - 1).sum())
