"""The latency layout: one set of buckets that gives quantiles, native histograms and classic ones."""

import math
from bisect import bisect_left
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tocsin_schema.latency import BOUNDS_S, BUCKETS, LE_INDEX, LE_S, bucket, quantile

DURATIONS = st.floats(min_value=1e-6, max_value=1_000)


def counted(durations: list[float]) -> list[int]:
    counts = [0] * BUCKETS
    for duration in durations:
        counts[bucket(duration)] += 1
    return counts


def test_bounds_rise_and_hold_every_classic_one() -> None:
    assert list(BOUNDS_S) == sorted(set(BOUNDS_S))
    assert [BOUNDS_S[index] for index in LE_INDEX] == list(LE_S)
    assert max(b / a for a, b in pairwise(BOUNDS_S)) <= 2 ** (1 / 32) + 1e-12


@given(DURATIONS)
def test_a_duration_lies_in_its_bucket(seconds: float) -> None:
    index = bucket(seconds)
    assert BOUNDS_S[index - 1] < seconds <= BOUNDS_S[index]


def test_the_ends_take_what_is_outside() -> None:
    assert bucket(0.0) == bucket(-1.0) == 0
    assert bucket(1e9) == bucket(math.inf) == BUCKETS - 1
    assert quantile(counted([0.0]), 0.5) == BOUNDS_S[0]
    assert quantile(counted([1e9]), 0.5) == BOUNDS_S[-1]
    assert quantile([0] * BUCKETS, 0.5) is None


@given(st.lists(DURATIONS, min_size=1, max_size=60))
def test_classic_counts_are_exact(durations: list[float]) -> None:
    counts = counted(durations)
    for le, index in zip(LE_S, LE_INDEX, strict=True):
        assert sum(counts[: index + 1]) == sum(duration <= le for duration in durations)


@given(st.lists(DURATIONS, min_size=1, max_size=60), st.sampled_from([0.5, 0.9, 0.99, 1.0]))
def test_a_quantile_is_off_by_half_a_bucket_at_most(durations: list[float], q: float) -> None:
    exact = sorted(durations)[max(0, math.ceil(q * len(durations)) - 1)]
    found = quantile(counted(durations), q)
    assert found is not None
    assert abs(found / exact - 1) <= 0.011


@given(st.lists(DURATIONS, max_size=30), st.lists(DURATIONS, max_size=30))
def test_merging_is_adding(left: list[float], right: list[float]) -> None:
    merged = [a + b for a, b in zip(counted(left), counted(right), strict=True)]
    assert merged == counted(left + right)


@given(DURATIONS)
def test_neighbours_add_up_to_native_buckets_of_schema_5(seconds: float) -> None:
    native = [bound for bound in BOUNDS_S if bound not in LE_S or math.log2(bound) * 32 % 1 == 0]
    upper = native[bisect_left(native, seconds)]
    exponent = math.log2(upper) * 32
    assert abs(exponent - round(exponent)) < 1e-6
