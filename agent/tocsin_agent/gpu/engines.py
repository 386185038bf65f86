"""The parts of a GPU beside its multiprocessors: video engines, and the window through which others see its memory."""

from tocsin_agent.gpu.answer import known
from tocsin_agent.gpu.group import Reader
from tocsin_schema.metrics.gpu import BAR1_TOTAL, BAR1_USED, DECODER, ENCODER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from tocsin_agent.gpu.group import Key


class Engines(Reader):
    """Encoder, decoder, BAR1."""

    __slots__ = ()

    def read(self, nvml: "Any", gpu: object, _now: float) -> "dict[Key, float]":
        """What there is."""
        found: dict[Key, float] = {}
        for metric, call in (
            (ENCODER, "nvmlDeviceGetEncoderUtilization"),
            (DECODER, "nvmlDeviceGetDecoderUtilization"),
        ):
            answer = known(nvml, call, gpu)
            if answer is not None:
                found[metric.name,] = answer[0] / 100
        window = known(nvml, "nvmlDeviceGetBAR1MemoryInfo", gpu)
        if window is not None:
            found[BAR1_TOTAL.name,], found[BAR1_USED.name,] = window.bar1Total, window.bar1Used
        return found
