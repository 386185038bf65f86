"""What GPUs and drivers do to a sampler, done by a fake library to the real source in a real process."""

import os
import subprocess
import sys
import time

import pytest

from tests.agent.agent_process import Agent

pytestmark = pytest.mark.system

VALUES = (
    "utilization_ratio", "memory_used_bytes", "memory_total_bytes", "power_watts", "power_limit_watts",
    "energy_joules_total", "temperature_celsius", "utilization_busy_seconds_total",
)  # fmt: skip
BOTH_UP = {("up", "0"): 1, ("up", "1"): 1}
STATES = ("up", "down", "releasing", "released")
DRIVER_DOWN = {("driver_up",): 0, **{("driver_state", state): state == "down" for state in STATES}}
LOST, RESET_REQUIRED, UNKNOWN = 15, 16, 999


def both_up(series):
    return BOTH_UP.items() <= series.items()


def values_of(series, gpu):
    return {key[0] for key in series if key[0] in VALUES and key[1] == gpu}


def test_a_healthy_gpu_gives_every_series_in_base_units(gpus):
    _, child = gpus(1)
    series = child.until(lambda series: series.get(("up", "0")) == 1)
    assert series["utilization_ratio", "0"] == 0.4
    assert series["memory_used_bytes", "0"] == 20 << 30
    assert series["memory_total_bytes", "0"] == 80 << 30
    assert series["power_watts", "0"] == 350.5
    assert series["power_limit_watts", "0"] == 700
    assert series["energy_joules_total", "0"] == pytest.approx(123_456.789)
    assert series["temperature_celsius", "0"] == 61
    assert series["ecc_errors_total", "0", "corrected"] == 3
    assert series["ecc_errors_total", "0", "uncorrected"] == 1
    assert series["xid_errors_total", "0", "79"] == 0
    assert series["driver_up",] == 1
    assert 0 <= series["sample_age_seconds", "0"] < 2
    text = child.ask()
    assert 'uuid="GPU-000000a0",name="Fake \\"H100\\" 80GB",driver="570.1"' in text


def test_a_live_value_follows_and_busy_seconds_integrate(gpus):
    control, child = gpus(1)
    first = child.until(lambda series: series.get(("up", "0")) == 1)
    control.set(0, utilization=100, power_mw=1000)
    child.until(lambda series: series["utilization_ratio", "0"] == 1 and series["power_watts", "0"] == 1)
    key = ("utilization_busy_seconds_total", "0")
    child.until(lambda series: series[key] > first[key] + 0.2)
    control.set(0, utilization=0)
    still = child.until(lambda series: series["utilization_ratio", "0"] == 0)[key]
    calls = control.get(0, "calls")
    child.until(lambda series: control.get(0, "calls") > calls + 30)
    assert child.read()[key] == pytest.approx(still, abs=1e-9)


@pytest.mark.parametrize("code", [LOST, RESET_REQUIRED, UNKNOWN])
def test_a_failing_gpu_loses_its_values_and_recovers_alone(gpus, code):
    control, child = gpus(2)
    before = child.until(both_up)
    control.set(1, ret=code)
    series = child.until(lambda series: series["up", "1"] == 0)
    assert values_of(series, "1") == set()
    assert values_of(series, "0") == set(VALUES)
    assert sum(count for key, count in series.items() if key[:2] == ("errors_total", "1")) >= 1
    aged = child.until(lambda series: series["sample_age_seconds", "1"] > 0.3)
    assert aged["up", "0"] == 1
    control.set(1, ret=0)
    after = child.until(both_up)
    assert values_of(after, "1") == set(VALUES)
    assert after["utilization_busy_seconds_total", "1"] >= before["utilization_busy_seconds_total", "1"]
    assert control.get(None, "init_calls") == 1


def test_a_hung_gpu_goes_stale_alone_costs_one_thread_and_does_not_hold_up_the_end(gpus):
    control, child = gpus(2)
    child.until(both_up)
    control.set(1, hang=1)
    series = child.until(lambda series: series["up", "1"] == 0)
    assert values_of(series, "1") == set()
    assert series["sample_age_seconds", "1"] > 2
    calls = control.get(0, "calls"), control.get(1, "calls")
    series = child.until(lambda series: control.get(0, "calls") > calls[0] + 50)
    assert series["up", "0"] == 1
    assert values_of(series, "0") == set(VALUES)
    assert control.get(1, "calls") <= calls[1] + 1
    assert sorted(child.ask("threads").split()) == ["MainThread", "gpu-driver", "gpu-sampler", "gpu-sampler", "gpu-xid"]
    assert child.close() < 5


