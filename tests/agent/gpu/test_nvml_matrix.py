"""Every function of NVML that the agent calls, failing and hanging, and what drivers do besides: the failure matrix.

For each scenario: no sample of a healthy GPU is lost (each of the driver's own samples is counted once, and more come
than its ring holds in a second), no page shows a value that is older than 3 s, and all is back 2 s after the end of the
fault, without a restart. The first two hold of every page that is read on the way.

Most scenarios share a process that samples eight GPUs every 40 ms, where a value is stale after 2 s; the last ones run
at the shipped default of one sample a second, where it is after 3 s.
"""

import os
import re
import time

import pytest

from tests.agent.gpu.conftest import FUNCTIONS, Child, Control

pytestmark = pytest.mark.system

STALE_S, BACK_S = 3.0, 2.0
SLACK_S = 0.5
"""For a page to be asked for and read on a busy machine."""
UTILIZATION = 1
VITAL = ("utilization_ratio", "memory_total_bytes", "power_watts", "temperature_celsius")
LOST, NOT_SUPPORTED, NO_PERMISSION, NO_FUNCTION, RESET_REQUIRED, UNKNOWN = 15, 3, 4, 13, 16, 999
INVALID_ARGUMENT = 2
HEALTHY, SICK = 0, 1
ONCE = ("nvmlDeviceGetHandleByIndex_v2", "nvmlDeviceGetUUID", "nvmlDeviceGetName")
"""When a GPU is found."""
XIDS = ("nvmlDeviceGetPciInfo_v3", "nvmlDeviceRegisterEvents")
"""After that, for its XIDs only."""
OUTSIDE = (
    "nvmlInitWithFlags", "nvmlShutdown", "nvmlSystemGetDriverVersion", "nvmlDeviceGetCount_v2", "nvmlEventSetCreate",
    "nvmlEventSetFree", "nvmlEventSetWait_v2",
)  # fmt: skip
SAMPLING = {
    "nvmlDeviceGetUtilizationRates": {
        "utilization_ratio", "memory_utilization_ratio", "utilization_busy_seconds_total",
        "utilization_sampled_ratio_bucket", "utilization_sampled_ratio_sum", "utilization_sampled_ratio_count",
    },
    "nvmlDeviceGetMemoryInfo_v2": set(),
    "nvmlDeviceGetPowerUsage": {"power_watts"},
    "nvmlDeviceGetEnforcedPowerLimit": {"power_limit_watts"},
    "nvmlDeviceGetTemperature": {"temperature_celsius"},
    "nvmlDeviceGetTotalEccErrors": {"ecc_errors_total"},
    "nvmlDeviceGetFieldValues": {"energy_joules_total", "memory_temperature_celsius", "remapped_rows"},
    "nvmlDeviceGetClockInfo": {"clock_hertz"},
    "nvmlDeviceGetMaxClockInfo": {"clock_max_hertz"},
    "nvmlDeviceGetTemperatureThreshold": {"temperature_limit_celsius"},
    "nvmlDeviceGetBAR1MemoryInfo": {"bar1_used_bytes", "bar1_total_bytes"},
    "nvmlDeviceGetEncoderUtilization": {"encoder_utilization_ratio"},
    "nvmlDeviceGetDecoderUtilization": {"decoder_utilization_ratio"},
    "nvmlDeviceGetPowerManagementLimitConstraints": {"power_limit_range_watts"},
    "nvmlDeviceGetPowerManagementDefaultLimit": {"power_limit_range_watts"},
    "nvmlDeviceGetCurrentClocksThrottleReasons": {"throttled_seconds_total"},
    "nvmlDeviceGetMemoryErrorCounter": {"ecc_location_errors_total"},
    "nvmlDeviceGetComputeRunningProcesses_v3": {"process_memory_bytes", "process_utilization_ratio"},
    "nvmlDeviceGetGraphicsRunningProcesses_v3": set(),
    "nvmlDeviceGetProcessUtilization": {"process_utilization_ratio"},
    "nvmlDeviceGetSamples": set(),
    "nvmlDeviceGetMigMode": {"mig_enabled"},
    "nvmlDeviceGetMarginTemperature": {"temperature_margin_celsius"},
    "nvmlDeviceGetGpuFabricInfoV": {"fabric_info", "fabric_joined", "fabric_fault"},
}  # fmt: skip
"""What is asked again and again, and of which metrics some series go with it where a GPU has no such value."""
ALONE = ("nvmlDeviceGetMemoryInfo",)
"""Asked only where the newer function is missing: test_nvml_faults.py has such a driver."""
ACTIVITY = ("nvmlGpmSampleGet",)
"""Asked again and again too; where it fails there are no shares, and at this pace there are none anyway."""
ELSEWHERE = (
    "nvmlGpmQueryDeviceSupport", "nvmlGpmMigSampleGet", "nvmlGpmMetricsGet", "nvmlDeviceGetMaxMigDeviceCount",
    "nvmlDeviceGetMigDeviceHandleByIndex", "nvmlDeviceGetGpuInstanceId", "nvmlDeviceGetComputeInstanceId",
    "nvmlDeviceGetAttributes_v2",
)  # fmt: skip
"""test_gpu_activity.py and test_gpu_instances.py have what concerns parts and instances."""
SERIES = re.compile(r"^tocsin_gpu_(\w+)(?:\{([^}]*)\})? (\S+)$", re.MULTILINE)
VALUE = re.compile(r'(\w+)="([^"]*)"')


