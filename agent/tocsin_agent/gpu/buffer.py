"""The driver's own samples: NVML keeps several a second in a ring, so that one call a second misses none.

Where it keeps none (an older GPU, MIG), what the agent saw itself stands in for them. The call is made past the
binding's wrapper, which asks for the ring's size each time and makes an object of each sample.
"""

from _struct import Struct
from ctypes import byref, c_char, c_uint, c_ulonglong

from tocsin_agent.gpu.answer import ABSENT, REFUSED, refusals
from tocsin_agent.gpu.fields import VALUES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

NAME = "nvmlDeviceGetSamples"
POWER, UTILIZATION = 0, 1
"""Of nvmlSamplingType_t; in milliwatts and percent."""
SAMPLE = Struct("=QQ")
"""nvmlSample_t: microseconds, and the eight bytes of its value."""


class Buffer:
    """One ring of one GPU, read from where it was left."""

    __slots__ = ("_count", "_gap_s", "_kind", "_memory", "_room", "_seen_us", "_type", "there")

    def __init__(self, kind: int, gap_s: float) -> None:
        self._kind = kind
        self._gap_s = gap_s
        self._seen_us, self._type, self._count = c_ulonglong(0), c_uint(0), c_uint(0)
        self._room = 0
        self._memory: Any = None
        self.there = False
        """Whether the driver keeps these samples. Once it does, a second without a new one has none."""

    def read(self, nvml: "Any", gpu: object) -> list[tuple[float, float]]:
        """The new samples, oldest first: the seconds each stands for (0 behind a gap) and its value."""
        call = getattr(nvml.nvmlLib, NAME, None)
        if call is None or (NAME, self._kind) in refusals(nvml) or not (self._room or self._make_room(nvml, gpu, call)):
            return []
        self._count.value = self._room
        if not self._ask(nvml, gpu, call, self._memory):
            return []
        self.there = True
        value = VALUES[self._type.value]
        found = []
        for at_us, raw in sorted(SAMPLE.iter_unpack(memoryview(self._memory)[: SAMPLE.size * self._count.value])):
            passed_s = (at_us - self._seen_us.value) * 1e-6
            if passed_s > 0:
                found.append((passed_s if passed_s <= self._gap_s else 0.0, value(raw)))
                self._seen_us.value = at_us
        return found

    def _make_room(self, nvml: "Any", gpu: object, call: "Any") -> bool:
        """Memory for all samples that the ring can have."""
        if not self._ask(nvml, gpu, call, None) or not self._count.value:
            return False
        self._room = self._count.value
        self._memory = (c_char * (SAMPLE.size * self._room))()
        return True

    def _ask(self, nvml: "Any", gpu: object, call: "Any", memory: "Any") -> bool:
        """False where there is nothing, or nothing new. Raises NVMLError when the GPU fails."""
        code = call(gpu, self._kind, self._seen_us, byref(self._type), byref(self._count), memory)
        if code and code not in ABSENT:
            raise nvml.NVMLError(code)
        if code in REFUSED:
            refusals(nvml).add((NAME, self._kind))
        return not code
