"""How soon the calibrated policy sees a drift, in months of drift-null's: hours from onset to the close of the window
that alarms.

At an hour of the month drawn at random one feature changes and stays so. Twelve months of each family with about 2,000
rows an hour; a drift that is not seen in 48 hours counts as never. ``missing + 1 %`` hits features with 2 % missing
values before (a third of them) and with none.
"""

import numpy as np

from tests.bench.measure import Measure
from tests.bench.months import CONFIRM, HOUR_S, REFERENCE_HOURS, Drawn, Family, confirm_month, draw_feature
from tocsin_collector.drift.policy import Policy, State, begin, fit, step

FAMILIES = (
    "iid, 2,000 rows",
    "autocorrelated .9, 2,000 rows",
    "day and week, 3,000 rows",
    "traffic rises, windows missing",
)
BARRED = FAMILIES[0]
MONTHS, LONGEST = 12, 48
NEVER = 999.0
NUMBER, CATEGORY = "number", "category"
CHANGES = {
    "mean+.1": (NUMBER, {"shift": 0.1}, None),
    "mean+.2": (NUMBER, {"shift": 0.2}, 8),
    "mean+.5": (NUMBER, {"shift": 0.5}, 1),
    "variance-x1.2": (NUMBER, {"stretch": 1.2**0.5}, 1),
    "swap-10%": (CATEGORY, {"swap": 0.1}, 3),
    "new-.5%": (CATEGORY, {"fresh": 0.005}, 1),
    "missing+1%": (NUMBER, {"missing": 0.01}, 3),
}


def run() -> list[Measure]:
    """Median delays in the months of constant traffic without a state against the bars; the others in the detail."""
    delays = {name: {change: [] for change in CHANGES} for name in FAMILIES}
    for family in CONFIRM:
        for number in range(MONTHS) if family.name in FAMILIES else ():
            for change, hours in _month(family, number).items():
                delays[family.name][change].append(hours)
    return [
        Measure(
            f"drift-delay-{change}",
            float(np.median(delays[BARRED][change])),
            bar,
            1.0,
            "h",
            {
                name: {"median": float(np.median(own[change])), "all": sorted(own[change])}
                for name, own in delays.items()
            },
            "limit",
        )
        for change, (_, _, bar) in CHANGES.items()
        if bar
    ]


def _month(family: Family, number: int) -> dict[str, float]:
    drawn = confirm_month(family, number)
    policy = fit(drawn.reference, drawn.month.layout, window_s=HOUR_S)
    onset = int(drawn.rng.choice([hour for hour in drawn.hours if hour < drawn.hours[-1] - LONGEST]))
    state = begin(policy)
    for hour in range(REFERENCE_HOURS, onset):
        if drawn.month.present[hour]:
            state, _ = step(policy, state, *drawn.window(hour))
    numbers = drawn.month.mean.shape[1]
    found = {}
    for change, (kind, new, _) in CHANGES.items():
        low, high = (0, numbers) if kind == NUMBER else (numbers, len(drawn.month.layout.features))
        found[change] = _delay(policy, state, drawn, onset, int(drawn.rng.integers(low, high)), new)
    return found


def _delay(policy: Policy, state: State, drawn: Drawn, onset: int, feature: int, new: dict[str, float]) -> float:
    """Hours until the feature alarms."""
    hours = np.arange(onset, onset + LONGEST)
    hours = hours[drawn.month.present[hours]]
    counts = drawn.counts[hours]
    base = {"missing": drawn.month.missing[hours, feature] + new["missing"]} if "missing" in new else {}
    draw_feature(drawn.month, feature, hours, drawn.rng, counts, **{**new, **base})
    numbers = drawn.month.mean.shape[1]
    name = f"n{feature:03}" if feature < numbers else f"c{feature - numbers:03}"
    for hour, row in zip(hours.tolist(), counts, strict=True):
        state, decision = step(policy, state, *drawn.window(hour, row))
        if any(one.startswith(f"{name}:") for one in decision.open):
            return float(hour - onset + 1)
    return NEVER
