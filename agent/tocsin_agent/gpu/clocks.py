"""The clocks of a GPU."""

from tocsin_agent.gpu.answer import known
from tocsin_agent.gpu.group import Reader
from tocsin_schema.metrics.gpu import CLOCK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from tocsin_agent.gpu.group import Key

CLOCKS = (("sm", 1), ("memory", 2), ("video", 3))
"""Numbers of nvmlClockType_t; that of graphics is the multiprocessors' on every GPU that computes."""
MHZ = 1e6


class Clocks(Reader):
    """As they are."""

    __slots__ = ()

    def read(self, nvml: "Any", gpu: object, _now: float) -> "dict[Key, float]":
        """In hertz."""
        read = {clock: known(nvml, "nvmlDeviceGetClockInfo", gpu, number) for clock, number in CLOCKS}
        return {(CLOCK.name, clock): mhz * MHZ for clock, mhz in read.items() if mhz is not None}
