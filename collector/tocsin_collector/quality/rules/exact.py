"""Sums of floats without rounding: whole numbers that add up to the same in any order.

A float64 is a whole number of 2**-1126; Python's integers hold the sum of as many as there are.
"""

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

_SHIFT = 1126  # 53 bits of a mantissa below the smallest exponent, -1073
_HALF = 26


def exact_sum(values: NDArray[np.float64]) -> int:
    """The sum of finite numbers in units of 2**-1126."""
    mantissa, exponent = np.frexp(values)
    whole = np.ldexp(mantissa, 53).astype(np.int64)
    total = 0
    for power in np.unique(exponent).tolist():
        part = whole[exponent == power]
        high, low = part >> _HALF, part & ((1 << _HALF) - 1)  # each half adds up without overflow for 2**36 rows
        total += ((int(high.sum()) << _HALF) + int(low.sum())) << (power - 53 + _SHIFT)
    return total


def as_fraction(total: int) -> Fraction:
    """The sum as a number."""
    return Fraction(total, 1 << _SHIFT)
