"""XID errors as NVML tells them (nvmlEventSetWait).

One thread waits for all GPUs, apart from their samplers: the XID that explains a hang arrives while the sampler hangs.
Each GPU has an event set of its own, because a wait on a set with one lost GPU fails for all of the set.
"""

import threading

from tocsin_agent.gpu.answer import ABSENT
from tocsin_agent.gpu.inside import Inside

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tocsin_agent.gpu.driver import Driver, Session
    from tocsin_agent.gpu.faults import Faults, Gpu

PERIOD_S = 1.0
"""Between two rounds over all GPUs; what happens between two waits on a set is kept in the set."""
WAIT_MS = 0
"""What has happened is in the set: a wait that sleeps costs each GPU a wake-up, and tells an XID no sooner."""
MOST = 100
"""XIDs of a GPU in one round."""


class Watch:
    """The event set of one GPU in one session."""

    __slots__ = ("gpu", "session", "set")

    def __init__(self, session: "Session", handle: object, gpu: "Gpu") -> None:
        self.session = session
        self.gpu = gpu
        self.set = session.nvml.nvmlEventSetCreate()
        try:
            session.nvml.nvmlDeviceRegisterEvents(handle, session.nvml.nvmlEventTypeXidCriticalError, self.set)
        except session.nvml.NVMLError:
            self.free()
            raise

    def free(self) -> None:
        """Let go of the set; a driver that will not take it back keeps it."""
        try:
            self.session.nvml.nvmlEventSetFree(self.set)
        except self.session.nvml.NVMLError:
            pass


class Xids:
    """The watches by GPU. ``watch`` is called by the samplers, ``drop`` by the driver's thread."""

    def __init__(self, driver: "Driver", faults: "Faults", stopping: threading.Event) -> None:
        self._driver = driver
        self._faults = faults
        self._stopping = stopping
        self._lock = threading.Lock()
        self._watches: dict[str, Watch] = {}
        self._retired: list[Watch] = []
        self.inside = Inside("the wait for XIDs")
        self.thread = threading.Thread(target=self._run, name="gpu-xid", daemon=True)

    def watch(self, session: "Session", handle: object, gpu: "Gpu") -> bool:
        """Watch the GPU anew. False where it has no XID events; raises NVMLError when it fails."""
        try:
            watch = Watch(session, handle, gpu)
        except session.nvml.NVMLError as error:
            if error.value in ABSENT:
                return False
            raise
        with self._lock:
            if gpu[0] in self._watches:
                self._retired.append(self._watches[gpu[0]])
            self._watches[gpu[0]] = watch
        return True

    def drop(self, session: "Session") -> None:
        """Let go of every set of a session before it ends; ``inside`` must be held."""
        with self._lock:
            watches = [*self._retired, *self._watches.values()]
            self._retired, self._watches = [], {}
        for watch in watches:
            if watch.session is session:
                watch.free()

    def _run(self) -> None:
        while not self._stopping.wait(PERIOD_S * self._driver.pace):
            with self.inside:
                for watch in self._current():
                    for _ in range(MOST):
                        if not self._wait(watch):
                            break

    def _current(self) -> list[Watch]:
        """The session's watches; lets go of those that were replaced."""
        session = self._driver.session
        with self._lock:
            retired, self._retired = self._retired, []
            watches = [watch for watch in self._watches.values() if watch.session is session]
        for watch in retired:
            if watch.session is session:
                watch.free()
        return watches

    def _wait(self, watch: Watch) -> bool:
        """Take one event. False when there is none, or NVML would not wait (a lost GPU, a session that ended)."""
        nvml = watch.session.nvml
        if self._driver.session is not watch.session:
            return False
        try:
            event = nvml.nvmlEventSetWait(watch.set, WAIT_MS)
        except nvml.NVMLError:
            return False
        if event.eventType & nvml.nvmlEventTypeXidCriticalError:
            self._faults.nvml_told(watch.gpu, event.eventData)
        return True
