import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin_collector.drift.ratio import RatioReference, ratios
from tocsin_collector.drift.spread import BEYOND_WORST, common_tail, folds, spread, strays

ALPHA = 1e-4


def draw(windows, seed=0, process=0.0, noise=1.0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=windows) * (process + noise) ** 0.5, np.full(windows, noise)


def typical(windows, **kind):
    return float(np.median([spread(strays(*draw(windows, seed, **kind)), ALPHA).factor for seed in range(25)]))


def test_fewer_windows_give_a_wider_bound():
    bounds = [typical(windows) for windows in (4, 10, 50, 500)]
    assert bounds[0] > 1.3 * bounds[1] > 1.6 * bounds[2]
    assert 3.2 < bounds[3] < 4.5  # a normal deviate exceeds 3.7 with chance ALPHA


def test_no_window_or_one_gives_a_wide_bound_and_not_none():
    none, one = spread(strays(np.empty(0), np.empty(0)), ALPHA), spread(strays(*draw(1)), ALPHA)
    assert typical(10) < none.factor < 100
    assert typical(10) < one.factor < 100


def test_what_cannot_be_calibrated_bounds_nothing():
    own = strays(np.array([0.1, np.nan, 0.2]), np.ones(3))
    assert not spread(own, ALPHA).bound(1.0) >= 0


def test_the_process_between_windows_is_told_from_sampling_noise():
    found = strays(*draw(2_000, process=3.0, noise=0.5))
    assert found.process == pytest.approx(3.0, rel=0.15)
    assert spread(found, ALPHA).bound(0.5) < spread(found, ALPHA).bound(2.0)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(-10, 10), min_size=1, max_size=40))
def test_no_window_of_the_reference_would_alarm(deviations):
    own = np.array(deviations)
    noise = np.full(len(own), 0.1)
    assert (own * BEYOND_WORST <= spread(strays(own, noise), ALPHA).bound(0.1) + 1e-9).all()


def test_windows_that_resemble_their_neighbours_count_for_less():
    deviations, noise = draw(60, seed=3)
    ordered = np.sort(np.abs(deviations))
    assert spread(strays(ordered, noise), ALPHA).factor > spread(strays(np.abs(deviations), noise), ALPHA).factor


def test_a_tail_that_only_all_features_together_show_widens_every_bound():
    rng = np.random.default_rng(4)
    ones = np.ones(49)
    heavy = common_tail([strays(rng.standard_t(3, 49), ones) for _ in range(20)], ALPHA)
    light = common_tail([strays(rng.normal(size=49), ones) for _ in range(20)], ALPHA)
    assert heavy > 2 * light
    assert light == pytest.approx(3.7**2, rel=0.7)
    assert common_tail([strays(rng.normal(size=49), ones)], ALPHA) == 0.0


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 60))
def test_folds_are_stretches_that_hold_each_window_once(windows):
    parts = folds(windows)
    assert np.concatenate(parts).tolist() == list(range(windows)) if windows > 1 else parts == []


def share(hits, rows):
    found = ratios(np.array(hits), np.array(rows))
    return RatioReference(found.ratio, found.worst, found.rows, spread(found.strays, ALPHA), ALPHA)


def test_the_worst_window_of_the_reference_is_paid_for():
    quiet, storm = share([9] * 49, [900] * 49), share([9] * 48 + [60], [900] * 49)
    assert quiet.threshold(900) < 0.04
    assert storm.threshold(900) > 60 / 900


def test_what_the_reference_never_had_alarms_at_a_few_rows_and_not_at_one():
    never = share([0] * 49, [900] * 49)
    assert 1 / 900 < never.threshold(900) < 0.01


def test_a_window_of_few_rows_may_stray_further():
    normal = share([9] * 49, [900] * 49)
    assert normal.threshold(100) > normal.threshold(1_000)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), max_size=20), st.integers(0, 1_000))
def test_a_threshold_is_a_share_that_is_not_below_the_references_own(pairs, rows):
    found = share([min(a, b) for a, b in pairs], [b for _, b in pairs])
    assert found.ratio <= found.threshold(rows) <= 1
