"""What sampling asks of a GPU, against the published table."""

import time
from pathlib import Path

import pytest

from tocsin_agent.gpu.answer import AGAIN_S
from tocsin_agent.gpu.groups import GROUPS, PULSE, WAITS

BUDGET = 15
"""NVML calls a GPU and second at the shipped default."""
ONCE = {
    "nvmlDeviceGetHandleByIndex_v2", "nvmlDeviceGetUUID", "nvmlDeviceGetName", "nvmlDeviceRegisterEvents",
    "nvmlDeviceGetPciInfo_v3",
}  # fmt: skip
"""When a GPU is found."""
PAGE = Path(__file__).parents[3] / "docs/reference/nvml-calls.md"
INTERVAL_S = 0.1
SECONDS = 60
"""Of the table's time; the test's runs ten times as fast."""
POWER, UTILIZATION = 0, 1
"""Rings of samples; the second is also the bit of utilisation in what the GPU does not support."""


def _calls(calls):
    return ", ".join(f"`{call}`: {count}" for call, count in calls.items())


def sampled(control):
    return control.counted(0)["nvmlDeviceGetTemperature"]


def test_the_page_is_the_table():
    rows = [f"| {group.name} | {group.period_s:g} | {_calls(group.calls)} |" for group in GROUPS]
    page = PAGE.read_text()
    assert [line for line in page.splitlines() if "`nvml" in line and line.startswith("|")] == [
        *rows, f"| pulse | 0.1, if asked for | {_calls(PULSE)} |", f"| xid | {1 / WAITS:g} | `nvmlEventSetWait_v2`: 1 |"
    ]  # fmt: skip


def measured(control, child):
    """Calls by function, and the seconds of the table that they took: more than samples on a busy machine."""
    child.until(lambda series: ("xid_errors_total", "0", "79") in series)
    before, samples, started = control.counted(0), sampled(control), time.monotonic()
    child.until(lambda series: sampled(control) >= samples + SECONDS, limit_s=30)
    calls = {name: count - before[name] for name, count in control.counted(0).items()}
    return calls, max(sampled(control) - samples, (time.monotonic() - started) / INTERVAL_S)


def as_the_table_tells(calls, seconds):
    waits = calls.pop("nvmlEventSetWait_v2")
    for name, count in calls.items():
        # A period that began before the test may end in it, and one may end after it; a sample that comes late may be
        # half an interval before the next period.
        allowed = sum((seconds / max(group.period_s - 0.5, 1) + 1) * group.calls.get(name, 0) for group in GROUPS)
        assert count <= allowed, name
    assert 0 < waits <= WAITS * (seconds + 2)
    assert sum(calls.values()) / seconds + WAITS <= BUDGET


@pytest.mark.system
def test_a_gpu_is_asked_as_the_table_tells_and_at_most_fifteen_times_a_second(gpus):
    control, child = gpus(1, interval_s=INTERVAL_S)
    for ring in (POWER, UTILIZATION):
        control.sample(0, ring, 1, 100)
    calls, seconds = measured(control, child)
    assert not {name for name in ONCE if calls[name]}
    as_the_table_tells(calls, seconds)


@pytest.mark.system
def test_a_gpu_of_seven_instances_is_asked_no_more_than_a_whole_one_may_be(gpus):
    control, child = gpus(1, interval_s=INTERVAL_S)
    control.sample(0, POWER, 1, 100_000)
    control.cut(0, *((place, 7 + place, 0, 1, 10, 1 << 30, 0) for place in range(7)))
    child.until(lambda series: len([key for key in series if key[0] == "mig_info"]) == 7)
    calls, seconds = measured(control, child)
    assert not {name for name in ONCE - {"nvmlDeviceGetUUID"} if calls[name]}
    as_the_table_tells(calls, seconds)


@pytest.mark.system
def test_what_a_gpu_refuses_is_not_asked_again_at_each_sample(gpus):
    control, child = gpus(1, interval_s=INTERVAL_S)
    control.set(0, unsupported=UTILIZATION)
    child.until(lambda series: series.get(("up", "0")) == 1 and ("utilization_ratio", "0") not in series)
    calls, seconds = measured(control, child)
    assert calls["nvmlDeviceGetPowerUsage"] >= SECONDS - 1
    assert 0 < calls["nvmlDeviceGetUtilizationRates"] <= seconds / AGAIN_S + 1
    control.set(0, unsupported=0)
    child.until(lambda series: ("utilization_ratio", "0") in series)