def test_a_hung_gpu_that_returns_is_sampled_again(gpus):
    control, child = gpus(2)
    child.until(both_up)
    control.set(1, hang=1)
    child.until(lambda series: series["up", "1"] == 0)
    control.set(1, hang=0)
    child.until(both_up)


def test_the_time_in_which_a_gpu_hung_is_not_counted_as_busy(gpus):
    control, child = gpus(1)
    control.set(0, utilization=100)
    child.until(lambda series: series.get(("utilization_ratio", "0")) == 1)
    key = ("utilization_busy_seconds_total", "0")
    control.set(0, hang=1)
    before = child.read()[key]
    child.until(lambda series: series["sample_age_seconds", "0"] > 2.5)  # clearly longer than a slow sample
    control.set(0, hang=0)
    after = child.until(lambda series: series["up", "0"] == 1)[key]
    assert before <= after < before + 1


def test_a_hang_in_init_leaves_the_scrape_alone(gpus):
    control, child = gpus(2, init_hang=1)
    series = child.until(lambda series: control.get(None, "init_calls") and ("driver_up",) in series)
    assert series == DRIVER_DOWN
    control.set(init_hang=0)
    child.until(both_up)


def test_a_driver_that_is_not_loaded_yet_is_waited_for(gpus):
    control, child = gpus(2, loads=0)
    series = child.until(lambda series: control.get(None, "init_calls") and ("driver_up",) in series)
    assert series == DRIVER_DOWN
    control.set(loads=1)
    child.until(both_up)


def test_what_a_gpu_does_not_support_is_absent_not_zero(gpus):
    control, child = gpus(1)
    control.set(0, unsupported=4 | 16 | 32 | 64 | 128)
    child.until(lambda series: series.get(("up", "0")) == 1 and ("power_watts", "0") not in series)
    series = child.read()
    assert values_of(series, "0") == {
        "utilization_ratio", "memory_used_bytes", "memory_total_bytes", "power_limit_watts",
        "utilization_busy_seconds_total",
    }  # fmt: skip
    assert not any(key[0] in ("ecc_errors_total", "errors_total") for key in series)


def test_functions_that_an_old_driver_lacks_are_absent(gpus):
    _, child = gpus(1, driver="old")
    series = child.until(lambda series: series.get(("up", "0")) == 1)
    assert values_of(series, "0") == set(VALUES) - {"energy_joules_total"}
    assert series["memory_used_bytes", "0"] == 20 << 30
    assert not any(key[0] == "xid_errors_total" for key in series)


def test_garbage_is_dropped_and_counted(gpus):
    control, child = gpus(1)
    child.until(lambda series: series.get(("up", "0")) == 1)
    control.set(0, utilization=905, memory_used=81 << 30, energy_mj=2**64 - 1)
    series = child.until(lambda series: ("utilization_ratio", "0") not in series)
    assert values_of(series, "0") == {"memory_total_bytes", "power_watts", "power_limit_watts", "temperature_celsius"}
    assert series["up", "0"] == 1
    assert series["errors_total", "0", "garbage"] >= 3


def test_every_xid_is_counted_once_and_no_scrape_resets_it(gpus):
    control, child = gpus(2)
    child.until(lambda series: both_up(series) and ("xid_errors_total", "1", "79") in series)
    control.xid(1, 79)
    child.until(lambda series: series["xid_errors_total", "1", "79"] == 1)
    control.xid(1, 79)
    child.until(lambda series: series["xid_errors_total", "1", "79"] == 2)
    control.xid(1, 31)
    series = child.until(lambda series: ("xid_errors_total", "1", "31") in series)
    assert (series["xid_errors_total", "1", "79"], series["xid_errors_total", "1", "31"]) == (2, 1)
    assert series["xid_errors_total", "0", "79"] == 0
    assert child.read()["xid_errors_total", "1", "79"] == 2


def test_the_xid_of_a_hung_gpu_is_counted(gpus):
    control, child = gpus(1)
    child.until(lambda series: ("xid_errors_total", "0", "79") in series)
    control.set(0, hang=1)
    control.xid(0, 119)
    child.until(lambda series: series["xid_errors_total", "0", "119"] == 1)


