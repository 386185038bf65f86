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


def test_throttling_is_counted_by_the_driver_where_it_counts(gpus):
    control, child = gpus(1)
    series = child.until(up)
    assert series["throttled_seconds_total", "0", "power_cap"] == 2.5
    assert series["throttled_seconds_total", "0", "hardware_thermal"] == 1
    assert series["throttled_seconds_total", "0", "hardware_slowdown"] == 0
    control.set(0, throttle=0x04 | 0x08)
    series = child.until(lambda series: series["throttled_seconds_total", "0", "hardware_slowdown"] > 0.1)
    assert series["throttled_seconds_total", "0", "power_cap"] == 2.5


def test_throttling_is_sampled_where_the_driver_does_not_count(gpus):
    control, child = gpus(1, driver="old")
    control.set(0, throttle=0x20 | 0x01)
    child.until(lambda series: series.get(("throttled_seconds_total", "0", "software_thermal"), 0) > 0.1)
    control.set(0, throttle=0)
    seen = control.get(0, "calls")
    child.until(lambda _: control.get(0, "calls") > seen + 60)
    still = child.read()["throttled_seconds_total", "0", "software_thermal"]
    seen = control.get(0, "calls")
    series = child.until(lambda _: control.get(0, "calls") > seen + 60)
    assert series["throttled_seconds_total", "0", "software_thermal"] == still
    assert series["throttled_seconds_total", "0", "power_cap"] == 0


def test_a_gpu_that_tells_no_reasons_has_no_throttling(gpus):
    control, child = gpus(1, driver="old")
    control.set(0, unsupported=512)
    child.until(lambda series: up(series) and not [key for key in series if key[0] == "throttled_seconds_total"])


def test_errors_of_memory_stand_by_place_and_what_they_cost(gpus):
    control, child = gpus(1)
    control.set(0, sram_uncorrected=2)
    series = child.until(lambda series: series.get(("ecc_location_errors_total", "0", "uncorrected", "sram")) == 2)
    places = {key[2:]: value for key, value in series.items() if key[0] == "ecc_location_errors_total"}
    assert places == {
        ("corrected", "dram"): 3, ("uncorrected", "dram"): 1, ("corrected", "sram"): 0, ("uncorrected", "sram"): 2,
    }  # fmt: skip
    assert (series["remapped_rows", "0", "corrected"], series["remapped_rows", "0", "uncorrected"]) == (2, 1)
    assert (series["row_remap_pending", "0"], series["row_remap_failed", "0"]) == (1, 0)
    assert series["retired_pages", "0", "corrected"] == series["page_retirement_pending", "0"] == 0


def test_bytes_and_errors_of_the_wires(gpus):
    control, child = gpus(1)
    series = child.until(up)
    assert series["pcie_bytes_total", "0", "sent"] == 5 << 30
    assert series["nvlink_bytes_total", "0", "received"] == 20 << 30
    assert series["pcie_replays_total", "0"] == 7
    assert series["pcie_errors_total", "0", "correctable"] == 4
    links = {key[2]: value for key, value in series.items() if key[0] == "nvlink_errors_total"}
    assert links == {"crc_flit": 0, "ecc": 0, "replay": 5, "recovery": 1, "crc_data": 2}
    for field in (197, 138, 161):
        control.put(0, "field", field, 0)
    series = child.until(lambda series: ("nvlink_errors_total", "0", "replay") not in series)
    assert ("pcie_bytes_total", "0", "sent") not in series
    assert ("nvlink_bytes_total", "0", "sent") not in series
    assert ("nvlink_bytes_total", "0", "received") in series
    assert series["up", "0"] == 1


def test_a_blackwell_counts_over_all_links(gpus):
    control, child = gpus(1)
    for field in (138, 139, 38, 160, 161, 162, 163):
        control.put(0, "field", field, 0)
    for field, count in {202: 3 << 20, 204: 4 << 20, 208: 1, 213: 6, 214: 2, 221: 900}.items():
        control.put(0, "field", field, count + 1)
    series = child.until(lambda series: ("nvlink_errors_total", "0", "symbol") in series)
    assert series["nvlink_bytes_total", "0", "sent"] == 3 << 20
    assert series["nvlink_bytes_total", "0", "received"] == 4 << 20
    links = {key[2]: value for key, value in series.items() if key[0] == "nvlink_errors_total"}
    assert links == {"receive": 1, "recovery": 6, "recovery_failed": 2, "symbol": 900}


def test_of_two_counts_of_the_same_the_first_is_told(gpus):
    control, child = gpus(1)
    control.put(0, "field", 202, 5)
    control.put(0, "field", 213, 9)
    series = child.until(lambda series: series.get(("nvlink_errors_total", "0", "recovery")) == 8)
    assert series["nvlink_bytes_total", "0", "sent"] == 10 << 30
