"""The fabric of a GPU, the margin to its limits, and the shapes that the fake library shares with the binding."""

import ctypes

import pynvml
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin_agent.gpu.fabric import faults
from tocsin_schema.metrics.gpu_fabric import FAULTS

CLUSTER = "00010203-0405-0607-0809-0a0b0c0d0e0f"


def info(series):
    (found,) = [key[2:] for key in series if key[0] == "fabric_info"]
    return found


def told(series):
    return {key[2]: value for key, value in series.items() if key[0] == "fabric_fault"}


def test_a_fault_is_one_and_none_is_zero_and_unknown_is_absent():
    assert faults(0) == {}
    assert faults(0b10_01_10) == {"bandwidth_degraded": 0, "route_recovery": 1, "route_unhealthy": 0}
    assert faults(0b01 << 6) == {"access_timeout": 1}
    assert faults(1 << 8) == {"incorrect_configuration": 0}
    assert faults(5 << 8) == {"incorrect_configuration": 1}


@given(st.integers(0, 2**32 - 1))
def test_any_mask_gives_known_faults_only(mask):
    found = faults(mask)
    assert set(found) <= set(FAULTS)
    assert set(found.values()) <= {0, 1}


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_has_the_place_that_the_binding_gives_it(fault):
    names = {"bandwidth_degraded": "DEGRADED_BW", "access_timeout": "ACCESS_TIMEOUT_RECOVERY"}
    shift = getattr(pynvml, f"NVML_GPU_FABRIC_HEALTH_MASK_SHIFT_{names.get(fault, fault.upper())}")
    wrong = 2 if fault == "incorrect_configuration" else 1
    assert faults(wrong << shift) == {fault: 1}
    assert faults((3 - wrong) << shift) == {fault: 0}


@pytest.mark.system
def test_a_gpu_that_has_joined_its_fabric_says_so_and_what_is_wrong(gpus):
    control, child = gpus(1)
    series = child.until(lambda series: series.get(("fabric_joined", "0")) == 1)
    assert info(series) == (CLUSTER, "7", "completed", "success")
    assert told(series) == dict.fromkeys(FAULTS[:4], 0)
    control.put(0, "fabric", 3, 0b00100110)
    series = child.until(lambda series: told(series).get("route_recovery") == 1)
    assert told(series) == {"bandwidth_degraded": 0, "route_recovery": 1, "route_unhealthy": 0}


@pytest.mark.system
def test_a_gpu_that_is_joining_or_failed_to_has_not_joined(gpus):
    control, child = gpus(1)
    control.put(0, "fabric", 0, 2)
    series = child.until(lambda series: series.get(("fabric_joined", "0")) == 0)
    assert info(series) == (CLUSTER, "7", "in_progress", "")
    control.put(0, "fabric", 1, 999)
    control.put(0, "fabric", 0, 3)
    series = child.until(lambda series: info(series)[2] == "completed")
    assert info(series)[3] == "unknown"
    assert series["fabric_joined", "0"] == 0


@pytest.mark.system
def test_without_a_fabric_nothing_is_told_of_it(gpus):
    control, child = gpus(1)
    child.until(lambda series: ("fabric_joined", "0") in series)
    control.put(0, "fabric", 0, 0)
    series = child.until(lambda series: not [key for key in series if key[0].startswith("fabric_")])
    assert series["up", "0"] == 1


@pytest.mark.system
def test_margins_may_be_negative(gpus):
    control, child = gpus(1)
    series = child.until(lambda series: series.get(("temperature_margin_celsius", "0")) == 27)
    limits = {key[2]: value for key, value in series.items() if key[0] == "temperature_margin_limit_celsius"}
    assert limits == {"shutdown": -8, "slowdown": -2, "memory": -4, "gpu": 0}
    control.put(0, "margin", 0, 997)
    child.until(lambda series: series["temperature_margin_celsius", "0"] == -3)
    control.put(0, "margin", 0, 0)
    series = child.until(lambda series: ("temperature_margin_celsius", "0") not in series)
    assert not [key for key in series if key[0] == "errors_total"]


def test_the_fake_librarys_structs_have_the_sizes_of_the_bindings(compiled):
    library = ctypes.CDLL(str(compiled["new"] / "libnvidia-ml.so.1"))
    classes = (
        pynvml.c_nvmlDeviceAttributes, pynvml.c_nvmlGpmSupport_t, pynvml.c_nvmlGpmMetric_t,
        pynvml.c_nvmlGpuFabricInfo_v2_t, pynvml.c_nvmlMarginTemperature_v1_t, pynvml.c_nvmlMemory_v2_t,
        pynvml.c_nvmlProcessInfo_v3_t,
    )  # fmt: skip
    sizes = (ctypes.c_uint * 8).in_dll(library, "fake_sizes")
    assert list(sizes) == [ctypes.sizeof(c) for c in classes[:3]] + [pynvml.c_nvmlGpmMetricsGet_t.metrics.offset] + [
        ctypes.sizeof(c) for c in classes[3:]
    ]
