"""The normal law in nats: minus the logarithm of a chance, which neither underflows nor loses digits far out."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# Numerical Recipes (3rd edition, 6.2.2): erfc(z) = t exp(-z^2 + polynomial(t)), t = 1 / (1 + z / 2); off by 1.2e-7.
_CHEBYSHEV = (
    0.17087277, -0.82215223, 1.48851587, -1.13520398, 0.27886807, -0.18628806, 0.09678418, 0.37409196, 1.00002368,
    -1.26551223,
)  # fmt: skip


def nats(deviate: Floats) -> Floats:
    """-log P(|N| > deviate) for deviates of 0 and above."""
    z = deviate * 0.5**0.5
    t = 1 / (1 + z / 2)
    polynomial = np.full_like(t, _CHEBYSHEV[0])
    for coefficient in _CHEBYSHEV[1:]:
        polynomial = polynomial * t + coefficient
    found: Floats = z * z - polynomial - np.log(t)
    return found


_DEVIATES = np.linspace(0, 60, 6_001)
_NATS = nats(_DEVIATES)


def deviate(surprise: Floats) -> Floats:
    """The inverse of ``nats``, to four digits, up to 60 standard deviations."""
    return np.interp(surprise, _NATS, _DEVIATES)


def hazard(at: Floats) -> Floats:
    """The derivative of ``nats``."""
    found: Floats = np.exp(nats(at) - at * at / 2) * (2 / np.pi) ** 0.5
    return found