class Yard:
    """GPUs and the process that samples them; GPU 0 is healthy, and its driver's samples are numbered."""

    def __init__(self, library, path, count, interval_s, pace):
        self.control = Control(path, count)
        self.child = Child(library, self.control, interval_s, pace=pace)
        self.fed, self.at_us = 0, 1_700_000_000_000_000
        self.count = count
        self.well = self.until(self.all_up)
        self.keys = {gpu: self.of(self.well, gpu) for gpu in range(count)}

    def feed(self):
        """Ten more of the driver's samples: a stall of a second is more than its ring holds."""
        for _ in range(10):
            self.at_us += 5_000
            self.control.sample(HEALTHY, UTILIZATION, self.at_us, 50)
        self.fed += 10

    def all_up(self, series):
        return all(series.get(("up", str(gpu))) == 1 for gpu in range(self.count))

    @staticmethod
    def of(series, gpu):
        """The series of a GPU that tell something of the present or are counted by the driver."""
        told = ("up", "sample_age_seconds", "errors_total", "xid_errors_total", "driver_up")
        return {
            key
            for key in series
            if key[1:2] == (str(gpu),) and key[0] not in told and not key[0].startswith("activity")
        }

    def read(self):
        """Value by name and gpu, and another label's value; quicker than a parser of the whole format."""
        found = {}
        for name, labels, value in SERIES.findall(self.child.ask()):
            told = [text for label, text in VALUE.findall(labels) if label not in ("uuid", "name", "driver")]
            found[(name, *told)] = float(value)
        return found

    def page(self):
        """A page, on which nothing may be stale."""
        self.feed()
        series = self.read()
        shown = {key[1] for key in series if key[0] in VITAL}
        for gpu in map(str, range(self.count)):
            age_s = series.get(("sample_age_seconds", gpu), 0)
            assert gpu not in shown or age_s <= STALE_S, f"GPU {gpu} shows values that are {age_s} s old"
            assert (gpu in shown) == (series.get(("up", gpu)) == 1)
        return series

    def until(self, condition, limit_s=10.0):
        """Pages until a condition holds: the last of them."""
        deadline = time.monotonic() + limit_s
        while not condition(series := self.page()):
            assert time.monotonic() < deadline, f"not reached in {limit_s} s"
            time.sleep(0.02)
        return series

    def counted(self):
        """How many of the driver's samples of the healthy GPU were counted, once they are all read."""
        key = ("utilization_sampled_ratio_count", str(HEALTHY))
        read = self.control.counted(HEALTHY)["nvmlDeviceGetSamples"]
        while self.control.counted(HEALTHY)["nvmlDeviceGetSamples"] < read + 8:  # all of one sample, after now
            time.sleep(0.005)
        return self.read()[key]

    @staticmethod
    def failures(series, gpu):
        return {key[2]: value for key, value in series.items() if key[:2] == ("errors_total", str(gpu))}

    def back(self, gpus, limit_s=BACK_S):
        """Everything of the GPUs is back in time, once the fault is gone."""
        began = time.monotonic()
        self.until(lambda series: all(self.keys[gpu] <= self.of(series, gpu) for gpu in gpus), limit_s + SLACK_S)
        return time.monotonic() - began

    def heal(self):
        """As at the start, for the next scenario."""
        for gpu in (*range(self.count), None):
            for function in FUNCTIONS:
                self.control.fault(gpu, function)
            self.control.garble(gpu)
            if gpu is not None:
                self.control.set(gpu, ret=0, hang=0)
        self.control.set(init_ret=0, init_hang=0, count=self.count)
        self.until(lambda series: self.all_up(series) and self.keys[SICK] <= self.of(series, SICK))

    def close(self):
        self.child.close()
        self.control.close()


