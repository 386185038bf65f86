"""One sample of one GPU: which NVML calls, in which units, what is plausible.

A call that this GPU or driver does not know leaves its value absent; any other failure fails the sample. Values beyond
their bound are garbage (drivers have reported 905 % utilisation) and dropped: absent, and counted by the caller.
"""

from tocsin_schema.metrics.gpu import (
    ECC,
    ENERGY,
    MEMORY_TOTAL,
    MEMORY_USED,
    POWER,
    POWER_LIMIT,
    TEMPERATURE,
    UTILIZATION,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

ABSENT = frozenset({2, 3, 4, 6, 13, 21, 22, 25, 26})
"""NVML return codes that concern one value: invalid argument, not supported, no permission, not found, function not
found, no data, vGPU ECC not supported, argument version mismatch, deprecated."""

REASONS = {
    1: "uninitialized", 9: "driver_not_loaded", 10: "timeout", 11: "irq", 15: "lost", 16: "reset_required",
    17: "system", 18: "version_mismatch", 27: "not_ready", 999: "unknown",
}  # fmt: skip
"""What ``tocsin_gpu_errors_total`` calls an NVML return code; the rest is ``other``."""

MEMORY_V2 = 0x02000028
"""The version word of nvmlMemory_v2_t, whose ``used`` leaves out what the driver reserves."""

BOUNDS = {
    UTILIZATION.name: 1.0,
    MEMORY_USED.name: 2.0**50,
    MEMORY_TOTAL.name: 2.0**50,
    POWER.name: 1e5,
    POWER_LIMIT.name: 1e5,
    ENERGY.name: 1e14,
    TEMPERATURE.name: 250.0,
    ECC.name: 2.0**62,
}
"""The highest plausible value by metric. NVML writes all ones where it has no value."""

CORRECTED = f"{ECC.name} corrected"
UNCORRECTED = f"{ECC.name} uncorrected"


READS: "tuple[tuple[str, Callable[[Any, object], float]], ...]" = (
    (UTILIZATION.name, lambda nvml, gpu: nvml.nvmlDeviceGetUtilizationRates(gpu).gpu / 100),
    (POWER.name, lambda nvml, gpu: nvml.nvmlDeviceGetPowerUsage(gpu) / 1000),
    (POWER_LIMIT.name, lambda nvml, gpu: nvml.nvmlDeviceGetEnforcedPowerLimit(gpu) / 1000),
    (ENERGY.name, lambda nvml, gpu: nvml.nvmlDeviceGetTotalEnergyConsumption(gpu) / 1000),
    (TEMPERATURE.name, lambda nvml, gpu: nvml.nvmlDeviceGetTemperature(gpu, nvml.NVML_TEMPERATURE_GPU)),
    (CORRECTED, lambda nvml, gpu: _ecc(nvml, gpu, nvml.NVML_MEMORY_ERROR_TYPE_CORRECTED)),
    (UNCORRECTED, lambda nvml, gpu: _ecc(nvml, gpu, nvml.NVML_MEMORY_ERROR_TYPE_UNCORRECTED)),
)


def take(nvml: "Any", gpu: object) -> tuple[dict[str, float], int]:
    """The values by metric name (ECC: name and kind) and how many were garbage. Raises NVMLError when the GPU fails."""
    found: dict[str, float] = {}
    for name, read in READS:
        value = _known(nvml, gpu, read)
        if value is not None:
            found[name] = value
    memory = _known(nvml, gpu, _memory_v2) or _known(nvml, gpu, _memory)
    if memory is not None:
        found[MEMORY_TOTAL.name], found[MEMORY_USED.name] = memory.total, memory.used
    values = {name: value for name, value in found.items() if 0 <= value <= _bound(name, found)}
    return values, len(found) - len(values)


def _known(nvml: "Any", gpu: object, read: "Callable[[Any, object], Any]") -> "Any":
    try:
        return read(nvml, gpu)
    except nvml.NVMLError as error:
        if error.value in ABSENT:
            return None
        raise


def _bound(name: str, found: dict[str, float]) -> float:
    bound = BOUNDS[name.partition(" ")[0]]
    return min(bound, found[MEMORY_TOTAL.name]) if name == MEMORY_USED.name else bound


def _ecc(nvml: "Any", gpu: object, kind: int) -> float:
    return float(nvml.nvmlDeviceGetTotalEccErrors(gpu, kind, nvml.NVML_AGGREGATE_ECC))


def _memory_v2(nvml: "Any", gpu: object) -> "Any":
    return nvml.nvmlDeviceGetMemoryInfo(gpu, version=MEMORY_V2)


def _memory(nvml: "Any", gpu: object) -> "Any":
    return nvml.nvmlDeviceGetMemoryInfo(gpu)
