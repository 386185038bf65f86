"""What sampling asks of a GPU, against the published table."""

from pathlib import Path

import pytest

from tocsin_agent.gpu.groups import GROUPS, WAITS

BUDGET = 15
"""NVML calls a GPU and second at the shipped default."""
ONCE = {"nvmlDeviceGetHandleByIndex_v2", "nvmlDeviceGetUUID", "nvmlDeviceGetName", "nvmlDeviceRegisterEvents"}
"""When a GPU is found."""
PAGE = Path(__file__).parents[3] / "docs/reference/nvml-calls.md"
SECONDS = 40
"""Of the table's time; the test's runs ten times as fast."""


def _calls(group):
    return ", ".join(f"`{call}`: {count}" for call, count in group.calls.items())


def sampled(control):
    return control.counted(0)["nvmlDeviceGetTemperature"]


def test_the_page_is_the_table():
    rows = [f"| {group.name} | {group.period_s:g} | {_calls(group)} |" for group in GROUPS]
    page = PAGE.read_text()
    assert [line for line in page.splitlines() if "`nvml" in line and line.startswith("|")] == [
        *rows, f"| xid | {1 / WAITS:g} | `nvmlEventSetWait_v2`: 1 |"
    ]  # fmt: skip


@pytest.mark.system
def test_a_gpu_is_asked_as_the_table_tells_and_at_most_fifteen_times_a_second(gpus):
    control, child = gpus(1, interval_s=0.1)
    child.until(lambda series: ("xid_errors_total", "0", "79") in series)
    before, samples = control.counted(0), sampled(control)
    child.until(lambda series: sampled(control) >= samples + SECONDS, limit_s=30)
    calls = {name: count - before[name] for name, count in control.counted(0).items()}
    seconds = sampled(control) - samples
    waits = calls.pop("nvmlEventSetWait_v2")
    assert not {name for name in ONCE if calls.pop(name)}
    for name, count in calls.items():
        # A period that began before the test may end in it, and one may end after it.
        allowed = sum((seconds / group.period_s + 1) * group.calls.get(name, 0) for group in GROUPS)
        assert count <= allowed, name
    # Waits have their own pace, which a test cannot hurry.
    assert 0 < waits <= WAITS * (seconds * 0.1 * 1.5 + 2)
    assert sum(calls.values()) / seconds + WAITS <= BUDGET