@pytest.fixture(scope="module")
def shared(compiled, tmp_path_factory):
    yard = Yard(compiled["new"], tmp_path_factory.mktemp("matrix") / "control", 8, 0.04, 0.005)
    yield yard
    yard.close()


@pytest.fixture
def driver(shared):
    """The shared GPUs, all well, for what befalls all of them."""
    shared.heal()
    return shared


@pytest.fixture
def yard(driver):
    """The shared GPUs, for what befalls one: the healthy one has lost nothing and not failed meanwhile."""
    counted, fed, failed = driver.counted(), driver.fed, driver.failures(driver.read(), HEALTHY)
    yield driver
    assert driver.counted() - counted == driver.fed - fed
    assert driver.failures(driver.read(), HEALTHY) == failed


def test_every_function_of_the_fake_is_in_the_matrix():
    assert {*SAMPLING, *ALONE, *ACTIVITY, *ONCE, *XIDS, *OUTSIDE, *ELSEWHERE} == set(FUNCTIONS)


@pytest.mark.parametrize("function", sorted(SAMPLING))
def test_a_gpu_that_fails_in_one_function_fails_alone_and_comes_back(yard, function):
    code = (LOST, RESET_REQUIRED, UNKNOWN)[len(function) % 3]
    yard.control.fault(SICK, function, ret=code)
    series = yard.until(lambda series: series["up", str(SICK)] == 0, STALE_S)
    assert yard.of(series, SICK) == {("info", str(SICK))}
    yard.control.fault(SICK, function)
    yard.back([SICK])


@pytest.mark.parametrize("function", sorted(SAMPLING))
def test_what_a_gpu_has_not_costs_only_its_own_series(yard, function):
    code = (NOT_SUPPORTED, NO_PERMISSION, NO_FUNCTION)[len(function) % 3]
    gone = SAMPLING[function]
    errors = yard.failures(yard.read(), SICK)
    calls = yard.control.counted(SICK)[function]
    yard.control.fault(SICK, function, ret=code)
    yard.until(lambda _: yard.control.counted(SICK)[function] > calls + 1)
    many = function == "nvmlDeviceGetFieldValues"  # what is counted by fields is a matter of test_nvml_values.py
    yard.until(lambda series: _lost(yard, series) >= gone if many else _lost(yard, series) == gone)
    series = yard.page()
    assert series["up", str(SICK)] == 1
    assert yard.failures(series, SICK) == errors
    yard.control.fault(SICK, function)
    yard.back([SICK])


def _lost(yard, series):
    return {key[0] for key in yard.keys[SICK] - yard.of(series, SICK)}


@pytest.mark.parametrize("function", ONCE)
def test_a_gpu_that_cannot_be_found_again_stays_away_until_it_can(yard, function):
    yard.control.set(SICK, ret=LOST)
    yard.until(lambda series: series["up", str(SICK)] == 0)
    yard.control.fault(SICK, function, ret=LOST)
    yard.control.set(SICK, ret=0)
    calls = yard.control.counted(SICK)[function]
    series = yard.until(lambda _: yard.control.counted(SICK)[function] > calls + 2)
    assert series["up", str(SICK)] == 0
    yard.control.fault(SICK, function)
    yard.back([SICK])


@pytest.mark.parametrize(("function", "gpu"), [*((name, SICK) for name in XIDS), ("nvmlEventSetCreate", None)])
def test_a_gpu_whose_xids_cannot_be_watched_is_sampled_all_the_same(yard, function, gpu):
    yard.control.fault(gpu, function, ret=UNKNOWN)
    yard.control.set(SICK, ret=LOST)
    yard.until(lambda series: series["up", str(SICK)] == 0)
    yard.control.set(SICK, ret=0)
    errors = yard.failures(yard.read(), SICK).get("unknown", 0)
    yard.back([SICK])
    yard.until(lambda series: yard.failures(series, SICK).get("unknown", 0) > errors + 2)
    yard.control.fault(gpu, function)
    seen = yard.read()["xid_errors_total", str(SICK), "79"]
    deadline = time.monotonic() + 10
    while yard.page()["xid_errors_total", str(SICK), "79"] == seen:  # the watch begins a moment after the fault's end
        assert time.monotonic() < deadline
        yard.control.xid(SICK, 79)
        time.sleep(0.05)


