"""Short peaks: every one is in the histogram and in the maximum, whenever and however often one scrapes."""

import pytest

START_US = 1_700_000_000_000_000
STEP_US = 166_667
UTILIZATION, POWER = 1, 0


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


@pytest.mark.system
def test_with_a_pace_of_ten_a_second_what_the_driver_does_not_keep_is_looked_at_between_samples(gpus):
    """The samples are 30 s apart, so that all that is seen was seen between two."""
    control, child = gpus(1, interval_s=30, hz=10)
    child.until(lambda series: series.get(("up", "0")) == 1)
    asked = control.counted(0)
    before = asked["nvmlDeviceGetMemoryInfo_v2"]
    control.set(0, memory_used=70 << 30, utilization=95, power_mw=600_000)
    child.until(lambda _: control.counted(0)["nvmlDeviceGetMemoryInfo_v2"] >= before + 10)
    after = control.counted(0)
    assert after["nvmlDeviceGetTemperature"] == asked["nvmlDeviceGetTemperature"]
    assert after["nvmlDeviceGetUtilizationRates"] >= asked["nvmlDeviceGetUtilizationRates"] + 9
    assert after["nvmlDeviceGetPowerUsage"] >= asked["nvmlDeviceGetPowerUsage"] + 9


@pytest.mark.system
def test_a_burst_between_samples_is_seen_at_ten_a_second(gpus):
    control, child = gpus(1, interval_s=1, hz=10)
    child.until(lambda series: series.get(("up", "0")) == 1)
    samples = control.counted(0)["nvmlDeviceGetTemperature"]
    child.until(lambda _: control.counted(0)["nvmlDeviceGetTemperature"] > samples)  # the next one is a second away
    looks = control.counted(0)["nvmlDeviceGetMemoryInfo_v2"]
    control.set(0, memory_used=75 << 30, utilization=99, power_mw=650_000)
    child.until(lambda _: control.counted(0)["nvmlDeviceGetMemoryInfo_v2"] >= looks + 2)
    control.set(0, memory_used=20 << 30, utilization=5, power_mw=100_000)
    for _ in range(2):  # whoever comes later
        series = child.until(
            lambda series: series["power_watts", "0"] == 100 and series["utilization_ratio", "0"] == 0.05
        )
        assert series["utilization_max_ratio", "0"] == 0.99
        assert series["power_max_watts", "0"] == 650
        assert series["memory_used_max_bytes", "0"] == 75 << 30
        assert series["utilization_busy_seconds_total", "0"] > 0


@pytest.mark.system
def test_what_the_driver_keeps_is_not_asked_between_samples(gpus):
    control, child = gpus(1, interval_s=1, hz=10)
    for kind in (UTILIZATION, POWER):
        control.sample(0, kind, START_US, 5)
    child.until(lambda series: series.get(("utilization_sampled_ratio_count", "0")) == 1)
    before = control.counted(0)
    child.until(lambda _: control.counted(0)["nvmlDeviceGetMemoryInfo_v2"] >= before["nvmlDeviceGetMemoryInfo_v2"] + 25)
    after = control.counted(0)
    for call in ("nvmlDeviceGetUtilizationRates", "nvmlDeviceGetPowerUsage"):
        assert after[call] - before[call] <= 5, call  # once a sample


def looks(control, gpu):
    return control.counted(gpu)["nvmlDeviceGetMemoryInfo_v2"]


@pytest.mark.system
def test_a_gpu_that_hangs_between_two_samples_holds_no_other_up(gpus):
    control, child = gpus(2, interval_s=1, hz=10)
    child.until(lambda series: series.get(("up", "0")) == series.get(("up", "1")) == 1)
    for _ in range(2):
        control.set(0, hang=1)
        series = child.until(lambda series: series["up", "0"] == 0)
        assert series["up", "1"] == 1
        assert ("memory_used_max_bytes", "0") not in series
        before = looks(control, 1)
        child.until(lambda _, before=before: looks(control, 1) >= before + 15)
        control.set(0, hang=0)
        child.until(lambda series: series["up", "0"] == 1)
        before = looks(control, 0)
        child.until(lambda _, before=before: looks(control, 0) >= before + 15)
    child.until(lambda _: child.ask("threads").split().count("gpu-pulser") == 1)


@pytest.mark.system
def test_a_gpu_that_fails_between_two_samples_is_told_and_comes_back(gpus):
    control, child = gpus(1, interval_s=0.5, hz=10)
    child.until(lambda series: series.get(("up", "0")) == 1)
    control.set(0, ret=15)
    child.until(lambda series: series["up", "0"] == 0 and series.get(("errors_total", "0", "lost"), 0) >= 1)
    control.set(0, ret=0)
    child.until(lambda series: series["up", "0"] == 1)


@pytest.mark.system
def test_at_the_default_no_thread_looks_between_samples(gpus):
    _, child = gpus(1)
    child.until(lambda series: series.get(("up", "0")) == 1)
    assert "gpu-pulser" not in child.ask("threads")
