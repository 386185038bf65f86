"""Many values in one call: nvmlDeviceGetFieldValues, whose fields fail one by one."""

from tocsin_agent.gpu.answer import known

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, TypeAlias

    Field: TypeAlias = tuple[int, int]
    """A field's number and its scope: for those of NVLink a link, or all."""

ALL_LINKS = 2**32 - 1
TYPES = ("dVal", "uiVal", "ulVal", "ullVal", "sllVal", "siVal", "usVal")
"""The member of nvmlValue_t by nvmlValueType_t."""


def fields(nvml: "Any", gpu: object, wanted: "Iterable[Field]") -> "dict[Field, float]":
    """The values of the fields that this GPU and driver have."""
    answers = known(nvml, "nvmlDeviceGetFieldValues", gpu, list(wanted)) or ()
    return {
        (answer.fieldId, answer.scopeId): float(getattr(answer.value, TYPES[answer.valueType]))
        for answer in answers
        if answer.nvmlReturn == 0 and answer.valueType < len(TYPES)
    }
