"""NVIDIA GPUs through NVML (nvidia-ml-py), when its library is there. A read only formats the newest snapshots.

A host without the library pays for looking at it now and then: threads, readers and metrics come with the driver.
"""

import time

from tocsin_agent.gpu.library import there
from tocsin_agent.later import Later

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tocsin_agent.gpu.driver import Driver
    from tocsin_agent.source import Values
    from tocsin_agent.task import Handler

FIRST_S = 1.5
"""A busy host takes most of a second to load the binding."""
LOOK_AGAIN_S = 30.0
"""Between two looks for a library that is not there."""


class Gpu:
    """``tocsin_gpu_*`` and ``tocsin_nvswitch_*``; b"" on a host without the library."""

    METRICS = Later("gpu", "gpu_activity", "gpu_mig", "gpu_fabric", "nvswitch")

    def __init__(self, values: "Values", pace: float = 1.0) -> None:
        """``pace`` stretches the periods of the table of NVML calls; a test takes less than 1."""
        self._interval_s = float(values["gpu.interval_s"])  # type: ignore[arg-type]
        self._pace = pace
        self._procfs, self._kmsg = str(values.get("procfs", "/proc")), str(values.get("kmsg", ""))
        self._enabled = bool(values["gpu.enabled"])
        self._driver: Driver | None = None
        self._looked = 0.0
        self._settled = False
        self._hz = float(values.get("sampling.hz", 0.0))  # type: ignore[arg-type]
        self._look()

    def _look(self) -> None:
        self._looked = time.monotonic()
        if self._enabled and there():
            from tocsin_agent.gpu.driver import Driver

            pulse_s = 1 / self._hz if self._hz else 0.0
            self._driver = Driver(self._interval_s, self._pace, self._procfs, self._kmsg, pulse_s)

    def routes(self) -> "dict[str, Handler]":
        """How an operator asks for the GPUs, and gives them back."""
        from tocsin_agent.gpu.release import routes

        return routes(lambda: self._driver) if self._enabled else {}

    def read(self) -> bytes:
        """The GPUs as they were sampled last; only the first read waits a little, for ``run --once``."""
        if self._driver is None and time.monotonic() - self._looked >= LOOK_AGAIN_S * self._pace:
            self._look()
        driver = self._driver
        if driver is None:
            return b""
        if not self._settled:
            self._settled = True
            driver.settle(FIRST_S)
        return driver.told()

    def close(self) -> None:
        """End the threads; one that hangs in the driver dies with the process."""
        if self._driver is not None:
            self._driver.close()


SOURCE = Gpu