HANGING = sorted({*SAMPLING, *ACTIVITY, *ONCE, *XIDS})


@pytest.fixture(scope="module")
def hung(shared):
    """Seven GPUs at a time hang, each in another function: by function, what was seen."""
    found = {}
    for first in range(0, len(HANGING), 7):
        found |= _hang(shared, HANGING[first : first + 7])
    return found


def _hang(yard, functions):
    yard.heal()
    counted, fed, failed = yard.counted(), yard.fed, yard.failures(yard.read(), HEALTHY)
    sick = dict(zip(functions, range(1, 8), strict=False))
    for function, gpu in sick.items():
        if function in (*ONCE, *XIDS):
            yard.control.set(gpu, ret=LOST)
    yard.until(lambda s: all(s["up", str(gpu)] == 0 for f, gpu in sick.items() if f in (*ONCE, *XIDS)))
    for function, gpu in sick.items():
        yard.control.fault(gpu, function, hang=1)
        yard.control.set(gpu, ret=0)
    series = yard.until(lambda series: all(series["up", str(gpu)] == 0 for gpu in sick.values()))
    values = {function: yard.of(series, gpu) for function, gpu in sick.items()}
    calls = {gpu: yard.control.get(gpu, "calls") for gpu in sick.values()}
    threads = yard.child.ask("threads").split()
    healthy = yard.control.get(HEALTHY, "calls")
    yard.until(lambda _: yard.control.get(HEALTHY, "calls") > healthy + 100)
    more = {function: yard.control.get(gpu, "calls") - calls[gpu] for function, gpu in sick.items()}
    for function, gpu in sick.items():
        yard.control.fault(gpu, function)
    seen = {
        "back_s": yard.back(sick.values()), "threads": threads, "missed": yard.fed - fed - (yard.counted() - counted),
        "failed": yard.failures(yard.read(), HEALTHY) != failed, "sick": len(sick),
    }  # fmt: skip
    return {function: {"values": values[function], "calls": more[function], **seen} for function in functions}


@pytest.mark.parametrize("function", HANGING)
def test_a_gpu_that_hangs_in_one_function_hangs_alone_and_comes_back(hung, function):
    seen = hung[function]
    assert {key[0] for key in seen["values"]} <= {"info"}
    assert seen["calls"] == 0, "a hung GPU was asked again"
    assert seen["back_s"] <= BACK_S + SLACK_S
    assert sorted(seen["threads"]) == sorted(
        ["MainThread", "gpu-driver", "gpu-xid", *["gpu-sampler"] * (1 + seen["sick"])]
    )
    assert (seen["missed"], seen["failed"]) == (0, False)


@pytest.mark.parametrize("function", ["nvmlDeviceGetCount_v2", "nvmlEventSetFree", "nvmlEventSetWait_v2"])
def test_a_hang_that_concerns_no_samples_costs_none(yard, function):
    gpu = SICK if function == "nvmlEventSetWait_v2" else None
    yard.control.fault(gpu, function, hang=1)
    if function == "nvmlEventSetFree":  # it is called for the set of a GPU that was found anew
        yard.control.set(SICK, ret=LOST)
        yard.until(lambda series: series["up", str(SICK)] == 0)
        yard.control.set(SICK, ret=0)
    yard.back([SICK])
    calls = yard.control.get(SICK, "calls")
    series = yard.until(lambda _: yard.control.get(SICK, "calls") > calls + 300)
    assert yard.all_up(series)


def test_a_hang_while_event_sets_are_made_stops_who_makes_one(yard):
    yard.control.fault(None, "nvmlEventSetCreate", hang=1)
    yard.control.set(SICK, ret=LOST)
    yard.until(lambda series: series["up", str(SICK)] == 0)
    yard.control.set(SICK, ret=0)
    yard.until(lambda series: series["up", str(SICK)] == 1)
    yard.until(lambda series: series["up", str(SICK)] == 0)  # hung, by its age
    yard.control.fault(None, "nvmlEventSetCreate")
    yard.back([SICK])


