"""The fabric of NVLink switches that a GPU is part of (nvmlDeviceGetGpuFabricInfoV, its second version)."""

from tocsin_agent.gpu.answer import REASONS, known
from tocsin_agent.gpu.group import Reader
from tocsin_schema.metrics.gpu_fabric import FABRIC_FAULT, FABRIC_INFO, FABRIC_JOINED, FAULTS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from tocsin_agent.gpu.group import Key

STATES = {1: "not_started", 2: "in_progress", 3: "completed"}
"""Of nvmlGpuFabricState_t; 0 is no fabric."""
COMPLETED = 3


class Fabric(Reader):
    """Joined or not, and what is wrong."""

    __slots__ = ()

    def read(self, nvml: "Any", gpu: object, _now: float) -> "dict[Key, float]":
        """Nothing where the GPU has no fabric. A status counts only once joining is completed, as nvml.h says."""
        told = nvml.c_nvmlGpuFabricInfo_v2_t()
        if known(nvml, "nvmlDeviceGetGpuFabricInfoV", gpu, nvml.byref(told)) is None or told.state not in STATES:
            return {}
        completed = told.state == COMPLETED
        status = _status(told.status) if completed else ""
        info = (FABRIC_INFO.name, _uuid(bytes(told.clusterUuid)), str(told.cliqueId), STATES[told.state], status)
        found: dict[Key, float] = {info: 1, (FABRIC_JOINED.name,): int(completed and told.status == 0)}
        return found | {(FABRIC_FAULT.name, fault): there for fault, there in faults(told.healthMask).items()}


def faults(mask: int) -> dict[str, int]:
    """Faults by name from the mask of NVML_GPU_FABRIC_HEALTH_MASK; one of which the driver knows nothing is absent.

    Four fields of two bits are 1 for a fault and 2 for none; the fifth, of four bits, is 1 for none and more for a kind
    of wrong configuration.
    """
    found = {name: mask >> 2 * place & 3 for place, name in enumerate(FAULTS[:4])}
    told = {name: int(value == 1) for name, value in found.items() if value in (1, 2)}
    configuration = mask >> 8 & 15
    return told | ({FAULTS[4]: int(configuration > 1)} if configuration else {})


def _status(code: int) -> str:
    return "success" if code == 0 else REASONS.get(code, "other")


def _uuid(raw: bytes) -> str:
    digits = raw.hex()
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
