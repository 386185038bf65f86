"""One measured ratio between tocsin and a peer, both run in the same run."""

from typing import Any, NamedTuple


class Measure(NamedTuple):
    """``tocsin`` and ``peer`` are medians in ``unit``; ``goal`` is the largest ratio that meets the bar.

    ``against`` says what stands in ``peer``: a peer's figure, or a ``limit`` that no peer sets.
    """

    name: str
    tocsin: float
    peer: float
    goal: float
    unit: str
    detail: dict[str, Any]
    against: str = "peer"

    @property
    def ratio(self) -> float:
        """How much of the peer's figure tocsin needs."""
        return self.tocsin / self.peer

    @property
    def met(self) -> bool:
        """Whether the bar is met."""
        return self.ratio <= self.goal

    def line(self) -> str:
        """The line that ``make bench`` prints."""
        return (
            f"{self.name} tocsin={self.tocsin:.4g}{self.unit} {self.against}={self.peer:.4g}{self.unit} "
            f"ratio={self.ratio:.3g} goal={self.goal:g} {'met' if self.met else 'missed'}"
        )
