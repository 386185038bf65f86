"""What a GPU tells beside its load, through the fake library and the real binding."""

import pytest

pytestmark = pytest.mark.system


def up(series):
    return series.get(("up", "0")) == 1


def test_clocks_limits_engines_and_windows_are_in_base_units(gpus):
    _, child = gpus(1)
    series = child.until(up)
    assert series["clock_hertz", "0", "sm"] == 1.98e9
    assert series["clock_max_hertz", "0", "memory"] == 2.619e9
    assert series["temperature_limit_celsius", "0", "slowdown"] == 89
    assert series["memory_temperature_celsius", "0"] == 70
    assert series["bar1_total_bytes", "0"] == 128 << 30
    assert series["bar1_used_bytes", "0"] == 1 << 30
    assert series["encoder_utilization_ratio", "0"] == 0.25
    assert series["decoder_utilization_ratio", "0"] == 0.5
    assert series["memory_utilization_ratio", "0"] == 0.2
    ranges = {key[2]: value for key, value in series.items() if key[0] == "power_limit_range_watts"}
    assert ranges == {"default": 700, "lowest": 200, "highest": 750}


def test_what_moves_slowly_follows_within_its_period(gpus):
    control, child = gpus(1)
    child.until(up)
    control.put(0, "clock", 1, 345)
    control.set(0, limit_mw=300_000, encoder=99)
    child.until(lambda series: series["clock_hertz", "0", "sm"] == 3.45e8)
    child.until(lambda series: series["encoder_utilization_ratio", "0"] == 0.99)
    child.until(lambda series: series["power_limit_watts", "0"] == 300)


def test_a_limit_and_a_clock_that_the_gpu_has_not_are_absent(gpus):
    control, child = gpus(1)
    control.put(0, "threshold", 2, 0)
    control.put(0, "clock", 3, 0)
    control.put(0, "field", 82, 0)
    control.set(0, unsupported=8 | 256)
    child.until(lambda series: up(series) and ("bar1_total_bytes", "0") not in series)
    series = child.until(lambda series: ("temperature_limit_celsius", "0", "memory") not in series)
    names = {key[0] for key in series}
    assert ("clock_hertz", "0", "video") not in series
    assert ("temperature_limit_celsius", "0", "gpu") in series
    assert not names & {
        "memory_temperature_celsius", "power_limit_range_watts", "encoder_utilization_ratio", "errors_total",
    }  # fmt: skip
