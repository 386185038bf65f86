"""Why a window's quality is another than the reference's: other rows, or another relation between rows and labels.

Once the labels are there: realised - reference = (weighted - reference) + (realised - weighted). The weighted estimate
has the reference's relation and the window's rows, so the first part is covariate shift, the second concept shift.
"""

from collections.abc import Mapping
from typing import NamedTuple


class Shift(NamedTuple):
    """The two parts of the change of one score, in its unit."""

    covariate: float
    concept: float


def shifts(
    reference: Mapping[str, float], weighted: Mapping[str, float], realised: Mapping[str, float]
) -> dict[str, Shift]:
    """The parts by score, for those that all three have."""
    names = [name for name in realised if name in reference and name in weighted]
    return {name: Shift(weighted[name] - reference[name], realised[name] - weighted[name]) for name in names}
