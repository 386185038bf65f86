"""The ring and what is computed on it."""

import contextlib
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram, generate_latest

from tocsin_alerts.alert import Match
from tocsin_collector.fleet import rates
from tocsin_collector.fleet.exposition import ExpositionError, parse
from tocsin_collector.fleet.ring import Ring

nan = math.nan


def _rows(values: list[list[float]]) -> np.ndarray:
    return np.array(values, np.float64)


# --- exposition -------------------------------------------------------------------------------------------------------


def test_samples_come_with_sorted_labels() -> None:
    assert parse(b'# TYPE a counter\na_total{z="1",b="\\"x\\\\"} 2\nc NaN\n')[0] == (
        "a_total",
        (("b", '"x\\'), ("z", "1")),
        2.0,
    )


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"<html><body>hi</body></html>", "invalid metric name"),
        (b"a b\n", "could not convert"),
        (b"\xff 1\n", "byte 0 is no UTF-8"),
        (b"a 1\n" * 100_001, "lines, at most"),
        (b"a" * 20_000, "a line has more than"),
    ],
)
def test_what_is_no_exposition_is_said(data: bytes, said: str) -> None:
    with pytest.raises(ExpositionError, match=said):
        parse(data)


@given(st.binary(max_size=300) | st.text(max_size=200).map(str.encode))
@settings(max_examples=150)
def test_any_bytes_are_samples_or_an_exposition_error(data: bytes) -> None:
    with contextlib.suppress(ExpositionError):
        assert all(isinstance(value, float) for _, _, value in parse(data))


# --- ring -------------------------------------------------------------------------------------------------------------


def test_a_series_that_a_scrape_lacks_is_absent_there() -> None:
    ring = Ring(points=4)
    ring.append(1, [("a", (), 1.0), ("b", (), 9.0)])
    ring.append(2, [("a", (), 2.0)])
    _, times, values = ring.select("b")
    assert times.tolist() == [1, 2]
    assert np.isnan(values[0, 1])


def test_the_oldest_scrape_makes_room_and_the_order_stays() -> None:
    ring = Ring(points=3)
    for time_s in range(1, 8):
        ring.append(time_s, [("a", (), time_s * 10.0)])
    _, times, values = ring.select("a")
    assert times.tolist() == [5, 6, 7]
    assert values.tolist() == [[50, 60, 70]]


def test_series_beyond_the_cap_are_counted_and_the_others_stay() -> None:
    ring = Ring(points=4, max_series=100)
    ring.append(1, [("a", (("l", str(index)),), 1.0) for index in range(150)])
    assert (len(ring), ring.dropped) == (100, 50)
    assert len(ring.select("a")[0]) == 100


def test_the_row_of_a_series_that_is_long_gone_goes_to_a_newcomer() -> None:
    ring = Ring(points=3, max_series=1)
    ring.append(1, [("old", (), 1.0)])
    for time_s in range(2, 8):
        ring.append(time_s, [("new", (), float(time_s))])
    assert ring.select("old")[0] == []
    labels, _, values = ring.select("new")
    assert labels == [{}]
    assert values[0, -1] == 7


def test_select_keeps_what_matches() -> None:
    ring = Ring(points=2)
    ring.append(1, [("a", (("d", "lo"),), 1.0), ("a", (("d", "eth0"),), 2.0)])
    assert ring.select("a", [Match("d", "!=", "lo")])[0] == [{"d": "eth0"}]


@given(st.lists(st.lists(st.tuples(st.sampled_from("abcde"), st.floats(-5, 5)), max_size=5), min_size=1, max_size=25))
@settings(max_examples=60)
def test_the_ring_shows_what_a_plain_list_would(scrapes: list[list[tuple[str, float]]]) -> None:
    ring = Ring(points=6)
    for time_s, scrape in enumerate(scrapes):
        ring.append(float(time_s), [(name, (), value) for name, value in scrape])
    kept = [dict(scrape) for scrape in scrapes][-6:]
    for name in "abcde":
        labels, times, values = ring.select(name)
        expected = [scrape.get(name, nan) for scrape in kept]
        if labels:
            np.testing.assert_array_equal(values[0], expected)
            assert times.tolist() == list(range(len(scrapes)))[-6:]
        else:
            assert all(math.isnan(value) for value in expected)


# --- rates ------------------------------------------------------------------------------------------------------------


def test_after_a_reset_all_that_a_counter_shows_is_new() -> None:
    assert rates.increases(_rows([[10, 12, 3, 5]])).tolist() == [[2, 3, 2]]


def test_a_counter_born_after_the_first_scrape_gained_its_first_value() -> None:
    values = _rows([[nan, 1, 1], [5, 5, 5], [3, nan, 4]])
    np.testing.assert_array_equal(rates.births(values), [[1, 0], [0, 0], [nan, nan]])


def test_a_rate_over_a_window_leaves_out_what_is_older() -> None:
    times = np.array([0.0, 10, 20, 30])
    assert rates.rate_over(times, _rows([[0, 1000, 1010, 1020]]), 20).tolist() == [1.0]


def test_one_point_has_no_rate() -> None:
    assert np.isnan(rates.rate_over(np.array([5.0]), _rows([[1]]), 60)).all()


def test_a_sum_is_unknown_only_where_all_are() -> None:
    np.testing.assert_array_equal(rates.total(_rows([[1, nan], [nan, nan]])), [1, nan])


def test_a_value_on_the_grid_is_the_newest_that_is_fresh() -> None:
    grid = np.array([0.0, 5, 10, 20])
    np.testing.assert_array_equal(rates.on_grid(grid, np.array([4.0, 9]), np.array([1.0, 2]), 5), [nan, 1, 2, nan])


def test_quantiles_are_those_of_prometheus() -> None:
    # The example of Prometheus' documentation of histogram_quantile: linear inside the bucket.
    bounds, counts = np.array([0.1, 0.5, 1.0, np.inf]), np.array([10.0, 20, 30, 30])
    assert rates.quantile(bounds, counts, 0.5) == pytest.approx(0.3)
    assert rates.quantile(bounds, counts, 0.9) == pytest.approx(0.85)
    assert rates.quantile(bounds, np.array([0.0, 0, 0, 5]), 0.9) == 1.0
    assert math.isnan(rates.quantile(bounds, np.zeros(4), 0.5))


@given(st.lists(st.floats(0.0001, 0.99), min_size=1, max_size=60), st.sampled_from([0.5, 0.9, 0.99]))
@settings(max_examples=40)
def test_a_quantile_lies_in_the_bucket_of_the_true_one(seconds: list[float], q: float) -> None:
    registry = CollectorRegistry()
    histogram = Histogram("h", "h", registry=registry, buckets=(0.001, 0.01, 0.05, 0.1, 0.5, 1))
    for value in seconds:
        histogram.observe(value)
    found = {
        float(dict(labels)["le"]): value
        for name, labels, value in parse(generate_latest(registry))
        if name == "h_bucket"
    }
    bounds = np.array(sorted(found))
    answer = rates.quantile(bounds, np.array([found[bound] for bound in bounds.tolist()]), q)
    true = sorted(seconds)[math.ceil(q * len(seconds)) - 1]
    index = int(np.searchsorted(bounds, true))
    low = bounds[index - 1] if index else 0.0
    assert low <= answer <= bounds[index] * (1 + 1e-9)
