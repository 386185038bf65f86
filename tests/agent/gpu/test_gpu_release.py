"""GPUs are let go of on request and taken again: what is open is looked up in the kernel, not in the agent."""

import os
import time
import urllib.error
import urllib.request

import pytest

from tests.agent.agent_process import Agent

pytestmark = pytest.mark.system

RELEASE, TAKE = "/-/gpus/release", "/-/gpus/take"
BOTH = {"nvidiactl", "nvidia0", "nvidia1"}
WITHIN_S = 2.0


def both_up(series):
    return series.get(("up", "0")) == series.get(("up", "1")) == 1


def state(series):
    return [key[1] for key, value in series.items() if key[0] == "driver_state" and value]


def gpus_of(series):
    return {key for key in series if len(key) > 1 and key[0] != "driver_state" and not key[0].startswith("xid")}


def took(request):
    began = time.monotonic()
    answer = request()
    return answer, time.monotonic() - began


def test_every_handle_is_closed_within_two_seconds_and_taken_again(gpus):
    control, child = gpus(2, interval_s=1.0)
    before = child.until(both_up)
    assert child.held() == BOTH
    answer, took_s = took(lambda: child.post(RELEASE))
    assert answer == (200, "released")
    assert took_s <= WITHIN_S
    assert child.held() == set()
    series = child.read()
    assert state(series) == ["released"]
    assert gpus_of(series) == set()
    assert ("driver_up",) not in series
    assert series["xid_errors_total", "0", "79"] == 0
    calls = control.get(0, "calls")
    answer, took_s = took(lambda: child.post(TAKE))
    assert answer == (200, "taken")
    assert took_s <= WITHIN_S
    after = child.read()
    assert both_up(after)
    assert after.keys() == before.keys()
    assert state(after) == ["up"]
    assert child.held() == BOTH
    assert control.get(0, "calls") > calls
    key = ("utilization_busy_seconds_total", "0")
    assert after[key] >= before[key]


def test_nothing_is_asked_of_the_driver_while_it_is_released(gpus):
    control, child = gpus(1)
    child.until(lambda series: series.get(("up", "0")) == 1)
    assert child.post(RELEASE)[0] == 200
    calls, inits = control.get(0, "calls"), control.get(None, "init_calls")
    deadline = time.monotonic() + 1
    while time.monotonic() < deadline:
        assert state(child.read()) == ["released"]
        time.sleep(0.05)
    assert (control.get(0, "calls"), control.get(None, "init_calls")) == (calls, inits)
    assert child.post(RELEASE) == (200, "released")
    assert child.post(TAKE) == (200, "taken")
    assert child.post(TAKE) == (200, "taken")


def test_event_sets_are_freed_before_the_end(gpus):
    control, child = gpus(2)
    child.until(lambda series: both_up(series) and control.tail("sets") == 2)
    assert child.post(RELEASE)[0] == 200
    assert control.tail("sets") == 0


def test_a_gpu_that_hangs_is_not_called_released_and_the_reason_is_told(gpus):
    control, child = gpus(2)
    child.until(both_up)
    control.set(1, hang=1)
    child.until(lambda series: series["up", "1"] == 0)
    (status, said), took_s = took(lambda: child.post(RELEASE))
    assert status == 503
    assert said.startswith("not released yet: GPU 1 has been in a call of the driver for ")
    assert took_s < WITHIN_S + 0.5
    assert "nvidia1" in child.held()
    series = child.read()
    assert state(series) == ["releasing"]
    assert gpus_of(series) == set()
    # What was asked for comes about as soon as the call returns.
    control.set(1, hang=0)
    began = time.monotonic()
    child.until(lambda series: state(series) == ["released"])
    assert child.held() == set()
    assert time.monotonic() - began <= WITHIN_S
    assert child.post(TAKE) == (200, "taken")


def test_gpus_given_back_while_one_hangs_go_on_as_they_were(gpus):
    control, child = gpus(2)
    child.until(both_up)
    control.set(1, hang=1)
    child.until(lambda series: series["up", "1"] == 0)
    assert child.post(RELEASE)[0] == 503
    assert child.post(TAKE) == (503, "not taken yet: GPU 1 has not answered yet")
    series = child.until(lambda series: series.get(("up", "0")) == 1)
    assert series["up", "1"] == 0
    assert control.get(None, "init_calls") == 1
    control.set(1, hang=0)
    child.until(both_up)


@pytest.mark.parametrize("function", ["nvmlInitWithFlags", "nvmlShutdown", "nvmlEventSetFree"])
def test_a_hang_at_the_start_or_the_end_is_told_as_such(gpus, function):
    control, child = gpus(1, loads=0)
    child.until(lambda series: control.get(None, "init_calls") and ("driver_up",) in series)
    control.fault(None, function, hang=1)
    control.set(loads=1)
    if function == "nvmlInitWithFlags":
        inits = control.get(None, "init_calls")
        child.until(lambda _: control.get(None, "init_calls") > inits)
    else:
        child.until(lambda series: series.get(("up", "0")) == 1 and control.tail("sets") == 1)
    status, said = child.post(RELEASE)
    assert status == 503
    assert "NVML's start or end has been in a call of the driver for " in said
    control.fault(None, function)
    child.until(lambda series: state(series) == ["released"])
    assert child.held() == set()


def test_an_end_that_fails_is_not_called_released(gpus):
    control, child = gpus(1)
    child.until(lambda series: series.get(("up", "0")) == 1)
    control.fault(None, "nvmlShutdown", ret=999)
    assert child.post(RELEASE) == (503, "not released yet: nvmlShutdown: Unknown Error")
    assert child.held() == {"nvidiactl", "nvidia0"}
    control.fault(None, "nvmlShutdown")
    child.until(lambda series: state(series) == ["released"])
    assert child.held() == set()


