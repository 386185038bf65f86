import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin_collector.frame import Frame, Values, category, number
from tocsin_collector.profile import ProfileError, layout_of
from tocsin_collector.profile.coarse import FEATURES_MOST
from tocsin_collector.profile.edges import cuts
from tocsin_collector.profile.pairs import CELLS, empty_pairs, merge_pairs, pairs_of, profile_pairs
from tocsin_collector.verdict import CATEGORY, NUMBER, ModelKey

cells = st.tuples(
    st.one_of(st.none(), st.sampled_from([-1.5, 0.0, 1.0, 2.0, 3.5, float("nan"), float("inf")])),
    st.one_of(st.none(), st.sampled_from("abcdef")),
    st.floats(-10, 10),
)


def _frame(**columns):
    rows = len(next(iter(columns.values())).valid)
    named = {f"feature.{name}": values for name, values in columns.items()}
    return Frame("prediction", ModelKey("p", "m", ""), np.zeros(rows, np.int64), ["x"] * rows, named)


def _rows(listed):
    first, second, third = zip(*listed, strict=True)
    return _frame(a=number(first), b=category(second), c=number(third))


KNOWN = _rows([(i % 4, "abcdef"[i % 6], i / 9) for i in range(90)])
LAYOUT = layout_of([KNOWN])


@given(st.lists(cells, min_size=1, max_size=60), st.randoms())
def test_counts_are_the_same_in_any_order_and_grouping(listed, random):
    whole = profile_pairs(_rows(listed), LAYOUT)
    shuffled = random.sample(listed, len(listed))
    cut = random.randrange(len(listed))
    total = empty_pairs(LAYOUT)
    for part in (shuffled[cut:], shuffled[:cut]):
        if part:
            total = merge_pairs(total, profile_pairs(_rows(part), LAYOUT))
    assert np.array_equal(total.counts, whole.counts)
    assert total.rows == whole.rows


@given(st.lists(cells, min_size=1))
def test_a_row_counts_once_for_each_pair_whose_features_are_there(listed):
    found = profile_pairs(_rows(listed), LAYOUT)
    usable = [[row[0] is not None and np.isfinite(row[0]), row[1] is not None, True] for row in listed]
    there = dict(zip("abc", np.array(usable).T, strict=True))
    for (first, second), counts in zip(pairs_of(LAYOUT), found.counts, strict=True):
        assert counts.sum() == np.count_nonzero(there[first] & there[second])
        assert (counts >= 0).all()


ODD = [0.0, -0.0, 5e-324, -1e-310, 1.7e308, -1.7e308, 2.0**53 + 2, 1.0, 2.0, 3.0, math.nan, math.inf, -math.inf]
odd_numbers = st.one_of(st.sampled_from(ODD), st.floats())


def _wide(numbers, names):
    """Seven features of the same values, which meet in as many ways as there are rows."""
    columns = {f"n{at}": number(numbers[at:] + numbers[:at]) for at in range(5)}
    return _frame(**columns, x=category(names), y=category(names[1:] + names[:1]))


WIDE = layout_of([_wide([*ODD, *range(40)], list("aaaaabbbbccdd" * 5)[:53])])


def _cell(value, feature):
    """A value's cell as decision 0064 has it; -1 where there is none."""
    if value is None or (feature.kind == NUMBER and not math.isfinite(value)):
        return -1
    if feature.kind == NUMBER:
        return sum(feature.edges[at] <= value for at in cuts(len(feature.edges), CELLS))
    return min(feature.names.index(value), CELLS - 1) if value in feature.names else CELLS - 1


def _met(first, second):
    counts = np.zeros((CELLS, CELLS), np.int64)
    for one, other in zip(first, second, strict=True):
        if one >= 0 and other >= 0:
            counts[one, other] += 1
    return counts


