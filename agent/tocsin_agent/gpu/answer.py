"""What an NVML call may answer: a value, that there is none here, or that the GPU fails."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

ABSENT = frozenset({2, 3, 4, 6, 7, 13, 21, 22, 25, 26})
"""NVML return codes that concern one value: invalid argument, not supported, no permission, not found, size changed
between two calls, function not found, no data, vGPU ECC not supported, argument version mismatch, deprecated."""

REASONS = {
    1: "uninitialized", 9: "driver_not_loaded", 10: "timeout", 11: "irq", 15: "lost", 16: "reset_required",
    17: "system", 18: "version_mismatch", 27: "not_ready", 999: "unknown",
}  # fmt: skip
"""What ``tocsin_gpu_errors_total`` calls an NVML return code; the rest is ``other``."""


def known(nvml: "Any", call: str, *arguments: object, **named: object) -> "Any":
    """What the call answers, or None where this GPU, driver or user has no such value; NVMLError when the GPU fails."""
    try:
        return getattr(nvml, call)(*arguments, **named)
    except nvml.NVMLError as error:
        if error.value in ABSENT:
            return None
        raise
