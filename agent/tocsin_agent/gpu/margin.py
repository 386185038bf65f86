"""How far a GPU is from slowing down for heat, as it reckons itself: the only limit that newer ones tell."""

from tocsin_agent.gpu.answer import known
from tocsin_agent.gpu.group import Reader
from tocsin_schema.metrics.gpu import TEMPERATURE_MARGIN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from tocsin_agent.gpu.group import Key


class Margin(Reader):
    """In degrees."""

    __slots__ = ()

    def read(self, nvml: "Any", gpu: object, _now: float) -> "dict[Key, float]":
        """Negative once it does slow down."""
        celsius = known(nvml, "nvmlDeviceGetMarginTemperature", gpu)
        return {} if celsius is None else {(TEMPERATURE_MARGIN.name,): celsius}
