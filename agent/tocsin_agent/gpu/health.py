"""Is a GPU's memory sound: errors that ECC corrected, and those that it could not."""

from tocsin_agent.gpu.answer import known
from tocsin_agent.gpu.group import Reader
from tocsin_schema.metrics import gpu as metrics

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from tocsin_agent.gpu.group import Key

KINDS = ("corrected", "uncorrected")
"""In the order of NVML's nvmlMemoryErrorType_t."""


class Health(Reader):
    """Counts over the GPU's life: the driver keeps them on the card."""

    __slots__ = ()

    def read(self, nvml: "Any", gpu: object, _now: float) -> "dict[Key, float]":
        """What a GPU without ECC has not is absent."""
        found: dict[Key, float] = {}
        for number, kind in enumerate(KINDS):
            count = known(nvml, "nvmlDeviceGetTotalEccErrors", gpu, number, nvml.NVML_AGGREGATE_ECC)
            if count is not None:
                found[metrics.ECC.name, kind] = count
        return found