@pytest.mark.parametrize("rows", [1, 40_000])  # so many are counted part by part
@pytest.mark.parametrize("some", [odd_numbers, st.one_of(st.none(), odd_numbers), st.floats(-9, 50)])
def test_each_pair_has_the_counts_that_its_two_features_have_alone(rows, some):
    @settings(max_examples=15, deadline=None)
    @given(st.lists(st.tuples(some, st.sampled_from("abcdefg")), min_size=1, max_size=12))
    def check(listed):
        times = -(-rows // len(listed))
        frame = _wide(*map(list, zip(*listed, strict=True)))
        found = profile_pairs(frame.take(np.tile(np.arange(frame.rows), times)), WIDE)
        columns = frame.group("feature.")
        told = {one.name: _listed(columns[one.name]) for one in WIDE.features}
        cells = {one.name: [_cell(value, one) for value in told[one.name]] for one in WIDE.features}
        for (first, second), counts in zip(pairs_of(WIDE), found.counts, strict=True):
            assert np.array_equal(counts, times * _met(cells[first], cells[second])), (first, second)

    check()


def _listed(values):
    told = values.texts() if values.kind == CATEGORY else values.data.tolist()
    return [value if there else None for value, there in zip(told, values.valid, strict=True)]


def test_many_rows_without_a_gap_count_as_by_the_hundred():
    rng = np.random.default_rng(7)
    data = rng.normal(size=(8, 9_000))
    columns = {f"x{at}": Values(NUMBER, one, np.ones(9_000, bool)) for at, one in enumerate(data)}
    frame = _frame(**columns)
    layout = layout_of([frame])
    total = empty_pairs(layout)
    for start in range(0, 9_000, 100):
        total = merge_pairs(total, profile_pairs(frame.part(start, start + 100), layout))
    assert np.array_equal(profile_pairs(frame, layout).counts, total.counts)
    gone = dict(frame.columns)
    del gone["feature.x3"]
    part = profile_pairs(Frame(frame.type, frame.key, frame.time_us, frame.ids, gone), layout)
    for pair, counts, before in zip(pairs_of(layout), part.counts, total.counts, strict=True):
        assert np.array_equal(counts, np.zeros((CELLS, CELLS)) if "x3" in pair else before), pair


def test_cells_are_quarters_of_the_reference():
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(2, 40_000))
    frame = _frame(x=Values(NUMBER, x, np.ones(40_000, bool)), y=Values(NUMBER, y, np.ones(40_000, bool)))
    (counts,) = profile_pairs(frame, layout_of([frame])).counts
    expected, _, _ = np.histogram2d(x, y, [np.quantile(one, [0, 0.25, 0.5, 0.75, 1]) for one in (x, y)])
    assert np.abs(counts - expected).max() < 40_000 / 128  # the layout cuts at 128 quantiles


def test_of_categories_the_rest_share_a_cell_with_what_is_new():
    frame = _frame(a=number([0.0, 1.0] * 8), b=category(["a"] * 6 + ["b"] * 4 + ["c"] * 3 + ["d"] * 2 + ["e"]))
    counts = profile_pairs(frame, layout_of([frame])).counts[0]
    assert counts.sum(axis=0).tolist() == [6, 4, 3, 3]
    new = profile_pairs(_frame(a=number([0.0]), b=category(["never seen"])), layout_of([frame])).counts[0]
    assert new.sum(axis=0).tolist() == [0, 0, 0, 1]


def test_an_absent_column_and_one_of_another_kind_meet_nothing():
    found = profile_pairs(_frame(a=category(["1", "2"]), c=number([1.0, 2.0])), LAYOUT)
    assert found.rows == 2
    assert not found.counts.any()


def test_a_feature_of_one_value_has_its_rows_in_one_cell():
    frame = _frame(a=number([20.0] * 50), b=number(np.arange(50.0).tolist()), c=number([1.0, 2.0] * 25))
    found = profile_pairs(frame, layout_of([frame]))
    for pair, counts in zip(pairs_of(found.layout), found.counts, strict=True):
        assert counts.sum() == 50, pair
        assert "a" not in pair or np.count_nonzero(counts.sum(axis=1 - pair.index("a"))) == 1


def test_of_many_features_the_first_by_name_are_paired_and_constant_ones_need_no_place():
    frame = _frame(**{f"f{i:03}": number([0.0, float(i)]) for i in range(200)}, a=category(["only", "only"]))
    names = dict.fromkeys(name for pair in pairs_of(layout_of([frame])) for name in pair)
    assert len(names) == FEATURES_MOST
    assert next(iter(names)) == "f000"
    assert len(empty_pairs(layout_of([frame])).counts) == FEATURES_MOST * (FEATURES_MOST - 1) // 2
    assert empty_pairs(layout_of([frame])).counts.shape[1:] == (CELLS, CELLS)


def test_pairs_of_different_layouts_do_not_add_up():
    other = layout_of([_frame(a=number([1.0, 2.0, 5.0]), z=number([1.0, 2.0, 3.0]))])
    with pytest.raises(ProfileError, match="different layouts"):
        merge_pairs(empty_pairs(LAYOUT), empty_pairs(other))
