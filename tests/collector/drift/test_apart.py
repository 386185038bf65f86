"""Distances from a pool by which nothing alarms: as they are elsewhere, and a bound only where one was learnt."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ks_2samp

from tests.cloud import cloud, vectors
from tocsin_collector.drift.apart import FEWEST_WINDOWS, apart, distances, pooled, scores, usual_of
from tocsin_collector.frame import Frame, category, embedding, number
from tocsin_collector.profile import layout_of, profile
from tocsin_collector.verdict import Apart, ModelKey

ROWS = 300


def frame(seed, *, shift=0.0, rows=ROWS, cities=("Lyon", "Nice")):
    rng = np.random.default_rng(seed)
    columns = {
        "feature.age": number((rng.normal(size=rows) + shift).tolist()),
        "feature.city": category(rng.choice(cities, rows).tolist()),
    }
    return Frame("prediction", ModelKey("p", "m", ""), np.zeros(rows, np.int64), [""] * rows, columns)


LAYOUT = layout_of([frame(seed) for seed in range(9)])


def counted(seed, **how):
    return profile(frame(seed, **how), LAYOUT)


def test_the_distance_of_numbers_is_that_of_scipy():
    one, other = frame(1, rows=5_000), frame(2, rows=5_000, shift=0.4)
    exact = ks_2samp(one.columns["feature.age"].data, other.columns["feature.age"].data).statistic
    found = distances(profile(one, LAYOUT), profile(other, LAYOUT))
    assert found["age"].score == pytest.approx(exact, abs=0.01)


def test_a_value_that_is_new_to_both_is_no_difference():
    odd = ("Lyon", "Brest")
    assert distances(counted(1, cities=odd), counted(2, cities=odd))["city"].score < 0.1
    assert distances(counted(1), counted(2, cities=odd))["city"].score > 0.4


def test_a_side_of_too_few_values_has_no_distance():
    assert distances(counted(1, rows=29), counted(2)) == {} == distances(counted(1), counted(2, rows=29))


def test_a_pool_bounds_what_is_usual_and_finds_what_is_not():
    pool, usual = pooled([counted(seed) for seed in range(30)], LAYOUT)
    as_ever = apart(distances(pool, counted(31)), usual, LAYOUT)
    moved = apart(distances(pool, counted(31, shift=1)), usual, LAYOUT)
    assert [(as_ever[name].alike, as_ever[name].beyond) for name in ("age", "city")] == [(True, False)] * 2
    assert (moved["age"].alike, moved["age"].beyond) == (False, True)


def test_few_windows_bound_nothing():
    for windows in (1, FEWEST_WINDOWS - 1):
        pool, usual = pooled([counted(seed) for seed in range(windows)], LAYOUT)
        found = apart(distances(pool, counted(31, shift=9)), usual, LAYOUT)["age"]
        assert (found.bound, found.beyond, found.alike) == (None, False, False)
        assert found.distance > 0.9
        history = [scores(distances(pool, counted(seed)), LAYOUT) for seed in range(windows)]
        assert usual_of(history, LAYOUT).spreads == {}


def test_what_is_usual_is_learnt_from_windows_that_lack_a_feature_too():
    pool = counted(1, rows=3_000)
    history = [scores(distances(pool, counted(seed)), LAYOUT) for seed in range(40)]
    for lacking in history[:30]:
        lacking[1] = np.nan
    assert usual_of(history, LAYOUT).spreads.keys() == {"age"}


@given(st.floats(0, 1), st.none() | st.floats(0, 1))
def test_nothing_is_both_alike_and_beyond(distance, bound):
    found = Apart("ks", distance, bound)
    assert not (found.alike and found.beyond)
    assert bound is not None or not (found.alike or found.beyond)


def test_a_distance_that_is_no_number_is_beyond_its_bound():
    assert Apart("ks", float("nan"), 0.1).beyond


def test_embeddings_are_apart_by_hotelling():
    known, draw = cloud(51, 16), np.random.default_rng(1)
    frames = []
    for new in (0, 0, 0.5):
        rows = vectors(known, 600, draw, new=new)
        values = embedding(rows, np.ones(len(rows), bool))
        times, ids = np.zeros(len(rows), np.int64), [""] * len(rows)
        frames.append(Frame("prediction", ModelKey("p", "m", ""), times, ids, {"feature.e": values}))
    layout = layout_of(frames[:1])
    pool, same, other = (profile(one, layout) for one in frames)
    near, far = distances(pool, same)["e"], distances(pool, other)["e"]
    assert near.score < 0.1 < far.score
    assert apart({"e": far}, usual_of([], layout), layout)["e"].method == "hotelling"
