"""Rules on windows: what is counted, what merges, what is said."""

import math
from fractions import Fraction
from statistics import fmean, stdev

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin_collector.frame import Frame, category, number
from tocsin_collector.profile.hashing import hashes
from tocsin_collector.quality.exact import as_fraction, exact_sum
from tocsin_collector.quality.rules import Rule, Rules, count, judge, merge, parse
from tocsin_collector.quality.rules.counts import tally_of
from tocsin_collector.quality.sample import sample
from tocsin_collector.verdict import ModelKey

KEY = ModelKey("shop", "credit", "3")


def _frame(**columns):
    rows = len(next(iter(columns.values())))
    found = {}
    for name, items in columns.items():
        is_text = any(isinstance(item, str) for item in items)
        key = name if name == "prediction" else f"feature.{name}"
        found[key] = category(items) if is_text else number(items)
    return Frame("prediction", KEY, np.arange(rows), [str(row) for row in range(rows)], found)


def _verdict(frame, check, *columns, **how):
    rules = Rules((Rule(check, tuple(columns), name="it", **how),))
    present = {name: int(values.valid.sum()) for name, values in frame.group("feature.").items()}
    return judge(count(frame, rules), frame.rows, present)[0]


AGES = _frame(age=[41, 17.5, None, 130, 130, -1, math.nan])
CITIES = _frame(city=["Lyon", "Nice", "Lyon", None, "12345"], n=[1, 2, 3, 4, 5], m=[0, 2, 9, 4, 5])


@pytest.mark.parametrize(
    ("frame", "check", "columns", "how", "unexpected"),
    [
        (AGES, "present", ["feature.age"], {}, 2),
        (AGES, "absent", ["feature.age"], {}, 5),
        (AGES, "between", ["feature.age"], {"low": 0, "high": 120}, 3),
        (AGES, "in", ["feature.age"], {"values": (41, 130)}, 2),
        (AGES, "not_in", ["feature.age"], {"values": (41.0, 130)}, 3),
        (AGES, "type", ["feature.age"], {"values": ("integer",)}, 1),
        (AGES, "type", ["feature.age"], {"values": ("number", "text")}, 0),
        (AGES, "matches", ["feature.age"], {"values": (r"^\d+$",)}, 2),
        (AGES, "unique", ["feature.age"], {}, 2),
        (CITIES, "between", ["feature.city"], {"low": 0}, 4),
        (CITIES, "in", ["feature.city"], {"values": ("Lyon", 12345.0)}, 2),
        (CITIES, "matches", ["feature.city"], {"values": ("^L", "e$")}, 1),
        (CITIES, "not_matches", ["feature.city"], {"values": ("^L",)}, 2),
        (CITIES, "length", ["feature.city"], {"low": 5, "high": 9}, 3),
        (CITIES, "json", ["feature.city"], {}, 3),
        (CITIES, "type", ["feature.city"], {"values": ("boolean",)}, 4),
        (CITIES, "above", ["feature.n", "feature.m"], {}, 4),
        (CITIES, "at_least", ["feature.n", "feature.m"], {}, 1),
        (CITIES, "equals", ["feature.n", "feature.m"], {}, 2),
        (CITIES, "equals", ["feature.n", "feature.city"], {}, 4),
        (CITIES, "unique", ["feature.city", "feature.n"], {}, 0),
        (CITIES, "contains", ["feature.city"], {"values": ("Lyon", "Paris")}, 1),
        (CITIES, "exists", ["feature.zip"], {}, 1),
        (CITIES, "exists", ["feature.city"], {}, 0),
        (CITIES, "rows", [], {"low": 6}, 1),
        (CITIES, "features", [], {"values": ("city", "n", "zip")}, 2),
        (CITIES, "feature_count", [], {"high": 3}, 0),
        (CITIES, "matches", ["feature.zip"], {"values": ("x",)}, 0),
        (CITIES, "mean", ["feature.city"], {"low": 0}, 0),
    ],
)
def test_a_rule_counts_what_breaks_it(frame, check, columns, how, unexpected):
    found = _verdict(frame, check, *columns, **how)
    assert found.unexpected == unexpected
    assert bool(found.reason) == bool(unexpected)


@pytest.mark.parametrize(("mostly", "kept"), [(0.4, True), (0.41, False)])
def test_a_share_of_the_values_may_break_a_rule_that_says_so(mostly, kept):
    assert (not _verdict(AGES, "between", "feature.age", low=0, high=120, mostly=mostly).reason) is kept


def test_what_breaks_a_rule_is_told_with_how_often_it_came():
    found = _verdict(AGES, "between", "feature.age", low=0, high=120)
    assert found.reason == "it: 3 of 5 values break it: 130 (2), -1 (1)"
    long = _verdict(_frame(text=["x" * 70_000, "y"]), "length", "feature.text", high=10)
    assert long.examples == (("x" * 59 + "…", 1),)


@pytest.mark.parametrize("check", ["min", "max", "mean", "sum", "stdev"])
def test_figures_are_those_of_the_values(check):
    values = [3.25, -8.0, 1e-3, 7.5, 7.5]
    wanted = {"min": min, "max": max, "mean": fmean, "sum": math.fsum, "stdev": stdev}[check](values)
    found = _verdict(_frame(x=[*values, None, math.nan, math.inf]), check, "feature.x", low=wanted + 1)
    assert found.value == pytest.approx(wanted, rel=1e-12)
    assert found.reason.startswith(f"it: it is {wanted:.6g} of 5 values, at least")