@pytest.mark.parametrize("code", [1, 9, 10, 12, 16, 18, 27, 999])
def test_a_driver_that_does_not_start_again_is_tried_until_it_does(driver, code):
    driver.control.set(init_ret=code, loads=driver.control.get(None, "loads") + 1)
    driver.until(lambda series: series["driver_up",] == 0, STALE_S)
    inits = driver.control.get(None, "init_calls")
    driver.until(lambda _: driver.control.get(None, "init_calls") > inits)
    driver.control.set(init_ret=0)
    driver.back(range(driver.count))


@pytest.mark.parametrize("function", ["nvmlDeviceGetCount_v2", "nvmlSystemGetDriverVersion"])
def test_a_driver_that_cannot_be_counted_or_named(driver, function):
    driver.control.fault(None, function, ret=UNKNOWN)
    driver.control.set(loads=driver.control.get(None, "loads") + 1)
    driver.until(lambda series: series["driver_up",] == 0, STALE_S)
    driver.control.fault(None, function)
    driver.back(range(driver.count))


def test_a_driver_that_was_reloaded_under_a_gpu_that_hangs(driver):
    driver.control.set(7, hang=1)
    driver.until(lambda series: series["up", "7"] == 0)
    inits = driver.control.get(None, "init_calls")
    driver.control.set(loads=driver.control.get(None, "loads") + 1)
    driver.until(lambda _: driver.control.get(None, "init_calls") > inits, BACK_S)
    driver.back(range(7))
    driver.control.set(7, hang=0)
    driver.back([7])


def test_fewer_gpus_and_more_again(driver):
    driver.control.set(count=7)
    series = driver.until(lambda series: series["up", "7"] == 0)
    assert driver.of(series, 7) == {("info", "7")}
    driver.back(range(7))
    driver.control.set(count=8)
    driver.back(range(8))


def test_gpus_that_come_while_one_hangs_wait_for_it_and_the_others_go_on(driver):
    inits = driver.control.get(None, "init_calls")
    driver.control.set(count=7)
    driver.until(lambda series: series["up", "7"] == 0 and driver.control.get(None, "init_calls") > inits)
    driver.back(range(7))
    inits = driver.control.get(None, "init_calls")
    driver.control.set(SICK, hang=1)
    driver.until(lambda series: series["up", str(SICK)] == 0)
    driver.control.set(count=8)
    calls = driver.control.get(HEALTHY, "calls")
    driver.until(lambda _: driver.control.get(HEALTHY, "calls") > calls + 300)
    assert driver.control.get(None, "init_calls") == inits
    driver.control.set(SICK, hang=0)
    driver.back(range(8))


def test_a_gpu_whose_handle_has_become_invalid_is_down(yard):
    for function in (*SAMPLING, *ALONE):
        yard.control.fault(SICK, function, ret=INVALID_ARGUMENT)
    series = yard.until(lambda series: series["up", str(SICK)] == 0, STALE_S)
    assert yard.of(series, SICK) == {("info", str(SICK))}
    for function in (*SAMPLING, *ALONE):
        yard.control.fault(SICK, function)
    yard.back([SICK])


def test_when_every_gpu_fails_nvml_is_started_anew(driver):
    inits = driver.control.get(None, "init_calls")
    for gpu in range(driver.count):
        driver.control.set(gpu, ret=UNKNOWN)
    driver.until(lambda _: driver.control.get(None, "init_calls") >= inits + 2)
    for gpu in range(driver.count):
        driver.control.set(gpu, ret=0)
    driver.back(range(driver.count))


@pytest.mark.parametrize("text", ["name", "uuid"])
def test_a_text_that_is_none_is_absent_and_costs_no_value(yard, text):
    yard.control.garble(SICK, text)
    yard.control.set(SICK, ret=LOST)
    yard.until(lambda series: series["up", str(SICK)] == 0)
    yard.control.set(SICK, ret=0)
    yard.until(lambda series: series.get(("up", str(SICK))) == 1 and series["utilization_ratio", str(SICK)] == 0.4)
    line = next(line for line in yard.child.ask().splitlines() if line.startswith(f'tocsin_gpu_up{{gpu="{SICK}"'))
    assert ('uuid=""' in line) == (text == "uuid")
    yard.control.garble(SICK)
    yard.control.set(SICK, ret=LOST)
    yard.until(lambda series: series.get(("up", str(SICK))) == 0)
    yard.control.set(SICK, ret=0)
    yard.back([SICK])


