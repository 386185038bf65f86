"""Many values in one call: nvmlDeviceGetFieldValues, whose fields fail one by one.

The call is made past the binding's wrapper, which makes an object of each field and of each of its members: 100 us for
eleven fields instead of 6. The layout is that of nvmlFieldValue_t, and a test holds it against the binding's.
"""

from _struct import Struct
from ctypes import c_char

from tocsin_agent.gpu.answer import ABSENT, REFUSED, refusals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any, TypeAlias

    Field: TypeAlias = tuple[int, int]
    """A field's number and its scope: for those of NVLink a link, or all."""

NAME = "nvmlDeviceGetFieldValues"
ALL_LINKS = 2**32 - 1
TYPES = ("dVal", "uiVal", "ulVal", "ullVal", "sllVal", "siVal", "usVal")
"""The member of nvmlValue_t by nvmlValueType_t."""
ASKED, ANSWERED = Struct("=II32x"), Struct("=24xiIQ")
"""One nvmlFieldValue_t: number and scope; the value's type, the return code of its own, the value."""
DOUBLE, UNSIGNED_LONG = Struct("=d"), Struct("=Q")
VALUES: "tuple[Callable[[int], float], ...]" = (
    lambda raw: float(DOUBLE.unpack(UNSIGNED_LONG.pack(raw))[0]),
    lambda raw: float(raw & 0xFFFFFFFF),
    float,
    float,
    lambda raw: float(raw - (raw >> 63 << 64)),
    lambda raw: float((raw & 0xFFFFFFFF) - ((raw >> 31 & 1) << 32)),
    lambda raw: float(raw & 0xFFFF),
)
"""The value of the eight bytes by nvmlValueType_t."""


def fields(nvml: "Any", gpu: object, wanted: "Iterable[Field]") -> "dict[Field, float]":
    """The values of the fields that this GPU and driver have. Raises NVMLError when the GPU fails."""
    call, refused = getattr(nvml.nvmlLib, NAME, None), refusals(nvml)
    if call is None or (NAME,) in refused:
        return {}
    asked = tuple(wanted)
    answers = _request(asked)
    code = call(gpu, len(asked), answers)
    if code:
        if code not in ABSENT:
            raise nvml.NVMLError(code)
        if code in REFUSED:
            refused.add((NAME,))
        return {}
    return {
        field: VALUES[kind](raw)
        for field, (kind, failed, raw) in zip(asked, ANSWERED.iter_unpack(answers), strict=True)
        if not failed and 0 <= kind < len(VALUES)
    }


_requests: "dict[tuple[Field, ...], tuple[Any, bytes]]" = {}


def _request(wanted: "tuple[Field, ...]") -> "Any":
    """Memory for one call, of its own: other threads ask other GPUs meanwhile."""
    if wanted not in _requests:
        asked = b"".join([ASKED.pack(*field) for field in wanted])
        _requests[wanted] = c_char * len(asked), asked
    memory, asked = _requests[wanted]
    return memory.from_buffer_copy(asked)
