"""XID errors, counted as the driver reports them (nvmlEventSetWait).

One thread waits for all GPUs, apart from their samplers: the XID that explains a hang arrives while the sampler hangs.
Each GPU has an event set of its own, because a wait on a set with one lost GPU fails for all of the set.
"""

import threading

from tocsin_agent.gpu.answer import ABSENT
from tocsin_schema.metric import OVERFLOW
from tocsin_schema.metrics.gpu import XIDS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tocsin_agent.gpu.driver import Driver, Session

FATAL = ("48", "74", "79", "94", "95", "119", "120")
"""XIDs after which the GPU's work is lost (double-bit ECC, NVLink, off the bus, contained and uncontained ECC, GSP).
They stand at 0 once the GPU is watched, so that ``increase()`` sees the first one."""

WAIT_MS = 500
"""One round over all GPUs; what happens between two waits on a set is kept in the set."""


class Watch:
    """The event set of one GPU in one session."""

    __slots__ = ("gpu", "session", "set")

    def __init__(self, session: "Session", handle: object, gpu: tuple[str, str]) -> None:
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
    """Counts by (gpu, uuid), then XID. ``watch`` is called by the samplers, ``counts`` by the scrape."""

    def __init__(self, driver: "Driver", stopping: threading.Event) -> None:
        self._driver = driver
        self._stopping = stopping
        self._lock = threading.Lock()
        self._counts: dict[tuple[str, str], dict[str, int]] = {}
        self._watches: dict[str, Watch] = {}
        self._retired: list[Watch] = []
        self.waiting = threading.Lock()
        """Held while the thread is inside NVML; the driver takes it before it shuts NVML down."""
        self.thread = threading.Thread(target=self._run, name="gpu-xid", daemon=True)

    def counts(self) -> dict[tuple[str, str], dict[str, int]]:
        """A copy of the counts."""
        with self._lock:
            return {gpu: dict(counts) for gpu, counts in self._counts.items()}

    def watch(self, session: "Session", handle: object, gpu: tuple[str, str]) -> None:
        """Watch the GPU (index, uuid) anew; one without XID events is left out. Raises NVMLError when the GPU fails."""
        try:
            watch = Watch(session, handle, gpu)
        except session.nvml.NVMLError as error:
            if error.value in ABSENT:
                return
            raise
        with self._lock:
            if gpu[0] in self._watches:
                self._retired.append(self._watches[gpu[0]])
            self._watches[gpu[0]] = watch
            self._counts.setdefault(gpu, dict.fromkeys(FATAL, 0))

    def _run(self) -> None:
        while not self._stopping.is_set():
            with self.waiting:
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
        try:
            event = nvml.nvmlEventSetWait(watch.set, timeout_ms)
        except nvml.NVMLError as error:
            return bool(error.value == nvml.NVML_ERROR_TIMEOUT)
        if event.eventType & nvml.nvmlEventTypeXidCriticalError:
            self._count(watch.gpu, str(event.eventData))
        return True

    def _count(self, gpu: tuple[str, str], xid: str) -> None:
        with self._lock:
            counts = self._counts[gpu]
            xid = xid if xid in counts or len(counts) < XIDS - 1 else OVERFLOW
            counts[xid] = counts.get(xid, 0) + 1
