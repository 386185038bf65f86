"""Business outcomes of a window: how many came, and their mean beside the reference's."""

import numpy as np

from tocsin_collector.frame import Values
from tocsin_collector.verdict import NUMBER, OutcomeVerdict


def outcome(values: Values, reference_mean: float | None) -> OutcomeVerdict:
    """The outcomes of one name; what is missing, not finite or no number is left out. The mean of none is 0."""
    usable = values.valid & np.isfinite(values.data) if values.kind == NUMBER else np.zeros(len(values.valid), bool)
    found = values.data[usable]
    return OutcomeVerdict(len(found), float(found.mean()) if len(found) else 0.0, reference_mean)
