"""False alarms of the calibrated policy: 400 months without drift, ten families of forty, each after its own reference.

The families and seeds were fixed before any was run (``months.CONFIRM``); the policy was chosen on others. An alarm is
the first onset of any feature in 30 days. A family of shocks is in the pool; what it flags as spiky is told apart.
"""

from math import exp, lgamma, log

from tests.bench.measure import Measure
from tests.bench.months import CONFIRM, CONFIRM_MONTHS, HOUR_S, Drawn, Family, confirm_month
from tocsin_collector.drift.policy import Onset, Policy, begin, fit, step

GOAL, FAMILY_GOAL = 0.15, 0.25
CONFIDENCE = 0.975
"""One side of a two-sided interval of 95 %."""


def run() -> list[Measure]:
    """The upper bound of the chance of any false alarm in a month, all families together, against the bar."""
    found = {family.name: _family(family) for family in CONFIRM}
    alarmed = sum(alarms for alarms, _ in found.values())
    months = CONFIRM_MONTHS * len(CONFIRM)
    unflagged = {name: own / CONFIRM_MONTHS for name, (_, own) in found.items()}
    detail = {
        "months": months,
        "alarmed": alarmed,
        "by_family": {name: alarms for name, (alarms, _) in found.items()},
        "by_family_not_flagged_spiky": {name: own for name, (_, own) in found.items()},
        "lower_bound": 1 - upper_bound(months - alarmed, months),
    }
    worst = max(unflagged.values())
    return [
        Measure("drift-null", upper_bound(alarmed, months), GOAL, 1.0, "", detail, "limit"),
        Measure("drift-null-worst-family", worst, FAMILY_GOAL, 1.0, "", unflagged, "limit"),
    ]


def upper_bound(hits: int, runs: int) -> float:
    """Clopper and Pearson's, of a chance."""
    low, high = hits / runs, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _at_most(hits, runs, middle) > 1 - CONFIDENCE else (low, middle)
    return high


def first_alarm(policy: Policy, drawn: Drawn) -> Onset | None:
    """The first onset of the month after the reference."""
    state = begin(policy)
    for hour in drawn.hours:
        state, decision = step(policy, state, *drawn.window(hour))
        if decision.onsets:
            return decision.onsets[0]
    return None


def _family(family: Family) -> tuple[int, int]:
    """Months with an alarm, and those whose alarming feature was not flagged as spiky before."""
    alarmed = unflagged = 0
    for number in range(CONFIRM_MONTHS):
        drawn = confirm_month(family, number)
        policy = fit(drawn.reference, drawn.month.layout, window_s=HOUR_S)
        onset = first_alarm(policy, drawn)
        alarmed += onset is not None
        unflagged += onset is not None and onset.feature not in policy.spiky
    print(f"{family.name}: {alarmed} of {CONFIRM_MONTHS} months alarm, {unflagged} not flagged", flush=True)
    return alarmed, unflagged


def _at_most(hits: int, runs: int, chance: float) -> float:
    if not 0 < chance < 1:
        return float(chance <= 0)
    choose = lgamma(runs + 1)
    return sum(
        exp(choose - lgamma(k + 1) - lgamma(runs - k + 1) + k * log(chance) + (runs - k) * log(1 - chance))
        for k in range(hits + 1)
    )