def test_a_driver_that_does_not_come_back_is_told_with_its_own_reason(gpus):
    control, child = gpus(1)
    child.until(lambda series: series.get(("up", "0")) == 1)
    assert child.post(RELEASE)[0] == 200
    control.set(loads=0)
    assert child.post(TAKE) == (503, "not taken yet: Driver Not Loaded")
    control.set(loads=2)
    child.until(lambda series: series.get(("up", "0")) == 1, limit_s=WITHIN_S + 0.5)


def test_a_gpu_that_was_given_away_is_forgotten_and_no_alarm(gpus):
    control, child = gpus(2)
    child.until(both_up)
    assert child.post(RELEASE)[0] == 200
    control.set(count=1)
    assert child.post(TAKE) == (200, "taken")
    series = child.read()
    assert series["up", "0"] == 1
    assert ("up", "1") not in series
    control.set(count=2)
    child.until(both_up)


def test_the_next_driver_is_taken_without_a_restart(gpus, compiled, tmp_path):
    library = tmp_path / "library"
    library.mkdir()
    there = library / "libnvidia-ml.so.1"
    there.symlink_to(compiled["new"] / there.name)
    control, child = gpus(1, driver=library, module=1)
    child.until(lambda series: series.get(("up", "0")) == 1)
    assert child.post(RELEASE)[0] == 200
    there.unlink()
    there.symlink_to(compiled["next"] / there.name)
    control.tail("module", 2)
    control.set(loads=2)
    assert child.post(TAKE) == (200, "taken")
    assert 'driver="580.2"' in child.ask()


def test_a_driver_that_was_replaced_unasked_is_found_by_its_refusal(gpus, compiled, tmp_path):
    library = tmp_path / "library"
    library.mkdir()
    there = library / "libnvidia-ml.so.1"
    there.symlink_to(compiled["new"] / there.name)
    control, child = gpus(1, driver=library, module=1)
    child.until(lambda series: series.get(("up", "0")) == 1)
    control.tail("module", 2)
    control.set(loads=2)  # the library of before refuses the new module
    child.until(lambda series: state(series) == ["down"])
    there.unlink()
    there.symlink_to(compiled["next"] / there.name)
    child.until(lambda series: series.get(("up", "0")) == 1, limit_s=WITHIN_S + 0.5)
    assert 'driver="580.2"' in child.ask()


def test_an_unbind_that_waits_in_the_kernel_need_not_ask(gpus, tmp_path):
    log = tmp_path / "kmsg"
    log.touch()
    control, child = gpus(2, kmsg=log)
    child.until(both_up)
    with log.open("a") as file:
        file.write("3,1,2,-;NVRM: Attempting to remove device 0000:a1:00.0 with non-zero usage count!\n")
    child.until(lambda series: state(series) == ["released"], limit_s=WITHIN_S)
    assert child.held() == set()
    control.set(count=1)
    with log.open("a") as file:
        file.write("3,2,3,-;NVRM: Continuing with GPU removal for device 0000:a1:00.0\n")
    series = child.until(lambda series: series.get(("up", "0")) == 1)
    assert ("up", "1") not in series
    said = child.log.read_text()
    assert "gpus_asked_for by=" in said
    assert "gpus_given_back" in said


def test_what_an_operator_asked_for_is_not_given_back_by_the_kernel(gpus, tmp_path):
    log = tmp_path / "kmsg"
    log.touch()
    control, child = gpus(1, kmsg=log)
    child.until(lambda series: series.get(("up", "0")) == 1)
    assert child.post(RELEASE)[0] == 200
    with log.open("a") as file:
        file.write("3,1,2,-;NVRM: Attempting to remove device 0000:a0:00.0 with non-zero usage count!\n")
        file.write("3,2,3,-;NVRM: Continuing with GPU removal for device 0000:a0:00.0\n")
    inits, deadline = control.get(None, "init_calls"), time.monotonic() + 3
    while time.monotonic() < deadline:
        assert state(child.read()) == ["released"]
        time.sleep(0.05)
    assert control.get(None, "init_calls") == inits


def ask(url, headers=None, method="POST"):
    request = urllib.request.Request(url, method=method, headers=headers or {})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_the_agent_answers_an_operator_on_this_host_and_nobody_else(compiled, steered, tmp_path):
    config = tmp_path / "agent.toml"
    config.write_text('sources = ["gpu"]\nkmsg = ""\n')
    control = steered(1)
    devices = tmp_path / "dev"
    devices.mkdir()
    environ = {
        "LD_LIBRARY_PATH": str(compiled["new"]), "TOCSIN_FAKE_NVML": str(control.path), "TOCSIN_FAKE_DEV": str(devices),
    }  # fmt: skip
    with Agent(config, **environ) as agent:
        assert 'tocsin_gpu_up{gpu="0"' in agent.metrics()
        url = agent.url + RELEASE
        assert ask(url, method="GET")[0] == 405
        for header in ("Origin", "X-Forwarded-For", "Via", "Sec-Fetch-Site"):
            status, said = ask(url, {header: "anything"})
            assert status == 403
            assert header.lower() in said
        assert 'tocsin_gpu_driver_state{state="up"} 1' in agent.metrics()
        assert ask(url) == (200, "released\n")
        held = [os.readlink(entry.path) for entry in os.scandir(f"/proc/{agent.process.pid}/fd")]
        assert not [path for path in held if path.startswith(str(devices))]
        assert ask(agent.url + TAKE) == (200, "taken\n")
        assert 'tocsin_gpu_up{gpu="0",uuid="GPU-000000a0"} 1' in agent.metrics()
        agent.stop()
