"""How soon the calibrated policy sees a small shift that lasts, beside a slow state that hides it: hours from onset to
the close of the window that alarms, in months of drift-null's.

From an hour of the first days on every number of the model is shifted at once and stays so; features are judged apart,
so each is a delay of its own. What is not seen in fourteen days counts as never.
"""

import numpy as np

from tests.bench.measure import Measure
from tests.bench.months import CONFIRM, DAY, HOUR_S, REFERENCE_HOURS, Family, confirm_month, draw_feature
from tocsin_collector.drift.policy import begin, fit, step

FAMILIES = ("autocorrelated .9, 2,000 rows", "traffic rises, windows missing")
BARRED = FAMILIES[0]
SHIFTS = (0.1, 0.05)
GOAL_H = 3 * DAY
MONTHS, FIRST, LONGEST = 6, 3 * DAY, 14 * DAY
NEVER = 999.0


def run() -> list[Measure]:
    """The median delay of the larger shift against the goal; quartiles of all in the detail."""
    found = {
        (family.name, shift): np.concatenate([_delays(family, number, shift) for number in range(MONTHS)])
        for family in CONFIRM
        if family.name in FAMILIES
        for shift in SHIFTS
    }
    detail = {f"{name}: +{shift} sd": np.percentile(own, (25, 50, 75)).tolist() for (name, shift), own in found.items()}
    median = float(np.median(found[BARRED, SHIFTS[0]]))
    return [Measure("drift-lasting", median, GOAL_H, 1.0, "h", detail, "limit")]


def _delays(family: Family, number: int, shift: float) -> np.ndarray:
    """By number of the model."""
    drawn = confirm_month(family, number)
    policy = fit(drawn.reference, drawn.month.layout, window_s=HOUR_S)
    onset = REFERENCE_HOURS + int(drawn.rng.integers(1, FIRST))
    hours = np.arange(onset, onset + LONGEST)
    for feature in range(family.numbers):
        changed = drawn.counts[hours]
        draw_feature(drawn.month, feature, hours, drawn.rng, changed, shift=shift)
        drawn.counts[hours] = changed
    state, delays = begin(policy), np.full(family.numbers, NEVER)
    for hour in drawn.hours:
        if hour >= onset + LONGEST or (delays < NEVER).all():
            break
        state, decision = step(policy, state, *drawn.window(hour))
        if hour >= onset:
            seen = [int(one[1:4]) for one in decision.open if one.startswith("n")]
            delays[seen] = np.minimum(delays[seen], hour - onset + 1)
    return delays