def test_distinct_values_are_exact_until_they_are_too_many_and_then_near():
    few = _verdict(_frame(x=[1, 2, 2, 3]), "distinct", "feature.x", high=2)
    assert (few.value, few.unexpected) == (3.0, 1)
    many = _verdict(_frame(x=np.arange(100_000).tolist()), "distinct", "feature.x", high=9)
    assert many.value == pytest.approx(100_000, rel=0.05)
    twice = _verdict(_frame(x=[*range(50_000), *range(25_000)]), "unique", "feature.x", mostly=0.5)
    assert twice.unexpected / twice.rows == pytest.approx(50 / 75, abs=0.05)


def test_what_overflows_is_infinite_and_not_silent():
    huge = _frame(x=[1e300, 1e308, 1.5e308])
    assert _verdict(huge, "sum", "feature.x", high=1).value == math.inf
    assert _verdict(huge, "stdev", "feature.x", high=1).reason
    assert _verdict(huge, "mean", "feature.x", high=1).value == pytest.approx(2.5 / 3 * 1e308, rel=1e-7)


floats = st.floats(allow_nan=False, allow_infinity=False)


@given(st.lists(floats, max_size=50))
def test_a_sum_is_exact_in_any_order(values):
    data = np.array(values, np.float64)
    assert as_fraction(exact_sum(data)) == sum(map(Fraction, values))
    assert exact_sum(data[::-1]) == exact_sum(data)


@given(st.lists(st.integers(0, 40), max_size=60), st.integers(1, 9), st.integers(0, 60))
def test_a_sample_merges_to_that_of_all_rows(values, most, cut):
    from tocsin_collector.quality.sample import merged

    keys = hashes([str(value) for value in values])
    ones = np.ones(len(keys), np.int64)
    whole = sample(keys, ones, most)
    parts = sample(keys[:cut], ones[:cut], most), sample(keys[cut:], ones[cut:], most)
    for found in (merged(*parts), merged(*parts[::-1])):
        assert found.hashes.tolist() == whole.hashes.tolist()
        assert found.counts.tolist() == whole.counts.tolist()
    assert all(values.count(value) in whole.counts.tolist() or len(set(values)) > most for value in set(values))


EVERY = parse(b"""
rule = [
  {column = "feature.x", between = [0, 5]}, {column = "feature.x", unique = true},
  {column = "feature.x", mean = [0, 1]},
  {column = "feature.t", in = ["a", "b"]}, {column = "feature.t", matches = "a"}, {column = "feature.t", json = true},
  {column = "feature.x", stdev = [0, 1]}, {column = "feature.t", contains = ["a", "z"]}, {columns = ["feature.t",
  "feature.x"], unique = true}, {column = "feature.x", exists = true}, {column = "feature.t", present = true},
  {rows = [3, 9]}, {features = ["x"]},
]
""")
texts = st.text(st.characters(), max_size=3)
columns = st.lists(st.tuples(st.one_of(st.none(), st.floats()), st.one_of(st.none(), texts)), min_size=1, max_size=30)


@given(columns, st.integers(0, 30))
def test_windows_merge_to_the_same_verdicts_in_any_blocks_and_through_the_snapshot(rows, cut):
    def counted(some):
        frame = Frame("prediction", KEY, np.arange(len(some)), ["i"] * len(some), {
            "feature.x": number([x for x, _ in some]), "feature.t": category([t for _, t in some]),
        })  # fmt: skip
        return count(frame, EVERY)

    whole = judge(counted(rows), len(rows), {"x": 1})
    for parts in ((rows[:cut], rows[cut:]), (rows[cut:], rows[:cut])):
        held = [counted(part) for part in parts if part]
        both = held[0] if len(held) == 1 else merge(*held)
        assert judge(both, len(rows), {"x": 1}) == whole
        again = tuple(tally_of(tally.state()) for tally in both.tallies)
        assert judge(type(both)(EVERY, again), len(rows), {"x": 1}) == whole


def test_a_block_without_the_column_breaks_only_what_asks_for_it():
    found = judge(count(_frame(y=[1, 2]), EVERY), 2, {"y": 2})
    assert [one.name for one in found if one.reason] == [
        "feature.t contains a, z", "feature.x exists", "feature.t present", "rows between 3 and 9", "features are x",
    ]  # fmt: skip


def test_an_expression_that_would_never_end_ends():
    hostile = _frame(text=["a" * 60_000 + "b"] * 3)
    assert _verdict(hostile, "matches", "feature.text", values=(r"^(a+)+$",)).unexpected == 3
    assert _verdict(hostile, "matches", "feature.text", values=(r"(a|aa|a*)*c",)).unexpected == 3


def test_json_that_is_deep_or_long_is_no_json_and_no_fault():
    rows = _frame(
        text=["[" * 60_000, "1" * 60_000, "NaN", "", '{"a": [1e999]}', "\udc80".encode("utf-8", "replace").decode()]
    )
    assert _verdict(rows, "json", "feature.text").unexpected == 4
