"""Short peaks: every one is in the histogram and in the maximum, whenever and however often one scrapes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin_agent.gpu.buffer import Highest

START_US = 1_700_000_000_000_000
STEP_US = 166_667
UTILIZATION, POWER = 1, 0


@given(st.lists(st.tuples(st.floats(0, 20), st.floats(0, 1)), max_size=60), st.floats(1, 60))
def test_the_highest_is_that_of_the_window(steps, window_s):
    highest, now, seen = Highest(window_s), 0.0, []
    for passed_s, value in steps:
        now += passed_s
        highest.add(now, value)
        seen.append((now, value))
        assert highest.value(now) == max(value for at, value in seen if now - at <= window_s)
    assert highest.value(now + window_s + 1) is None


def buckets(series):
    return {float(key[2]): value for key, value in series.items() if key[0] == "utilization_sampled_ratio_bucket"}


@pytest.mark.system
def test_two_scrapers_see_every_peak_between_their_scrapes(gpus):
    control, child = gpus(1)
    control.sample(0, UTILIZATION, START_US, 0)
    control.sample(0, POWER, START_US, 100_000)
    before = child.until(lambda series: series.get(("utilization_sampled_ratio_count", "0")) == 1)
    peaks = 0
    for burst in range(50):  # one of 200 ms in ten samples; they come by hundreds while nobody scrapes
        for step in range(10):
            at_us = START_US + STEP_US * (burst * 10 + step + 1)
            peak = step == burst % 10
            peaks += peak
            control.sample(0, UTILIZATION, at_us, 100 if peak else 5)
            control.sample(0, POWER, at_us, 650_000 if peak else 100_000)
        if burst % 10 == 9:
            read = control.counted(0)["nvmlDeviceGetSamples"]
            child.until(lambda _, read=read: control.counted(0)["nvmlDeviceGetSamples"] >= read + 8)
    first, second = child.read(), child.read()
    for series in (first, second):
        found = buckets(series)
        assert found[float("inf")] - found[0.9] == peaks == 50
        assert series["utilization_max_ratio", "0"] == 1
        assert series["power_max_watts", "0"] == 650
        busy_s = series["utilization_busy_seconds_total", "0"] - before["utilization_busy_seconds_total", "0"]
        assert busy_s == pytest.approx((50 * 1 + 450 * 0.05) * STEP_US / 1e6)
    assert first["utilization_ratio", "0"] == 0.4


@pytest.mark.system
def test_a_gap_in_the_drivers_samples_is_not_counted_as_busy(gpus):
    control, child = gpus(1)
    control.sample(0, UTILIZATION, START_US, 100)
    first = child.until(lambda series: series.get(("utilization_sampled_ratio_count", "0")) == 1)
    control.sample(0, UTILIZATION, START_US + 60_000_000, 100)
    second = child.until(lambda series: series["utilization_sampled_ratio_count", "0"] == 2)
    key = ("utilization_busy_seconds_total", "0")
    assert second[key] == first[key]


@pytest.mark.system
def test_without_a_ring_the_agents_own_samples_are_counted(gpus):
    control, child = gpus(1)
    control.set(0, utilization=90, power_mw=500_000)
    child.until(lambda series: series.get(("utilization_max_ratio", "0")) == 0.9)
    control.set(0, utilization=10, power_mw=100_000)
    series = child.until(lambda series: series["utilization_ratio", "0"] == 0.1 and series["power_watts", "0"] == 100)
    assert series["utilization_max_ratio", "0"] == 0.9
    assert series["power_max_watts", "0"] == 500
    found = buckets(series)
    assert found[float("inf")] == found[1.0] > found[0.8]
