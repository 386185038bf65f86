"""What labelled rows add up to: integers by key, so that windows and segments are added in any order.

The tally of all rows is the sum of the tallies of their parts, bit by bit. Every score group adds its own keys; the
first part of a key names the group. Sums of numbers are exact (``exact.py``).
"""

import json
import math
import zlib
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tocsin_collector.quality.exact import UNIT_BITS, exact_squares, exact_sum

_LARGEST = 1e154
Tally = Counter[tuple[str | int, ...]]


def merge(tallies: Iterable[Tally]) -> Tally:
    """Their sum."""
    found: Tally = Counter()
    for tally in tallies:
        found.update(tally)
    return found


def pack(tally: Tally) -> bytes:
    """A tally in few bytes: sorted JSON, deflated. Equal tallies give equal bytes."""
    return zlib.compress(json.dumps(sorted(tally.items()), separators=(",", ":")).encode(), 1)


def unpack(packed: bytes) -> Tally:
    """What ``pack`` was given; of no bytes an empty one."""
    pairs = json.loads(zlib.decompress(packed)) if packed else ()
    return Counter({tuple(key): count for key, count in pairs})


class Mean(NamedTuple):
    """The mean of some numbers and the sampling variance that it has."""

    rows: int
    value: float
    noise: float


def count_mean(name: str, values: NDArray[np.float64]) -> Tally:
    """What a mean is made of: rows, their sum and the sum of their squares. Of no rows nothing. Numbers whose square is
    no double are left out."""
    values = values[np.abs(values) <= _LARGEST]
    if not len(values):
        return Counter()
    return Counter(
        {
            ("mean", name, "rows"): len(values),
            ("mean", name, "sum"): exact_sum(values),
            ("mean", name, "squares"): exact_squares(values),
        }
    )


def mean_of(tally: Tally, name: str) -> Mean | None:
    """The mean of that name; None where there are no rows. Of one row the variance is unknown: infinite."""
    rows = tally[("mean", name, "rows")]
    return moments(rows, tally[("mean", name, "sum")], tally[("mean", name, "squares")]) if rows else None


def moments(rows: int, total: int, squares: int) -> Mean:
    """The mean of so many rows from their exact sums."""
    value = total / (rows << UNIT_BITS)
    if rows < 2:
        return Mean(rows, value, math.inf)
    spread = max(((squares * rows) << UNIT_BITS) - total * total, 0)  # squares below 1e-300 are rounded
    return Mean(rows, value, spread / ((rows * rows * (rows - 1)) << 2 * UNIT_BITS))