def test_a_version_that_is_no_text_is_absent(driver):
    driver.control.garble(None, "version")
    driver.control.set(loads=driver.control.get(None, "loads") + 1)
    driver.until(lambda _: 'driver=""' in driver.child.ask())
    driver.back(range(driver.count))
    driver.control.garble(None)
    driver.control.set(loads=driver.control.get(None, "loads") + 1)
    driver.until(lambda _: 'driver=""' not in driver.child.ask())


def test_values_out_of_all_bounds_are_dropped_one_by_one(yard):
    healthy = {name: yard.control.get(SICK, name) for name in ("utilization", "power_mw", "temperature", "memory_used")}
    yard.control.set(SICK, utilization=2**32 - 1, power_mw=2**32 - 1, temperature=2**32 - 1, memory_used=2**64 - 1)
    gone = {"utilization_ratio", "memory_utilization_ratio", "power_watts", "temperature_celsius", "memory_used_bytes"}
    series = yard.until(lambda series: gone <= _lost(yard, series))
    assert series["up", str(SICK)] == 1
    assert yard.failures(series, SICK)["garbage"] >= len(gone)
    yard.control.set(SICK, **healthy)
    yard.back([SICK])


def test_more_gpus_than_can_be_are_bounded(compiled, tmp_path):
    control = Control(tmp_path / "control", 2**32 - 1)
    child = Child(compiled["new"], control, 0.2)
    try:
        series = child.until(lambda series: sum(key[0] == "up" for key in series) >= 64)
        assert sum(key[0] == "up" for key in series) == 64
        child.until(lambda series: sum(value for key, value in series.items() if key[0] == "up") == 8)
    finally:
        child.close()
        control.close()


def test_a_gpu_lost_and_found_a_thousand_times_leaves_nothing_behind(compiled, tmp_path):
    control = Control(tmp_path / "control", 2)
    child = Child(compiled["new"], control, 0.002)
    try:
        lost = lambda series: series.get(("errors_total", "1", "lost"), 0)  # noqa: E731
        child.until(lambda series: series.get(("up", "1")) == 1)
        control.flap(1, 60)
        child.until(lambda series: lost(series) >= 200, 30)
        before = max((_size(child) for _ in range(20)), key=_held)
        child.until(lambda series: lost(series) >= 1200, 60)
        after = min((_size(child) for _ in range(20)), key=_held)  # a folder may just be listed
        control.flap(1, 0)
        series = child.until(lambda series: series["up", "1"] == 1)
        assert series["up", "0"] == 1
        assert after["threads"] <= before["threads"]
        assert after["files"] <= before["files"]
        assert after["kib"] - before["kib"] <= 128
        child.until(lambda _: control.tail("sets") <= 2)
    finally:
        child.close()
        control.close()


def _held(size):
    return size["threads"], size["files"]


def _size(child):
    with open(f"/proc/{child.pid}/status") as file:
        status = dict(line.split(":", 1) for line in file)
    return {
        "kib": int(status["VmRSS"].split()[0]), "threads": int(status["Threads"]),
        "files": len(os.listdir(f"/proc/{child.pid}/fd")),
    }  # fmt: skip


@pytest.fixture(scope="module")
def shipped(compiled, tmp_path_factory):
    """At the shipped default: a sample a second, and the table's own periods."""
    yard = Yard(compiled["new"], tmp_path_factory.mktemp("shipped") / "control", 2, 1.0, 1.0)
    yield yard
    yard.close()


def _by_loss(control):
    control.set(SICK, ret=LOST)
    return lambda: control.set(SICK, ret=0)


def _by_hang(control):
    control.set(SICK, hang=1)
    return lambda: control.set(SICK, hang=0)


def _by_reload(control):
    loads = control.get(None, "loads")
    control.set(loads=0)
    return lambda: control.set(loads=loads + 1)


@pytest.mark.parametrize("fault", [_by_loss, _by_hang, _by_reload])
def test_the_bars_hold_at_the_shipped_default(shipped, fault):
    shipped.until(shipped.all_up)
    began = time.monotonic()
    mend = fault(shipped.control)
    shipped.until(lambda series: series["up", str(SICK)] == 0, STALE_S + SLACK_S)
    assert time.monotonic() - began <= STALE_S + SLACK_S
    mend()
    shipped.back([SICK])
