"""What a GPU's own counters tell (GPM): means over the whole of a period, and seconds that nobody resets."""

import time

import pytest

pytestmark = pytest.mark.system

SM, TENSOR = 2, 5


def shares(series):
    return {key[2]: value for key, value in series.items() if key[0] == "activity_ratio"}


def seconds(series):
    return {key[2]: value for key, value in series.items() if key[0] == "activity_seconds_total"}


def test_what_the_parts_do_is_told_as_shares(gpus):
    _, child = gpus(1)
    assert shares(child.until(shares)) == {
        "sm": 0.6, "sm_occupancy": 0.3, "tensor": 0.45, "tensor_dfma": 0, "tensor_hmma": 0.44, "tensor_imma": 0.01,
        "dram": 0.55, "fp64": 0, "fp32": 0.07, "fp16": 0.02,
    }  # fmt: skip


def test_seconds_add_up_to_what_was_done_between_two_scrapes(gpus):
    control, child = gpus(1)
    control.share(0, SM, 80)
    first, at = child.until(lambda series: seconds(series).get("sm", 0) > 0), time.monotonic()
    last = child.until(lambda series: seconds(series)["sm"] > seconds(first)["sm"] + 1)
    passed_s = time.monotonic() - at
    done_s = seconds(last)["sm"] - seconds(first)["sm"]
    # Two samples are 0.1 s apart, and each end of the time may fall between two.
    assert done_s == pytest.approx(0.8 * passed_s, abs=0.8 * 0.3)
    assert seconds(child.read())["sm"] >= seconds(last)["sm"]


def test_a_part_that_the_gpu_does_not_count_is_absent(gpus):
    control, child = gpus(1)
    control.share(0, TENSOR, None)
    series = child.until(lambda series: "sm" in shares(series) and "tensor" not in shares(series))
    assert "tensor" not in seconds(series)
    assert series["up", "0"] == 1


def test_a_gpu_without_counters_is_asked_for_none(gpus):
    control, child = gpus(1)
    child.until(shares)
    control.put(0, "gpm", 0, 0)
    series = child.until(lambda series: not shares(series))
    assert not seconds(series)
    assert series["up", "0"] == 1


@pytest.mark.parametrize("driver", ["new", "old"])
def test_before_hopper_there_is_nothing(compiled, steered, gpus, driver):
    control, child = gpus(1, driver=driver)
    control.put(0, "gpm", 0, 0)
    control.set(0, ret=15)
    child.until(lambda series: series.get(("up", "0")) == 0)
    taken = control.counted(0)["nvmlGpmSampleGet"]
    control.set(0, ret=0)
    child.until(lambda series: series["up", "0"] == 1)
    calls = control.get(0, "calls")
    series = child.until(lambda _: control.get(0, "calls") > calls + 100)
    assert not shares(series)
    assert control.counted(0)["nvmlGpmSampleGet"] == taken


def test_a_share_too_high_to_be_true_is_counted_as_garbage_and_not_added_up(gpus):
    control, child = gpus(1)
    child.until(shares)
    control.share(0, SM, 905)
    child.until(lambda series: "sm" not in shares(series))
    before = seconds(child.read())["sm"]
    samples = control.counted(0)["nvmlGpmMetricsGet"]
    series = child.until(
        lambda series: control.counted(0)["nvmlGpmMetricsGet"] > samples + 3 and "sm" in seconds(series)
    )
    assert seconds(series)["sm"] == before
    assert series["errors_total", "0", "garbage"] >= 1
    control.share(0, SM, 100.5)
    child.until(lambda series: shares(series).get("sm") == 1)


def test_samples_that_fail_leave_the_gpu_as_it_is(gpus):
    control, child = gpus(1)
    before = child.until(shares)
    control.put(0, "gpm", 0, 999)
    series = child.until(lambda series: not shares(series))
    assert series["up", "0"] == 1
    assert not [key for key in series if key[0] == "errors_total"]
    control.put(0, "gpm", 0, 1)
    after = child.until(shares)
    assert seconds(after)["sm"] >= seconds(before)["sm"]


def test_seconds_survive_a_reload_of_the_driver(gpus):
    control, child = gpus(1)
    before = child.until(lambda series: seconds(series).get("sm", 0) > 0.1)
    control.set(loads=0)
    child.until(lambda series: series["up", "0"] == 0 and not seconds(series))
    control.set(loads=2)
    after = child.until(shares)
    assert seconds(after)["sm"] >= seconds(before)["sm"]
