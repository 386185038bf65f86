"""Tallies add up: the parts of any rows, in any order, give what the rows give together, bit by bit."""

import json
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin_collector.frame import category, number
from tocsin_collector.quality.exact import UNIT_BITS, exact_squares, exact_sum
from tocsin_collector.quality.labelled import Labelled
from tocsin_collector.quality.scores import count, scores
from tocsin_collector.quality.tally import count_mean, mean_of, merge, pack, unpack

doubles = st.floats(allow_nan=False, allow_infinity=False)
shares = st.integers(0, 40).map(lambda step: step / 40) | st.floats(0, 1)
names = st.sampled_from(["yes", "no", "maybe", "ünicode\0", ""])
items = st.lists(st.sampled_from("abcdef"), max_size=4, unique=True).map(json.dumps)


def classified(rows):
    return Labelled(
        category([label for label, _, _ in rows]),
        None,
        {"yes": number([one for _, one, _ in rows]), "no": number([1 - one for _, one, _ in rows])},
        {},
        np.array([delay for _, _, delay in rows], np.float64),
    )


def said(rows):
    return Labelled(category([label for label, _ in rows]), category([one for _, one in rows]))


def estimated(rows):
    label, prediction, low = zip(*rows, strict=True) if rows else ((), (), ())
    return Labelled(number(label), number(prediction), {"q0.1": number(low), "scale": number([2.0] * len(rows))})


CASES = {
    "scores": (classified, st.tuples(names | st.none(), shares, st.floats(-5, 1e7) | st.just(math.nan))),
    "classes": (said, st.tuples(names | st.none(), names | st.none())),
    "numbers": (estimated, st.tuples(*[doubles | st.none() | st.just(math.inf)] * 3)),
    "lists": (said, st.tuples(items, items)),
    "rankings": (said, st.tuples(st.sampled_from("abx"), items)),
}


@pytest.mark.parametrize("kind", CASES)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_the_tally_of_all_is_the_sum_of_the_parts_in_any_order(kind, data):
    build, row = CASES[kind]
    rows = data.draw(st.lists(row, max_size=30))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(rows)), max_size=3)))
    parts = [build(rows[a:b]) for a, b in zip([0, *cuts], [*cuts, len(rows)], strict=True) if b > a]
    counted = data.draw(st.permutations([count(part) for part in parts]))
    assert merge(counted) == count(build(rows))


@settings(max_examples=60, deadline=None)
@given(st.lists(CASES["scores"][1], max_size=20))
def test_a_packed_tally_comes_back(rows):
    tally = count(classified(rows))
    assert unpack(pack(tally)) == tally
    assert pack(unpack(pack(tally))) == pack(tally)


@given(st.lists(doubles, max_size=40))
def test_the_exact_sum_is_exact(values):
    assert Fraction(exact_sum(np.array(values, np.float64)), 1 << UNIT_BITS) == sum(map(Fraction, values))


@given(st.lists(st.integers(-1_000, 1_000), min_size=2, max_size=40))
def test_a_mean_and_its_variance_do_not_suffer_from_an_offset(values):
    mean = mean_of(count_mean("x", np.array(values, np.float64)), "x")
    assert mean.value == pytest.approx(math.fsum(values) / len(values))
    assert mean.noise == pytest.approx(np.var(values) / (len(values) - 1))
    assert mean_of(count_mean("x", np.array(values) + 2.0**40), "x").noise == mean.noise


@given(st.lists(st.floats(1e-100, 1e100) | st.floats(-1e100, -1e-100), max_size=20))
def test_squares_are_exact(values):
    assert Fraction(exact_squares(np.array(values, np.float64)), 1 << UNIT_BITS) == sum(
        Fraction(value) ** 2 for value in values
    )


@pytest.mark.parametrize("kind", CASES)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_scores_are_never_nan_and_lie_within_their_intervals(kind, data):
    build, row = CASES[kind]
    for scored in scores(count(build(data.draw(st.lists(row, max_size=12))))).values():
        assert not math.isnan(scored.value)
        assert scored.low is None or scored.low <= scored.value + 1e-9
        assert scored.high is None or scored.high >= scored.value - 1e-9


def test_one_row_has_a_score_and_no_false_certainty():
    found = scores(count(Labelled(number([3.0]), number([4.0]))))
    assert found["mae"] == (1.0, 0, math.inf)
    assert "r2" not in found
    found = scores(count(Labelled(category(["a"]), category(["a"]))))["accuracy"]
    assert found.value == 1
    assert found.low == pytest.approx(0.207, abs=0.001)


def test_nothing_to_score_is_an_empty_tally():
    assert count(Labelled(category([]))) == {}
    assert scores(unpack(b"")) == {}
