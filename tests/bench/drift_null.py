"""False alarms of the calibrated policy: 400 months without drift, ten families of forty, each after its own reference.

The families and seeds were fixed before any was run (``months.CONFIRM``); the policy was chosen on others. An alarm is
the first onset of any feature in 30 days. A family of shocks is in the pool; what it flags as spiky is told apart.
Beside the pool, twenty months each of families with days missing, a clock change and a holiday that the policy is told
of, and rare shocks that last a day.
"""

from math import exp, lgamma, log
from typing import NamedTuple

from tests.bench.measure import Measure
from tests.bench.months import CALENDAR_MONTHS, CALENDARS, CONFIRM, CONFIRM_MONTHS, HOUR_S, Drawn, Family, confirm_month
from tocsin_collector.drift.policy import Onset, Policy, begin, fit, step

GOAL, FAMILY_GOAL = 0.15, 0.25
CONFIDENCE = 0.975
"""One side of a two-sided interval of 95 %."""


class Found(NamedTuple):
    """Of a family's months: how many alarm, of those how many where no feature was flagged as spiky before, and where
    not the one that alarms; how many have a feature flagged."""

    alarmed: int
    model_not_flagged: int
    feature_not_flagged: int
    flagged: int


def run() -> list[Measure]:
    """The upper bound of the chance of any false alarm in a month, all families together, and the worst family's share
    of months that alarm without a flag before, against the bars."""
    found = {family.name: _family(family, CONFIRM_MONTHS) for family in CONFIRM}
    alarmed = sum(own.alarmed for own in found.values())
    months = CONFIRM_MONTHS * len(CONFIRM)
    detail = {"months": months, "alarmed": alarmed, "lower_bound": 1 - upper_bound(months - alarmed, months)}
    worst = max(own.model_not_flagged for own in found.values()) / CONFIRM_MONTHS
    more = {family.name: _family(family, CALENDAR_MONTHS) for family in CALENDARS}
    worst_more = max(own.model_not_flagged for own in more.values()) / CALENDAR_MONTHS
    return [
        Measure("drift-null", upper_bound(alarmed, months), GOAL, 1.0, "", detail, "limit"),
        Measure("drift-null-worst-family", worst, FAMILY_GOAL, 1.0, "", _told(found), "limit"),
        Measure("drift-null-calendars", worst_more, FAMILY_GOAL, 1.0, "", _told(more), "limit"),
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


def _told(found: dict[str, Found]) -> dict[str, dict[str, int]]:
    return {name: own._asdict() for name, own in found.items()}


def _family(family: Family, count: int) -> Found:
    months = [_month(family, number) for number in range(count)]
    alarms = [(onset.feature, spiky) for onset, spiky in months if onset is not None]
    found = Found(
        len(alarms),
        sum(not spiky for _, spiky in alarms),
        sum(feature not in spiky for feature, spiky in alarms),
        sum(bool(spiky) for _, spiky in months),
    )
    print(f"{family.name}: {found}", flush=True)
    return found


def _month(family: Family, number: int) -> tuple[Onset | None, tuple[str, ...]]:
    drawn = confirm_month(family, number)
    calendar = drawn.month.calendar
    policy = fit(
        drawn.reference, drawn.month.layout, window_s=HOUR_S, east_s=calendar.east_s, holidays=calendar.holidays
    )
    return first_alarm(policy, drawn), policy.spiky


def _at_most(hits: int, runs: int, chance: float) -> float:
    if not 0 < chance < 1:
        return float(chance <= 0)
    choose = lgamma(runs + 1)
    return sum(
        exp(choose - lgamma(k + 1) - lgamma(runs - k + 1) + k * log(chance) + (runs - k) * log(1 - chance))
        for k in range(hits + 1)
    )
