"""Learnt checks of a window's data: what a reference teaches, what fails, what merges."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin_collector.frame import Frame, Values, category, number
from tocsin_collector.quality.data import fit, judge, merge, observe
from tocsin_collector.quality.data.counts import DISTINCT, observed_of
from tocsin_collector.quality.sample import of_columns
from tocsin_collector.verdict import NUMBER, ModelKey

KEY = ModelKey("shop", "credit", "3")
ROWS = 400


def _window(seed, rows=ROWS, **changed):
    rng = np.random.default_rng(seed)
    ages, cities = rng.normal(40, 10, rows), rng.choice(["Lyon", "Nice", "Paris"], rows)
    columns = {
        "feature.age": number(ages.tolist()),
        "feature.city": category(cities.tolist()),
        "feature.user": category([f"{seed}-{row}" for row in range(rows)]),
        "feature.flag": number([1.0] * rows),
    }
    return Frame("prediction", KEY, np.arange(rows), ["i"] * rows, columns | changed)


REFERENCE = fit([_window(seed) for seed in range(40)])


def _failing(frame):
    return judge(REFERENCE, observe(frame, REFERENCE.form))


def test_windows_like_the_references_pass():
    assert [_failing(_window(seed)) for seed in range(100, 140)] == [()] * 40


def test_values_beyond_the_reference_fail_with_how_far_they_reach():
    ages = np.random.default_rng(1).normal(40, 10, ROWS)
    ages[:12] = 4_000
    (found,) = _failing(_window(1, **{"feature.age": number(ages.tolist())}))
    assert (found.check, found.feature, found.value) == ("range", "age", 12 / ROWS)
    assert "4000" in found.reason


def test_one_value_beyond_the_reference_is_chance():
    ages = np.random.default_rng(1).normal(40, 10, ROWS)
    ages[0] = 200
    assert _failing(_window(1, **{"feature.age": number(ages.tolist())})) == ()


@pytest.mark.parametrize(
    ("name", "values"),
    [("age", number([40.0] * ROWS)), ("city", category(["Nice"] * ROWS)), ("age", number([40.0] * 50 + [None] * 350))],
)
def test_a_feature_that_stands_still_fails_and_one_that_always_did_does_not(name, values):
    found = [one for one in _failing(_window(1, **{f"feature.{name}": values})) if one.check == "frozen"]
    assert [one.feature for one in found] == [name]


def _without_ids(frame):
    columns = {name: values for name, values in frame.columns.items() if name != "feature.user"}
    return Frame(frame.type, frame.key, frame.time_us, frame.ids, columns)


def test_ids_that_repeat_and_rows_that_repeat_fail():
    users = [f"u{row // 2}" for row in range(ROWS)]
    (ids,) = _failing(_window(1, **{"feature.user": category(users)}))
    assert (ids.check, ids.feature, ids.value) == ("unique", "user", 1.0)
    reference = fit([_without_ids(_window(seed)) for seed in range(40)])
    half = _without_ids(_window(1, ROWS // 2))
    twice = half.take(np.concatenate([np.arange(ROWS // 2)] * 2))
    assert judge(reference, observe(half, reference.form)) == ()
    (rows,) = judge(reference, observe(twice, reference.form))
    assert (rows.check, rows.value) == ("duplicates", 1.0)


def test_columns_that_are_gone_or_of_another_kind_and_values_of_no_size_break_nothing():
    odd = number([math.nan, math.inf, -math.inf, None] * (ROWS // 4))
    assert _failing(_window(1, **{"feature.age": odd})) == ()
    frame = _window(1, **{"feature.age": category(["x"] * ROWS), "feature.city": number([1.0] * ROWS)})
    del frame.columns["feature.user"]
    assert {one.check for one in _failing(frame)} <= {"frozen"}
    bare = Frame("prediction", KEY, np.arange(3), ["i"] * 3, {})
    assert _failing(bare) == ()
    assert fit([]) is None
    assert judge(fit([bare]), observe(_window(1), fit([bare]).form)) == ()


def test_many_features_and_a_single_window_are_no_fault():
    wide = {f"feature.f{at}": number([float(at)] * 40) for at in range(1_000)}
    one = Frame("prediction", KEY, np.arange(40), ["i"] * 40, wide)
    reference = fit([one])
    assert judge(reference, observe(one, reference.form)) == ()


values = st.lists(st.tuples(st.one_of(st.none(), st.floats()), st.one_of(st.none(), st.text(max_size=2))), max_size=30)


@given(values, st.integers(0, 30))
@settings(max_examples=50)
def test_counts_merge_in_any_blocks_and_go_through_the_snapshot(rows, cut):
    def counted(some, known=None):
        columns = {"feature.age": number([x for x, _ in some]), "feature.user": category([t for _, t in some])}
        frame = Frame("prediction", KEY, np.arange(len(some)), ["i"] * len(some), columns)
        return observe(frame, REFERENCE.form, known)

    whole = repr(counted(rows))
    assert repr(merge(counted(rows[:cut]), counted(rows[cut:]))) == whole
    assert repr(counted(rows[cut:], counted(rows[:cut]))) == whole
    assert repr(observed_of(merge(counted(rows[cut:]), counted(rows[:cut])).state())) == whole


def test_of_more_rows_than_a_sample_holds_it_is_the_same_in_any_blocks():
    rng = np.random.default_rng(66)
    whole = _without_ids(_window(1, 9_000)).take(rng.integers(0, 6_000, 9_000))
    form = fit([whole]).form
    at_once, bit_by_bit = observe(whole, form), None
    for start in rng.permutation(9) * 1_000:
        bit_by_bit = observe(whole.part(start, start + 1_000), form, bit_by_bit)
    assert len(at_once.rows_sample.hashes) == DISTINCT
    assert [column.tolist() for column in bit_by_bit.state()[1][0][1:]] == [
        column.tolist() for column in at_once.state()[1][0][1:]
    ]


@given(st.lists(st.tuples(st.floats(), st.integers(-9, 9), st.integers(-9, 9), st.text(max_size=2)), max_size=99))
def test_rows_have_one_hash_if_and_only_if_all_their_values_are_equal(rows):
    columns = [number([float(row[at]) for row in rows]) for at in range(3)] + [category([row[3] for row in rows])]
    told = [tuple("nan" if value != value else value for value in row) for row in rows]
    assert len(set(of_columns(columns).tolist())) == len(set(told))


def test_whole_numbers_that_differ_a_little_in_several_columns_differ_in_their_hash():
    grid = np.array(np.meshgrid(*[np.arange(20.0)] * 4)).reshape(4, -1)
    columns = [Values(NUMBER, one, np.ones(len(one), bool)) for one in grid]
    assert len(np.unique(of_columns(columns))) == 20**4
