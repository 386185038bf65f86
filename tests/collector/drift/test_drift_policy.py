"""The policy as its callers use it: fit on four weeks, step over what comes."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from tests.bench.months import CLOCK_CHANGE as CLOCK_CHANGE_HOUR
from tests.bench.months import HOLIDAY as HOLIDAY_HOUR
from tests.bench.months import (
    HOUR_S,
    REFERENCE_HOURS,
    START_S,
    Family,
    counted,
    draw,
    draw_feature,
    draw_month,
    windows,
)
from tocsin_collector.drift.policy import Insufficient, Policy, State, begin, fit, step
from tocsin_collector.drift.policy.cusum import of_streams
from tocsin_collector.profile import Layout, Profile, ProfileError, empty

FAMILY = Family("tested", 1_500, numbers=3, categories=2, traffic="daily", season=0.2, states=((0.8, 0.03),))
ONSET = 48


CLOCK_CHANGE = Family(
    "tested", 2_000, 2, 2, traffic="weekly", season=0.3, shape="square", states=((0.8, 0.03),), calendar="clock"
)
HOLIDAY = replace(CLOCK_CHANGE, shape="hours", calendar="holiday")


@cache
def month():
    return draw_month(FAMILY, 5)


@cache
def reference() -> tuple[Policy, list[tuple[float, Profile]]]:
    rng = np.random.default_rng(11)
    hours = np.arange(REFERENCE_HOURS + 7 * 24)
    seen = windows(month(), hours, draw(month(), hours, rng))
    past, later = seen[:REFERENCE_HOURS], seen[REFERENCE_HOURS:]
    return fit(past, month().layout, window_s=HOUR_S), later


def run(policy: Policy, later, state: State | None = None):
    state = state or begin(policy)
    decisions = []
    for start_s, profile in later:
        state, decision = step(policy, state, start_s, profile)
        decisions.append(decision)
    return state, decisions


def changed(feature: int, **new) -> list[tuple[float, Profile]]:
    """The later windows with one feature drawn anew from the onset on."""
    rng = np.random.default_rng(3)
    later = reference()[1]
    hours = REFERENCE_HOURS + np.arange(ONSET, len(later))
    counts = np.array([profile.counts for _, profile in later[ONSET:]])
    draw_feature(month(), feature, hours, rng, counts, **new)
    return later[:ONSET] + windows(month(), hours, counts)


def onsets(decisions):
    return [onset for decision in decisions for onset in decision.onsets]


def test_a_week_without_drift_is_silent():
    policy, later = reference()
    decisions = run(policy, later)[1]
    assert onsets(decisions) == []
    assert all(0 < decision.score < decision.level for decision in decisions)


@pytest.mark.parametrize(
    ("feature", "new", "kind", "name"),
    [
        (0, {"shift": 0.5}, "mean", "n000"),
        (1, {"stretch": 1.3}, "spread", "n001"),
        (2, {"missing": 0.08}, "missing", "n002"),
        (0, {"missing": 0.0}, "filled", "n000"),
        (3, {"swap": 0.4}, "category", "c000"),
        (4, {"fresh": 0.01}, "new", "c001"),
    ],
)
def test_each_kind_of_drift_is_one_incident_that_begins_near_its_onset(feature, new, kind, name):
    policy, _ = reference()
    _, decisions = run(policy, changed(feature, **new))
    first = next(at for at, decision in enumerate(decisions) if decision.onsets)
    assert ONSET <= first <= ONSET + 2
    found = [onset for onset in onsets(decisions) if (onset.feature, onset.kind) == (name, kind)]
    assert len(found) == 1
    assert found[0].score > found[0].threshold == policy.level
    assert abs(found[0].since_s - (START_S + HOUR_S * (REFERENCE_HOURS + ONSET))) <= 3 * HOUR_S
    assert f"{name}:{kind}" in decisions[first].open


def test_a_small_shift_that_a_slow_state_hides_is_found_within_days():
    policy, _ = reference()
    _, decisions = run(policy, changed(0, shift=0.08))
    (found,) = [onset for onset in onsets(decisions) if onset.feature == "n000"]
    first = next(at for at, decision in enumerate(decisions) if decision.onsets)
    assert (found.kind, (first - ONSET) // 24 <= 3) == ("mean", True)
    assert found.since_s == START_S + HOUR_S * (REFERENCE_HOURS + ONSET)


def test_a_shock_of_hours_is_no_evidence_of_days():
    policy, later = reference()
    shocked = later[:ONSET] + changed(0, shift=2.0)[ONSET : ONSET + 5] + later[ONSET + 5 :]
    state, decisions = run(policy, shocked[: ONSET + 4 * 24])
    assert "n000:mean" in decisions[ONSET].open
    assert not decisions[-1].open
    assert of_streams(state.told).max() < policy.levels.days


def test_windows_of_a_day_have_no_days_of_their_own():
    by_day = [(START_S + 24 * HOUR_S * at, window) for at, (_, window) in enumerate(reference()[1][:168])]
    policy = fit(by_day, month().layout, window_s=24 * HOUR_S)
    assert not policy.daily.followed.any()
    _, decisions = run(policy, [(START_S + 24 * HOUR_S * (168 + at), window) for at, (_, window) in enumerate(by_day)])
    assert all(np.isfinite(decision.score) for decision in decisions)


def test_an_incident_that_is_over_closes_after_a_day():
    policy, later = reference()
    drifted = later[:ONSET] + changed(0, shift=0.5)[ONSET : ONSET + 24] + later[ONSET + 24 :]
    _, decisions = run(policy, drifted)
    assert "n000:mean" in decisions[ONSET + 24].open
    assert not any(decision.open for decision in decisions[ONSET + 24 + 36 :])


def test_the_same_windows_give_the_same_decisions_from_a_state_kept_half_way():
    policy, _ = reference()
    drifted = changed(0, shift=0.2)
    kept, before = run(policy, drifted[:60])
    first = run(policy, drifted[60:], kept)[1]
    assert run(policy, drifted[60:], kept)[1] == first
    assert before + first == run(policy, drifted)[1]


def test_missing_windows_are_bridged():
    policy, later = reference()
    _, decisions = run(policy, later[:20] + later[60:61] + later[90:])
    assert onsets(decisions) == []
    assert [decision.start_s for decision in decisions[19:22]] == [later[at][0] for at in (19, 60, 90)]


def test_a_reference_with_holes_is_enough():
    rng = np.random.default_rng(11)
    hours = np.setdiff1d(np.arange(REFERENCE_HOURS), np.arange(200, 260))
    policy = fit(windows(month(), hours, draw(month(), hours, rng)), month().layout, window_s=HOUR_S)
    assert policy.windows == len(hours)
    assert onsets(run(policy, reference()[1])[1]) == []


def test_windows_with_too_few_rows_say_so_and_change_nothing():
    policy, later = reference()
    state = run(policy, later[:5])[0]
    same, decision = step(policy, state, later[5][0], empty(policy.layout))
    assert same is state
    assert (decision.score, decision.rows, decision.onsets) == (None, 0, ())


def test_a_feature_that_vanishes_is_missing_and_its_other_statistics_rest():
    policy, later = reference()
    start_s, profile = later[0]
    counts = profile.counts.copy()
    start = policy.layout.starts["n000"]
    cells = slice(start, start + 5 + policy.layout.by_name["n000"].cells)
    counts[cells] = 0
    counts[start] = profile.rows
    _, decision = step(policy, begin(policy), start_s, counted(policy.layout, profile.rows, counts))
    assert [(onset.feature, onset.kind) for onset in decision.onsets] == [("n000", "missing")]


def test_a_state_that_is_not_finite_alarms():
    policy, later = reference()
    state = run(policy, later[:3])[0]
    state.hourly.filter.mean[:, 0] = np.nan
    _, decision = step(policy, state, *later[3])
    assert [(onset.feature, onset.kind) for onset in decision.onsets] == [("n000", "mean")]
    assert np.isfinite(decision.score)
    state = run(policy, later[:3])[0]
    state.hourly.sums[..., 1] = np.nan
    _, decision = step(policy, state, *later[3])
    assert [(onset.feature, onset.kind) for onset in decision.onsets] == [("n001", "mean")]


def test_windows_out_of_order_and_of_another_layout_are_refused():
    policy, later = reference()
    state = run(policy, later[:2])[0]
    with pytest.raises(ValueError, match="not after"):
        step(policy, state, *later[1])
    with pytest.raises(ProfileError, match="another layout"):
        step(policy, state, later[2][0], empty(Layout(())))
    with pytest.raises(ValueError, match="order of time"):
        fit([later[1], later[0]] * 200, policy.layout, window_s=HOUR_S)


def test_too_short_or_thin_a_reference_says_what_is_lacking():
    _, later = reference()
    with pytest.raises(Insufficient, match=r"168 windows .* over 7.0 days; 168 over 14 days are needed"):
        fit(later, month().layout, window_s=HOUR_S)
    with pytest.raises(Insufficient, match="0 windows"):
        fit([], month().layout, window_s=HOUR_S)
    hours = np.arange(REFERENCE_HOURS)
    nothing = counted(Layout(()), 100, np.empty(0, np.int64))
    with pytest.raises(Insufficient, match="no feature"):
        fit([(START_S + HOUR_S * hour, nothing) for hour in hours.tolist()], Layout(()), window_s=HOUR_S)


def test_constant_and_always_missing_features_do_not_break_the_rest():
    layout = month().layout
    rng = np.random.default_rng(2)
    hours = np.arange(REFERENCE_HOURS + 72)
    counts = draw(month(), hours, rng)
    for name, cell in (("n000", 12), ("c000", 0)):
        start = layout.starts[name] + 5
        rows = counts[:, start - 5 : start + layout.by_name[name].cells].sum(axis=1)
        counts[:, start - 5 : start + layout.by_name[name].cells] = 0
        counts[:, start + cell] = rows
    start = layout.starts["n001"]
    counts[:, start : start + 5 + layout.by_name["n001"].cells] = 0
    counts[:, start] = month().rows[hours]
    seen = windows(month(), hours, counts)
    policy = fit(seen[:REFERENCE_HOURS], layout, window_s=HOUR_S)
    assert onsets(run(policy, seen[REFERENCE_HOURS:])[1]) == []


def test_the_stated_rate_sets_the_level():
    rng = np.random.default_rng(11)
    hours = np.arange(REFERENCE_HOURS)
    seen = windows(month(), hours, draw(month(), hours, rng))
    levels = [fit(seen, month().layout, window_s=HOUR_S, rate=rate).level for rate in (0.01, 0.1, 0.5)]
    assert levels == sorted(levels, reverse=True)
    with pytest.raises(ValueError, match="above 0 and below 1"):
        fit(seen, month().layout, window_s=HOUR_S, rate=1.5)


@pytest.mark.parametrize("family", [CLOCK_CHANGE, HOLIDAY])
def test_what_the_calendar_explains_is_no_drift_where_it_is_told(family):
    drawn = draw_month(family, 4)
    hours = np.arange(REFERENCE_HOURS + 15 * 24)
    seen = windows(drawn, hours, draw(drawn, hours, np.random.default_rng(6)))
    past, later = seen[:REFERENCE_HOURS], seen[REFERENCE_HOURS:]
    told = {"east_s": drawn.calendar.east_s, "holidays": drawn.calendar.holidays}
    assert onsets(run(fit(past, drawn.layout, window_s=HOUR_S, **told), later)[1]) == []
    found = onsets(run(fit(past, drawn.layout, window_s=HOUR_S), later)[1])
    day = HOLIDAY_HOUR if family is HOLIDAY else CLOCK_CHANGE_HOUR
    assert min(onset.since_s for onset in found) >= drawn.start_s + HOUR_S * day
