from hashlib import sha256

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin_collector.frame import Frame, Values, category, number
from tocsin_collector.profile import Layout, Profile, ProfileError, empty, layout_of, merge, merged, profile
from tocsin_collector.profile.hashing import distinct
from tocsin_collector.verdict import CATEGORY, NUMBER, ModelKey

KEY = ModelKey("shop", "credit", "3")
GOLDEN = (1_126, "75e35611cd1646f9")


def frame(**columns):
    rows = len(next(iter(columns.values())).valid)
    named = {f"feature.{name}": values for name, values in columns.items()}
    return Frame("prediction", KEY, np.zeros(rows, np.int64), [str(row) for row in range(rows)], named)


values = st.one_of(st.none(), st.floats(allow_nan=True, allow_infinity=True))
texts = st.one_of(st.none(), st.text(max_size=4))
tables = st.lists(st.tuples(values, texts), min_size=1, max_size=60)


def whole(data):
    return Values(NUMBER, data, np.ones(len(data), bool))


def table(rows):
    return frame(amount=number([a for a, _ in rows]), city=category([b for _, b in rows]))


@settings(max_examples=60, deadline=None)
@given(tables, tables, st.randoms(use_true_random=False), st.integers(1, 7))
def test_any_order_and_any_grouping_give_the_same_bytes(reference, rows, random, pieces):
    layout = layout_of([table(reference)])
    whole = profile(table(rows), layout)
    shuffled = random.sample(rows, len(rows))
    parts = [profile(table(shuffled[i::pieces]), layout) for i in range(pieces) if shuffled[i::pieces]]
    random.shuffle(parts)
    total = merged(parts, layout)
    assert total.to_bytes() == whole.to_bytes()
    assert Profile.from_bytes(whole.to_bytes(), layout).to_bytes() == whole.to_bytes()
    assert whole.adds_up()
    assert merge(whole, empty(layout)).to_bytes() == whole.to_bytes()


@settings(max_examples=60, deadline=None)
@given(st.lists(values, min_size=1, max_size=60), st.lists(values, min_size=1, max_size=60))
def test_each_number_lands_in_the_cell_between_its_edges(reference, rows):
    layout = layout_of([frame(amount=number(reference))])
    tally = profile(frame(amount=number(rows)), layout).tally("amount")
    edges = layout.features[0].edges
    expected = [0] * (len(edges) + 1)
    for value in rows:
        if value is not None and np.isfinite(value):
            expected[sum(edge <= value for edge in edges)] += 1
    assert tally.cells.tolist() == expected
    assert tally.missing == rows.count(None)
    assert tally.nan == sum(value is not None and np.isnan(value) for value in rows)
    assert tally.infinite == sum(value is not None and np.isinf(value) for value in rows)


def test_a_long_column_counts_the_same_in_chunks_and_at_once():
    data = np.random.default_rng(1).normal(size=30_000)
    layout = layout_of([frame(x=number(data.tolist()))])
    cells = profile(frame(x=Values(NUMBER, data, np.ones(len(data), bool))), layout).tally("x").cells
    assert cells.tolist() == np.histogram(data, [-np.inf, *layout.features[0].edges, np.inf])[0].tolist()


SHAPES = {
    "normal": lambda rng, n: rng.normal(size=n),
    "lognormal": lambda rng, n: rng.lognormal(size=n),
    "uniform": lambda rng, n: rng.random(n),
    "pareto": lambda rng, n: rng.pareto(1.2, n),
    "rounded": lambda rng, n: np.round(rng.exponential(20, n)),
}


def test_a_column_that_vanishes_is_missing_and_one_that_appears_is_counted_apart():
    layout = layout_of([frame(age=number([1, 2, 3]))])
    found = profile(frame(income=number([7, None, 9])), layout)
    assert found.tally("age")[:6] == (3, 3, 0, 0, 0, 0)
    assert found.unknown == 2


def test_values_of_the_other_kind_are_counted_as_such():
    layout = layout_of([frame(age=number([1, 2, 3]), city=category(["Lyon"] * 3))])
    found = profile(frame(age=category(["old", None]), city=number([4, 5])), layout)
    assert found.tally("age").other_kind == 1
    assert found.tally("age").missing == 1
    assert found.tally("city").other_kind == 2


def test_a_column_without_any_value_is_missing_and_no_change_of_kind():
    layout = layout_of([frame(age=number([1, 2, 3]))])
    assert profile(frame(age=category([None, None])), layout).tally("age")[:6] == (2, 2, 0, 0, 0, 0)


def test_a_category_that_the_layout_does_not_have_is_new():
    layout = layout_of([frame(city=category(["Lyon", "Lyon", "Nice"]))])
    tally = profile(frame(city=category(["Lyon", "Brest", "", "Nice"])), layout).tally("city")
    assert (tally.new, tally.cells.tolist()) == (2, [1, 1])


def test_profiles_of_unlike_layouts_do_not_add_up():
    one, other = (layout_of([frame(age=number(ages))]) for ages in ([1, 2], [3, 4]))
    with pytest.raises(ProfileError, match="profile the rows again"):
        merge(empty(one), empty(other))
    with pytest.raises(ProfileError, match="has layout"):
        Profile.from_bytes(empty(one).to_bytes(), other)


