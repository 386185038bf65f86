"""The thread that owns NVML: it loads the library, initialises it, and does so anew when the driver went away.

nvmlInit can hang (NVIDIA/go-nvml#152) and so can nvmlShutdown, so both happen here and nowhere else. A *session* is the
time between the two; handles belong to a session, and whoever meets UNINITIALIZED reports the session lost.
"""

import threading
import time

from tocsin_agent.gpu.library import load
from tocsin_agent.gpu.worker import Worker
from tocsin_agent.gpu.xid import Xids
from tocsin_agent.log import event

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from tocsin_agent.gpu.pulser import Pulser

LOOK_AGAIN_S = 30.0
"""Between two looks for a library that is not there."""
RETRY_S = 1.0
"""Between two attempts to initialise."""
GIVE_UP_S = 10.0
"""When every GPU has failed for this long, NVML is initialised anew; one GPU's loss must not disturb the others."""


class Session:
    """NVML between init and shutdown."""

    __slots__ = ("count", "nvml", "version")

    def __init__(self, nvml: "Any") -> None:
        self.nvml = nvml
        self.count: int = nvml.nvmlDeviceGetCount()
        self.version = str(nvml.nvmlSystemGetDriverVersion())


class Driver:
    """Owns every GPU thread. ``workers`` only grows; ``session`` is None while NVML is not initialised."""

    def __init__(self, interval_s: float, pace: float = 1.0, procfs: str = "/proc", pulse_s: float = 0.0) -> None:
        """``pulse_s``: between two looks at what moves; 0: there are samples only."""
        self.nvml: Any = None
        self.session: Session | None = None
        self.workers: list[Worker] = []
        self.interval_s = interval_s
        self.pace = pace
        self.procfs = procfs
        self._stopping = threading.Event()
        self._lost = threading.Event()
        self._looked = threading.Event()
        self._told = ""
        self.xids = Xids(self, self._stopping)
        self._pulser = self._made_pulser(pulse_s) if pulse_s else None
        self._thread = threading.Thread(target=self._run, name="gpu-driver", daemon=True)
        self._thread.start()

    def _made_pulser(self, period_s: float) -> "Pulser":
        from tocsin_agent.gpu.pulser import Pulser  # most do not look between samples

        return Pulser(self, period_s, self._stopping)

    def lost(self, session: Session) -> None:
        """A worker found that this session has ended."""
        if session is self.session:
            self._lost.set()

    def settle(self, timeout_s: float) -> None:
        """Wait until every GPU has been tried once, or there is none; a hang ends the wait, not the agent."""
        deadline = time.monotonic() + timeout_s
        self._looked.wait(timeout_s)
        for worker in self.workers:
            worker.tried.wait(max(0.0, deadline - time.monotonic()))

    def close(self, timeout_s: float = 0.8) -> None:
        """End the threads; one that hangs in the driver is left behind, as nothing can end it."""
        self._stopping.set()
        self._lost.set()
        deadline = time.monotonic() + timeout_s
        pulser = self._pulser.thread if self._pulser else None
        for thread in (*(worker.thread for worker in self.workers), self.xids.thread, self._thread, pulser):
            if thread and thread.is_alive():
                thread.join(max(0.0, deadline - time.monotonic()))

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self.nvml = self.nvml or load()
            except ImportError as error:
                event("gpu_binding_missing", error=error, advice="pip install nvidia-ml-py")
                self._looked.set()
                return
            opened = self.nvml is not None and self._open(self.nvml)
            self._looked.set()
            if self.nvml is None:
                self._stopping.wait(LOOK_AGAIN_S)
            elif opened:
                self._watch()
                self._shut(self.nvml)
            else:
                self._stopping.wait(RETRY_S)

    def _open(self, nvml: "Any") -> bool:
        try:
            nvml.nvmlInit()
        except nvml.NVMLError as error:
            self._tell(error)
            return False
        try:
            session = Session(nvml)
        except Exception as error:  # a count or version that cannot be read: the next attempt may
            self._tell(error)
            self._shut(nvml)
            return False
        self._told = ""
        self._lost.clear()
        self.session = session
        self._start(session.count)
        return True

    def _tell(self, error: Exception) -> None:
        """One line for a reason, not one for each attempt."""
        if str(error) != self._told:
            self._told = str(error)
            event("nvml_failed", error=error)

    def _start(self, count: int) -> None:
        while len(self.workers) < count and not self._stopping.is_set():
            worker = Worker(len(self.workers), self, self._stopping)
            self.workers.append(worker)
            worker.thread.start()
        if not self.xids.thread.ident:
            self.xids.thread.start()
        if self._pulser and not self._pulser.thread:
            self._pulser.start()

    def _watch(self) -> None:
        """Wait until the session is lost or every GPU has failed for long; a driver without GPUs is looked at again."""
        opened = time.monotonic()
        while not self._lost.wait(RETRY_S):
            if self._pulser:
                self._pulser.check()
            since = [worker.failing_since for worker in self.workers] or [opened]
            if all(start is not None and time.monotonic() - max(start, opened) > GIVE_UP_S for start in since):
                return

    def _shut(self, nvml: "Any") -> None:
        self.session = None
        # A wait inside NVML must not outlive it; a driver that does not come back from one is past caring.
        held = self.xids.waiting.acquire(timeout=2.0)
        try:
            nvml.nvmlShutdown()
        except nvml.NVMLError:
            pass
        finally:
            if held:
                self.xids.waiting.release()
