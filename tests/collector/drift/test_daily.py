"""A day's features held together against the reference's days: what three of them do that no two show."""

from functools import cache

import numpy as np
import pytest

from tocsin_collector.drift import daily
from tocsin_collector.profile.coarse import GROUPS

NAMES = ("a", "b", "c", "d", "colour", "plan", "gone")
ROWS = 2_000


def _codes(values):
    """Numbers by their 32 quantiles, as a layout's cells are."""
    edges = np.quantile(np.random.default_rng(0).normal(size=100_000), np.arange(1, GROUPS) / GROUPS)
    return (1 + np.searchsorted(edges, values)).astype(np.uint8)


def _day(seed, *, xor=0.0, correlation=0.5, mean=0.0, rows=ROWS, sway=0.0, only_together=0.0):
    """Four numbers of which two go together, two categories, and a number that is missing in a fifth of the rows."""
    rng = np.random.default_rng((4, seed))
    a, b, c, d, e = rng.normal(size=(5, rows))
    b = (correlation + sway * rng.uniform(-1, 1)) * a + 0.8 * b
    odd = rng.random(rows) < xor
    d = np.where(odd, np.abs(d) * np.sign(c * a), d)
    colour = 1 + rng.choice(3, rows, p=[0.5, 0.3, 0.2])
    plan = 1 + (rng.random(rows) < 0.4)
    plan = np.where(rng.random(rows) < only_together, 1 + ((c > 0) ^ (colour == 1)), plan)
    gone = np.where(rng.random(rows) < 0.2, 0, _codes(e))
    return np.stack([_codes(a + mean), _codes(b), _codes(c), _codes(d), colour, plan, gone]).astype(np.uint8)


@cache
def _known(days=28, sway=0.0):
    return daily.fit([_day(1_000 + seed, sway=sway) for seed in range(days)])


def _score(seed, known=None, **change):
    return daily.score(known or _known(), _day(seed, **change), NAMES)


def test_days_as_ever_are_silent_whatever_their_rows():
    found = [_score(seed, rows=rows) for seed in range(20) for rows in (500, 2_000, 6_000)]
    assert not any(one.reasons for one in found)
    assert sum(one.p_value < 0.05 for one in found) <= 8  # 3 are expected


def test_three_features_that_only_together_are_odd_are_named():
    found = _score(1, xor=0.4)
    assert found.score > found.threshold
    assert set(found.beyond[0][0]) == {"a", "c", "d"}
    assert found.p_value < 1e-6
    assert "a, c and d went together otherwise over the day" in found.reasons[0]
    assert "each two of them" in found.reasons[0]


def test_numbers_and_categories_are_three_features_too():
    assert set(_score(2, only_together=0.5).beyond[0][0]) == {"c", "colour", "plan"}


def test_rows_that_are_missing_together_are_seen():
    day = _day(3)
    day[6] = np.where((day[0] > 16) ^ (day[2] > 16), np.where(day[6] == 0, 16, day[6]), 0)
    assert set(_score_of(day).beyond[0][0]) == {"a", "c", "gone"}


def _score_of(day):
    return daily.score(_known(), day, NAMES)


def test_two_features_that_go_together_otherwise_are_named():
    found = _score(4, correlation=0.2)
    assert found.beyond[0][0] == ("a", "b")
    assert "whatever each is alone" in found.reasons[0]


def test_what_a_feature_does_alone_does_not_count():
    assert not any(_score(seed, mean=0.5).reasons for seed in range(5, 10))


def test_a_dependence_that_sways_in_the_reference_may_sway():
    known = _known(sway=0.3)
    assert not any(_score(seed, known, correlation=0.3).reasons for seed in range(10, 15))
    assert all(_score(seed, correlation=0.3).reasons for seed in range(10, 15))


def test_one_day_is_a_reference_whose_bound_is_wide():
    assert _score(16, _known(1)).threshold > _score(16).threshold


def test_too_few_rows_say_nothing():
    assert _score(17, rows=daily.FEWEST_ROWS - 1) is None
    assert daily.fit([]) is None
    assert daily.fit([_day(1, rows=daily.FEWEST_ROWS - 1)]) is None


@pytest.mark.parametrize(
    "codes",
    [
        np.ones((3, 600), np.uint8),  # constant
        np.zeros((3, 600), np.uint8),  # missing
        _day(1, rows=600)[:1],  # one feature
        np.repeat(_day(1, rows=600)[6:], 1, axis=0),  # one feature has two functions, and no product
    ],
)
def test_features_without_a_pair_that_varies_are_no_reference(codes):
    assert daily.fit([codes, codes]) is None


def test_a_day_in_which_a_feature_does_not_vary_is_no_error():
    day = _day(18)
    day[0], day[4] = 7, 0
    found = _score_of(day)
    assert np.isfinite(found.score)


def test_a_reference_that_is_not_finite_is_a_reason_to_alarm():
    process = _known().process.copy()
    process[3] = np.nan
    found = daily.score(_known()._replace(process=process), _day(19), NAMES)
    assert "build the reference again" in found.reasons[0]


def test_many_features_cost_no_more_than_few():
    rng = np.random.default_rng(1)
    known = daily.fit([_codes(rng.normal(size=(64, 600))) for _ in range(3)])
    assert len(known.functions.of) == daily.FUNCTIONS_MOST
    assert len(known.mean) == 64 * 63 // 2 + 64 * 63 * 62 // 6