@settings(max_examples=120, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 255), st.integers(0, 3))
def test_damaged_bytes_are_refused_or_are_another_sound_profile(at, flip, cut):
    layout = layout_of([frame(age=number(range(50)), city=category(["a", "b"] * 25))])
    raw = bytearray(profile(frame(age=number(range(50)), city=category(["a", "b"] * 25)), layout).to_bytes())
    raw[at % len(raw)] ^= flip
    try:
        found = Profile.from_bytes(bytes(raw[: len(raw) - cut]), layout)
    except ProfileError:
        return
    assert found.adds_up()
    assert found.to_bytes() == raw


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200))
def test_bytes_of_anything_else_are_refused(raw):
    layout = layout_of([frame(age=number([1, 2]))])
    with pytest.raises(ProfileError):
        Profile.from_bytes(raw, layout)
    with pytest.raises(ProfileError):
        Layout.from_bytes(raw)


def test_few_values_and_many_are_counted_alike():
    data = np.random.default_rng(4).standard_cauchy(40_000)
    data[::997], data[1::997], data[2::997] = np.nan, np.inf, -np.inf
    layout = layout_of([frame(x=whole(data[::2]))])
    at_once, by_hundreds = profile(frame(x=whole(data)), layout), empty(layout)
    for start in range(0, len(data), 100):
        by_hundreds = merge(by_hundreds, profile(frame(x=whole(data[start : start + 100])), layout))
    assert by_hundreds.to_bytes() == at_once.to_bytes()
    assert at_once.tally("x").sums.any()


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.one_of(st.floats(), st.floats(0, 9)), min_size=1, max_size=60),
    st.lists(st.one_of(st.floats(), st.floats(0, 9)), min_size=1, max_size=60),
    st.sampled_from([1, 40]),  # few values, and more than there are cells
)
def test_each_group_has_the_sum_of_its_values_steps(reference, rows, times):
    layout = layout_of([frame(x=number(reference))])
    feature = layout.features[0]
    expected = [0] * len(feature.groups)
    with np.errstate(over="ignore", invalid="ignore"):
        for value in rows:
            if np.isfinite(value):
                group = feature.group_of[sum(edge <= value for edge in feature.edges)]
                step = np.rint((np.float64(value) - feature.lows[group]) * feature.scales[group])
                expected[group] += times * int(np.fmin(step, 2.0**36))
        found = profile(frame(x=whole(np.array(rows * times))), layout).tally("x")
    assert found.sums.tolist() == expected


def test_the_bytes_of_a_window_are_those_that_were_stored_before():
    rng = np.random.default_rng(54)
    data = rng.standard_cauchy(6_000)
    data[::500], data[1::500], data[2::700] = np.nan, np.inf, -np.inf
    columns = frame(x=whole(data), y=category(rng.choice(["red", "green", "blue"], 6_000).tolist()))
    layout = layout_of([frame(x=whole(rng.normal(size=4_000))), frame(y=category(["red", "blue"]))])
    raw = profile(columns, layout).to_bytes()
    assert (len(raw), sha256(raw).hexdigest()[:16]) == GOLDEN


def test_values_far_beyond_the_reference_stay_in_their_sums():
    layout = layout_of([frame(x=number([1.0, 2.0, 3.0]))])
    far = whole(np.full(50_000, 1e300))
    found = merge(profile(frame(x=far), layout), profile(frame(x=number([-1e300, 1.7e308])), layout))
    assert (found.tally("x").sums >= 0).all()
    assert found.tally("x").cells[[0, -1]].tolist() == [1, 50_001]


@pytest.mark.parametrize("rows", [2_000, 100_000, 1_000_000])
def test_a_window_of_numbers_takes_two_kilobytes_a_feature_at_most(rows):
    rng = np.random.default_rng(3)
    for draw in SHAPES.values():
        layout = layout_of([frame(x=whole(draw(rng, 100_000)))])
        assert len(profile(frame(x=whole(draw(rng, rows))), layout).to_bytes()) <= 2_048


def test_a_window_of_sixty_four_categories_takes_a_kilobyte_and_one_of_ids_six_at_most():
    codes = np.random.default_rng(1).zipf(1.2, 100_000) % 100_000
    for names, most in ((64, 1_024), (100_000, 6_144)):
        values = Values(CATEGORY, codes % names, np.ones(len(codes), bool), [f"id-{code}" for code in range(names)])
        layout = layout_of([frame(x=values)])
        assert len(profile(frame(x=values), layout).to_bytes()) <= most


def test_a_week_of_hourly_windows_of_twenty_features_takes_eight_megabytes_at_most():
    rng = np.random.default_rng(1)
    block = frame(**{f"n{i}": whole(rng.lognormal(size=2_000)) for i in range(12)})
    for i in range(8):
        names = [f"id-{code}" for code in rng.zipf(1.3, 2_000) % (5, 30, 60, 200, 1_000, 5_000, 9_000, 10**6)[i]]
        block.columns[f"feature.c{i}"] = category(names)
    hour = profile(block, layout_of([block]))
    assert 168 * len(hour.to_bytes()) <= 8e6


def test_distinct_names_are_told_to_five_percent_however_they_were_split():
    names = [f"user-{i}" for i in range(30_000)]
    layout = layout_of([frame(x=category(names))])
    parts = [profile(frame(x=category(names[start : start + 20_000])), layout) for start in (0, 5_000, 10_000)]
    assert distinct(merged(parts, layout).tally("x").registers) == pytest.approx(30_000, rel=0.05)
    assert distinct(profile(frame(x=category(names[:50] * 3)), layout).tally("x").registers) == pytest.approx(50, abs=3)


def test_a_hostile_category_of_a_megabyte_costs_one_count():
    layout = layout_of([frame(city=category([f"id{i}" for i in range(2_000)]))])
    hostile = Values(CATEGORY, np.array([0, 0], np.int64), np.ones(2, bool), ["x" * 1_000_000])
    assert profile(frame(city=hostile), layout).tally("city").cells.sum() == 2
