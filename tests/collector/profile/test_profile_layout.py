import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin_collector.frame import Frame, category, number
from tocsin_collector.profile import Layout, ProfileError, layout_of
from tocsin_collector.profile.edges import QUANTILE_CELLS
from tocsin_collector.profile.layout import FREQUENT_NAMES, HASHED_CELLS, MAX_NAMES
from tocsin_collector.profile.packing import pack, unpack
from tocsin_collector.verdict import CATEGORY, NUMBER, ModelKey


def frame(**columns):
    rows = len(next(iter(columns.values())).valid)
    named = {f"feature.{name}": values for name, values in columns.items()}
    return Frame("prediction", ModelKey("p", "m", "1"), np.zeros(rows, np.int64), ["x"] * rows, named)


def edges(values):
    return layout_of([frame(x=number(values))]).features[0].edges


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(), max_size=50), st.lists(st.text(max_size=3), max_size=50), st.integers(1, 5))
def test_the_same_rows_give_the_same_bytes_however_they_come(numbers, names, pieces):
    one = layout_of([frame(x=number(numbers)), frame(y=category(names))])
    blocks = [frame(y=category(names[i::pieces])) for i in range(pieces)]
    blocks += [frame(x=number(numbers[::-1][i::pieces])) for i in range(pieces)]
    assert layout_of(blocks).to_bytes() == one.to_bytes()
    assert Layout.from_bytes(one.to_bytes()) == one


def test_a_constant_has_a_cell_of_its_own_so_that_any_other_value_is_seen():
    found = edges([5.0] * 100)
    assert found[found.index(5.0) + 1] == np.nextafter(5.0, 6)


def test_few_distinct_values_each_have_a_cell():
    assert [value for value in (1, 2, 3) if value in edges([1, 2, 3, 3, 3, 2] * 20)] == [1, 2, 3]


def test_a_value_that_repeats_among_many_has_a_cell_of_its_own():
    found = edges([0.0] * 500 + list(np.linspace(-50, 200, 500)))
    assert 0.0 in found
    assert np.nextafter(0.0, 1) in found


def test_a_feature_without_a_finite_value_has_one_cell():
    assert edges([float("nan"), float("inf"), None]) == ()
    assert layout_of([frame(x=category([None, None]))]).features[0].cells == 1


def test_the_largest_floats_make_no_infinite_edge():
    assert all(np.isfinite(edges([1.7976931348623157e308, -1.7976931348623157e308, 5e-324, 0.0])))


def test_the_kind_is_what_most_values_are():
    mixed = [frame(x=number([1, 2])), frame(x=category(["a", "b", "c"]))]
    assert layout_of(mixed).features[0].kind == CATEGORY
    assert layout_of([*mixed, frame(x=number([3, 4]))]).features[0].kind == NUMBER


def test_names_come_by_frequency_then_alphabet():
    assert layout_of([frame(x=category(["b", "a", "c", "c"]))]).features[0].names == ("c", "a", "b")


def test_too_many_names_keep_the_frequent_and_hash_the_rest():
    feature = layout_of([frame(x=category(["UA"] * 5 + [f"N{i}" for i in range(MAX_NAMES)]))]).features[0]
    assert (len(feature.names), feature.hashed, feature.names[0]) == (FREQUENT_NAMES, HASHED_CELLS, "UA")
    assert feature.cells_of(["UA"])[0].tolist() == [0]
    # Fixed for good: the same name has the same cell in every process, version and engine.
    assert feature.cells_of(["never seen", "", "é"])[0].tolist() == [144, 151, 143]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 2**62), max_size=200))
def test_packed_counts_are_read_back(values):
    assert unpack(pack(np.array(values, np.int64)) + b"rest", len(values))[0].tolist() == values


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=100), st.integers(0, 400))
def test_packed_counts_that_end_too_soon_are_refused(raw, count):
    try:
        found, rest = unpack(raw, count)
    except ValueError:
        return
    assert len(found) == count
    assert raw.endswith(rest)


def test_no_cell_of_a_reference_holds_more_than_a_quantile():
    for values in (np.random.default_rng(1).normal(size=50_000), np.random.default_rng(1).pareto(1.0, 50_000)):
        feature = layout_of([frame(x=number(values.tolist()))]).features[0]
        assert np.histogram(values, [-np.inf, *feature.edges, np.inf])[0].max() <= -(-50_000 // QUANTILE_CELLS)


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t["features"][0].__setitem__(2, [2.0, 1.0]),
        lambda t: t["features"][0].__setitem__(2, [float("nan")]),
        lambda t: t["features"][0].__setitem__(1, "color"),
        lambda t: t["features"][0].__setitem__(4, 1 << 40),
        lambda t: t["features"].append(t["features"][0]),
        lambda t: t["features"].reverse(),
        lambda t: t.__setitem__("v", 1),
        lambda t: t.__setitem__("features", 7),
        lambda t: t["features"][0].append(1),
        lambda t: t["features"][0].__setitem__(6, "length"),
        lambda t: t["features"][0].__setitem__(slice(5, 7), ["x", "colour"]),
    ],
)
def test_an_unsound_layout_is_refused(change):
    table = json.loads(layout_of([frame(a=number([1, 2]), b=category(["x", "y"]))]).to_bytes())
    change(table)
    with pytest.raises(ProfileError):
        Layout.from_bytes(json.dumps(table, separators=(",", ":")).encode())
