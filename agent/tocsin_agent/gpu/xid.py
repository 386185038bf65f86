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

WAIT_MS = 500
"""One round over all GPUs; what happens between two waits on a set is kept in the set."""


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
        while not self._stopping.is_set():
            with self.inside:
                session, watches = self._current()
                waited = [self._wait(watch, WAIT_MS // len(watches)) for watch in watches if session is not None]
            if not any(waited):
                self._stopping.wait(WAIT_MS / 1000)

    def _current(self) -> "tuple[Session | None, list[Watch]]":
        """The session and its watches; lets go of those that were replaced."""
        session = self._driver.session
        with self._lock:
            retired, self._retired = self._retired, []
            watches = [watch for watch in self._watches.values() if watch.session is session]
        for watch in retired:
            if watch.session is session:
                watch.free()
        return session, watches

    def _wait(self, watch: Watch, timeout_ms: int) -> bool:
        """One wait for one event. False when NVML would not wait (a lost GPU, a session that ended)."""
        nvml = watch.session.nvml
        if self._driver.session is not watch.session:
            return False
        try:
            event = nvml.nvmlEventSetWait(watch.set, timeout_ms)
        except nvml.NVMLError as error:
            return bool(error.value == nvml.NVML_ERROR_TIMEOUT)
        if event.eventType & nvml.nvmlEventTypeXidCriticalError:
            self._faults.nvml_told(watch.gpu, event.eventData)
        return True