def test_a_lost_gpu_does_not_take_the_xids_of_the_others(gpus):
    control, child = gpus(2)
    child.until(lambda series: ("xid_errors_total", "1", "79") in series)
    control.set(0, ret=LOST)
    child.until(lambda series: series["up", "0"] == 0)
    control.xid(1, 48)
    child.until(lambda series: series["xid_errors_total", "1", "48"] == 1)


def test_a_set_that_cannot_be_let_go_of_does_not_end_the_watch(gpus):
    control, child = gpus(1, free_ret=UNKNOWN)
    child.until(lambda series: ("xid_errors_total", "0", "79") in series)
    control.set(0, ret=LOST)
    child.until(lambda series: series["up", "0"] == 0)
    control.set(0, ret=0)
    child.until(lambda series: series["up", "0"] == 1)
    seen = 0
    while child.read()["xid_errors_total", "0", "79"] < 3:  # the new watch sees what happens after it has begun
        seen += 1
        assert seen < 400
        control.xid(0, 79)
        time.sleep(0.01)


@pytest.mark.parametrize("code", [4, 3])
def test_a_gpu_whose_xids_may_not_be_watched_keeps_its_values(gpus, code):
    control, child = gpus(1, register_ret=code)
    child.until(lambda series: series.get(("up", "0")) == 1)
    calls = control.get(0, "calls")
    series = child.until(lambda series: control.get(0, "calls") > calls + 60)
    assert series["up", "0"] == 1
    assert not [key for key in series if key[0] in ("xid_errors_total", "errors_total")]


def test_a_driver_reload_is_survived_and_gpus_are_found_anew(gpus):
    control, child = gpus(2)
    child.until(lambda series: both_up(series) and ("xid_errors_total", "1", "79") in series)
    control.set(loads=0)
    series = child.until(lambda series: series["up", "0"] == series["up", "1"] == 0)
    assert values_of(series, "0") == values_of(series, "1") == set()
    for gpu, identity in ((0, 0xA1), (1, 0xA0)):
        control.set(gpu, identity=identity)
    control.set(loads=2)
    child.until(both_up)
    text = child.ask()
    assert 'gpu="0",uuid="GPU-000000a1",name="Fake \\"H100\\" 80GB",driver="570.2"' in text
    assert control.get(None, "shutdown_calls") >= 1
    control.xid(0, 94)
    child.until(lambda series: series.get(("xid_errors_total", "0", "94")) == 1)


def test_without_the_library_nothing_is_imported_and_nothing_told():
    code = """if True:
        import sys, threading
        from tocsin_agent.sources.gpu import SOURCE
        source = SOURCE({"gpu.enabled": True, "gpu.interval_s": 1.0})
        assert source.read() == b""
        source.close()
        assert threading.active_count() == 1
        assert not {"pynvml", "ctypes", "tocsin_agent.gpu.driver", "tocsin_schema.metrics.gpu"} & set(sys.modules)
        assert "_ctypes" in sys.modules
    """
    environ = {**os.environ, "LD_LIBRARY_PATH": ""}
    subprocess.run([sys.executable, "-c", code], env=environ, check=True, timeout=20)


def test_a_library_that_appears_later_is_found(gpus, compiled, tmp_path):
    library = tmp_path / "library"
    library.mkdir()
    _, child = gpus(1, driver=library)
    assert child.read() == {}
    assert child.post("/-/gpus/take") == (503, "not taken yet: the library of the driver is not there")
    assert child.post("/-/gpus/release") == (200, "released")
    name = "libnvidia-ml.so.1"
    (library / name).symlink_to(compiled["new"] / name)
    child.until(lambda series: series.get(("up", "0")) == 1)


def test_the_first_read_waits_for_the_first_sample(gpus):
    _, child = gpus(2)
    assert both_up(child.read())


def test_the_agent_shows_its_gpus(compiled, steered, tmp_path):
    config = tmp_path / "agent.toml"
    config.write_text('sources = ["gpu"]\n[gpu]\ninterval_s = 0.1\n')
    control = steered(2)
    with Agent(config, LD_LIBRARY_PATH=str(compiled["new"]), TOCSIN_FAKE_NVML=str(control.path)) as agent:
        assert agent.metrics().count("\ntocsin_gpu_up{") == 2
        control.set(1, hang=1)
        deadline = time.monotonic() + 10
        while 'tocsin_gpu_up{gpu="1",uuid="GPU-000000a1"} 0' not in (page := agent.metrics()):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert 'tocsin_gpu_up{gpu="0",uuid="GPU-000000a0"} 1' in page
        assert 'node_scrape_collector_success{collector="gpu"} 1' in page
        agent.stop()
