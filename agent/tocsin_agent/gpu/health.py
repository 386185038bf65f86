"""Is a GPU sound: errors of its memory, what was taken out of use for them, errors of its wires."""

from tocsin_agent.gpu import wires
from tocsin_agent.gpu.answer import known
from tocsin_agent.gpu.fields import fields
from tocsin_agent.gpu.group import Reader
from tocsin_schema.metrics.gpu import (
    ECC,
    ECC_LOCATION,
    REMAP_FAILED,
    REMAP_PENDING,
    REMAPPED,
    RETIRE_PENDING,
    RETIRED,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from tocsin_agent.gpu.fields import Field
    from tocsin_agent.gpu.group import Key

KINDS = ("corrected", "uncorrected")
"""In the order of NVML's nvmlMemoryErrorType_t."""
SRAM = 7
"""Of nvmlMemoryLocation_t; the only place that has no field."""

FIELDS: "dict[Field, Key]" = {
    **{
        (number, 0): (ECC_LOCATION.name, kind, location)
        for location, first in (("l1", 18), ("l2", 20), ("dram", 22), ("register", 24), ("texture", 26))
        for number, kind in zip((first, first + 1), KINDS, strict=True)
    },
    (28, 0): (ECC_LOCATION.name, "uncorrected", "cbu"),
    (29, 0): (RETIRED.name, "corrected"),
    (30, 0): (RETIRED.name, "uncorrected"),
    (31, 0): (RETIRE_PENDING.name,),
    (142, 0): (REMAPPED.name, "corrected"),
    (143, 0): (REMAPPED.name, "uncorrected"),
    (144, 0): (REMAP_PENDING.name,),
    (145, 0): (REMAP_FAILED.name,),
}
"""Counts over the card's life (aggregate); the volatile ones are lost with the driver."""
ASKED = (*FIELDS, *wires.ERRORS)


class Health(Reader):
    """Counts that the driver, or the card itself, keeps."""

    __slots__ = ()

    def read(self, nvml: "Any", gpu: object, _now: float) -> "dict[Key, float]":
        """What a GPU without ECC, row remapping or NVLink has not is absent."""
        values = fields(nvml, gpu, ASKED)
        found = {key: values[field] for field, key in FIELDS.items() if field in values} | wires.failed(values)
        for number, kind in enumerate(KINDS):
            total = known(nvml, "nvmlDeviceGetTotalEccErrors", gpu, number, nvml.NVML_AGGREGATE_ECC)
            if total is not None:
                found[ECC.name, kind] = total
            sram = known(nvml, "nvmlDeviceGetMemoryErrorCounter", gpu, number, nvml.NVML_AGGREGATE_ECC, SRAM)
            if sram is not None:
                found[ECC_LOCATION.name, kind, "sram"] = sram
        return found
