"""A group of NVML calls: what is asked together, how often, and what it may cost."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, TypeAlias

    Key: TypeAlias = tuple[str, ...]
    """A metric's name, then the values of its labels behind ``gpu`` and ``uuid``."""


class Reader:
    """Makes a group's calls for one GPU; what it counts outlives the driver's sessions.

    One that has a method ``pulse`` is also called between its readings, in another thread, where that is asked for.
    """

    __slots__ = ("_last", "limit_s", "procfs")

    def __init__(self, limit_s: float, procfs: str = "/proc") -> None:
        self.procfs = procfs
        self.limit_s = limit_s
        """Between two readings further apart than this the GPU was not seen."""
        self._last: float | None = None

    def read(self, nvml: "Any", gpu: object, now: float) -> "Mapping[Key, float]":
        """The values that there are. Raises NVMLError when the GPU fails."""
        raise NotImplementedError

    def passed(self, now: float) -> float:
        """Seconds since the last reading; 0 after a gap, be it failures or a hang: what the GPU did then is unknown."""
        last, self._last = self._last, now
        return now - last if last is not None and now - last <= self.limit_s else 0.0

    def restart(self) -> None:
        """The GPU failed and was found anew."""
        self._last = None


class Group:
    """One row of the published table. ``calls`` has the most calls of each NVML function in one reading."""

    __slots__ = ("calls", "make", "name", "period_s")

    def __init__(
        self, name: str, period_s: float, calls: "Mapping[str, int]", make: "Callable[[float, str], Reader]"
    ) -> None:
        self.name = name
        self.period_s = period_s
        self.calls = calls
        self.make = make
