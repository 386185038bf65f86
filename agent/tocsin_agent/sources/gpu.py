"""NVIDIA GPUs through NVML (nvidia-ml-py), when its library is there. A read only formats the newest snapshots."""

import time

from tocsin_agent.gpu.driver import Driver
from tocsin_agent.gpu.entries import METRICS
from tocsin_agent.gpu.sample import stale_after
from tocsin_agent.gpu.series import render

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tocsin_agent.source import Values


FIRST_S = 1.5
"""A busy host takes most of a second to load the binding."""


class Gpu:
    """``tocsin_gpu_*``; b"" on a host without the library."""

    METRICS = METRICS

    def __init__(self, values: "Values", pace: float = 1.0) -> None:
        """``pace`` stretches the periods of the table of NVML calls; a test takes less than 1."""
        interval_s = float(values["gpu.interval_s"])  # type: ignore[arg-type]
        self._stale_s = stale_after(interval_s)
        self._settled = False
        procfs = str(values.get("procfs", "/proc"))
        hz = float(values.get("sampling.hz", 0.0))  # type: ignore[arg-type]
        self._driver = Driver(interval_s, pace, procfs, 1 / hz if hz else 0.0) if values["gpu.enabled"] else None

    def read(self) -> bytes:
        """The GPUs as they were sampled last; only the first read waits a little, for ``run --once``."""
        driver = self._driver
        if driver is None:
            return b""
        if not self._settled:
            self._settled = True
            driver.settle(FIRST_S)
        if driver.nvml is None:
            return b""
        gpus = [(worker.index, worker.snapshot) for worker in list(driver.workers)]
        up = driver.session is not None
        return render(gpus, driver.xids.counts(), time.monotonic(), self._stale_s, driver_up=up)

    def close(self) -> None:
        """End the threads; one that hangs in the driver dies with the process."""
        if self._driver is not None:
            self._driver.close()


SOURCE = Gpu
