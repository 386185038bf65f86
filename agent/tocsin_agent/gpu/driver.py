"""The thread that owns NVML: it loads the binding, initialises it, gives it up when asked, and takes it again.

nvmlInit can hang (NVIDIA/go-nvml#152) and so can nvmlShutdown, so both happen here and nowhere else. A *session* is the
time between the two; handles belong to a session. A session ends when

1. a call says UNINITIALIZED, or every GPU has failed for a while: then the next one begins at once;
2. there are more or fewer GPUs than there were: likewise, unless a GPU hangs, whose neighbours must not pay for it;
3. somebody asks for the GPUs (``release``), or the kernel says that it waits for one: then it goes on after ``take``.

Nobody may be inside NVML when it is shut down. On request that is waited for without end, since a device that a hung
call holds is not released, and nobody shall be told that it is; a session that is lost is ended all the same.
"""

import threading
import time

from tocsin_agent.gpu.answer import words
from tocsin_agent.gpu.faults import Faults
from tocsin_agent.gpu.inside import Inside, leave, taken
from tocsin_agent.gpu.kernellog import REMOVED, REMOVING, SXID, XID, KernelLog
from tocsin_agent.gpu.library import load, unload
from tocsin_agent.gpu.sample import stale_after
from tocsin_agent.gpu.series import of_driver, of_switches, render
from tocsin_agent.gpu.turns import HUNG_S, Turns, until_beat
from tocsin_agent.gpu.worker import Worker
from tocsin_agent.gpu.xid import Xids
from tocsin_agent.kernelfile import entries
from tocsin_agent.log import event
from tocsin_schema.metrics.gpu import GPUS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from tocsin_agent.gpu.kernellog import Entry
    from tocsin_agent.gpu.worker import Snapshot

RETRY_S = 0.5
"""Between two attempts to initialise: what is mended is seen within 2 s."""
WATCH_S = 1.0
"""The longest between two looks at a session."""
CLOSE_S = 0.1
"""The shortest, while a GPU hangs: others may hang with it."""
AFTER_S = 1.5 * HUNG_S
"""A look comes so long after the samples began, when a GPU that hangs can just be told."""
GIVE_UP_S = 1.0
"""When every GPU has failed for this long, NVML is initialised anew; one GPU's loss must not disturb the others."""
NO_GPUS_S = 10.0
"""A driver without a GPU is initialised anew as often."""
LEAVE_S = 0.7
"""For threads to come out of NVML: a call takes milliseconds, unless it hangs."""
REMOVED_S = 2.0
"""After the kernel has gone on with the removal of a device, before the others are taken again."""

UP, DOWN, RELEASING, RELEASED = "up", "down", "releasing", "released"
STATES = (UP, DOWN, RELEASING, RELEASED)


class Session:
    """NVML between init and shutdown. Raises NVMLError when the GPUs cannot be counted."""

    __slots__ = ("bound", "count", "nvml", "version")

    def __init__(self, nvml: "Any", procfs: str) -> None:
        self.nvml = nvml
        self.bound = bound(procfs)
        self.count: int = min(nvml.nvmlDeviceGetCount(), GPUS)
        self.version = words(nvml, "nvmlSystemGetDriverVersion")

    def differs(self, procfs: str) -> bool:
        """Whether GPUs have come or gone. A driver that cannot tell now is the samplers' matter."""
        try:
            count = min(self.nvml.nvmlDeviceGetCount(), GPUS)
        except self.nvml.NVMLError:
            count = self.count
        return (count, bound(procfs)) != (self.count, self.bound)


def bound(procfs: str) -> "frozenset[str]":
    """The PCI addresses of the GPUs that the kernel's driver has; NVML counts anew only when it is initialised."""
    return frozenset(entries(f"{procfs}/driver/nvidia/gpus"))


class Driver:
    """Owns every GPU thread. ``workers`` only grows; ``session`` is None while NVML is not initialised."""

    def __init__(
        self, interval_s: float, pace: float = 1.0, procfs: str = "/proc", kmsg: str = "", pulse_s: float = 0.0
    ) -> None:
        """``pulse_s``: between two looks at what moves; 0: there are samples only."""
        self.nvml: Any = None
        self.session: Session | None = None
        self.workers: list[Worker] = []
        self.interval_s = interval_s
        self.pace = pace
        self.procfs = procfs
        self.faults = Faults()
        self.away = False
        """Whether the GPUs were asked for and not yet given back."""
        self._by_kernel = False
        self._back_at: float | None = None
        self._lost: Session | None = None
        self._stopping = threading.Event()
        self._nudge = threading.Event()
        self._looked = threading.Event()
        self._closed = threading.Event()
        self._closed.set()
        self._inside = Inside("NVML's start or end")
        self._told = ""
        self.xids = Xids(self, self.faults, self._stopping)
        self._log = KernelLog(kmsg, self._heard)
        self._turns = [Turns("gpu-sampler", interval_s, Worker.sample, self._stopping)]
        if pulse_s:
            self._turns.append(Turns("gpu-pulser", pulse_s, Worker.pulse, self._stopping))
        self._thread = threading.Thread(target=self._run, name="gpu-driver", daemon=True)
        self._thread.start()

    @property
    def state(self) -> str:
        """One of STATES."""
        if self.away:
            return RELEASED if self._closed.is_set() else RELEASING
        return UP if self.session is not None else DOWN

    @property
    def reads_log(self) -> bool:
        """Whether the kernel's log tells XIDs."""
        return self._log.thread is not None

    def told(self) -> bytes:
        """All series. Nothing is told of a GPU that the agent has let go of but the XIDs that there were."""
        if self.nvml is None:
            return b""
        state = self.state
        away = state in (RELEASED, RELEASING)
        gpus, up = ([], None) if away else (self._snapshots(), state == UP)
        stale_s = stale_after(self.interval_s)
        known = render(gpus, self.faults.counts(), time.monotonic(), stale_s, driver_up=up)
        return known + of_driver(state, STATES) + of_switches(self.faults.switches())

    def _snapshots(self) -> "list[tuple[int, Snapshot]]":
        """The GPUs by index: those that there are, and those that there were unless they were given away."""
        session = self.session
        count = session.count if session else 0
        snapshots = [(worker.index, worker.snapshot) for worker in list(self.workers)]
        return [(index, gpu) for index, gpu in snapshots if index < count or gpu.uuid]

    def lost(self, session: Session) -> None:
        """A worker found that this session has ended."""
        if session is self.session:
            self._lost = session
            self._nudge.set()

    def settle(self, timeout_s: float) -> None:
        """Wait until every GPU has been tried once, or there is none; a hang ends the wait, not the agent."""
        deadline = time.monotonic() + timeout_s
        self._looked.wait(timeout_s)
        for worker in self.workers:
            worker.tried.wait(max(0.0, deadline - time.monotonic()))

    # --- asked for, and given back ------------------------------------------------------------------------------------

    def release(self, timeout_s: float) -> str:
        """Close every handle of the driver and keep it closed. "" when that is done, else why it is not (yet)."""
        self._by_kernel = False
        self._ask("request")
        return "" if self._closed.wait(timeout_s) else self._why()

    def take(self, timeout_s: float) -> str:
        """Use the GPUs again. "" when each of them has been tried, else why not (yet)."""
        deadline = time.monotonic() + timeout_s
        if self.away:
            self._give_back("request")
        self._looked.wait(timeout_s)
        session = self.session
        if session is None:
            return self._why()
        workers = self.workers[: session.count]
        late = [worker for worker in workers if not worker.tried.wait(max(0.0, deadline - time.monotonic()))]
        return ", ".join([f"{worker.inside.who} has not answered yet" for worker in late])

    def _ask(self, by: str) -> None:
        if not self.away:
            event("gpus_asked_for", by=by)
        self._back_at, self.away = None, True
        self._nudge.set()

    def _give_back(self, by: str) -> None:
        event("gpus_given_back", by=by)
        for tried in (self._looked, *(worker.tried for worker in self.workers)):
            tried.clear()
        self.away = False
        self._nudge.set()

    def _why(self) -> str:
        """Why NVML is not where it was asked to be: who is inside for longer than it should take, or its last error."""
        insides = (*(worker.inside for worker in self.workers), self.xids.inside, self._inside)
        late = [(inside.who, inside.for_s()) for inside in insides]
        hung = [f"{who} has been in a call of the driver for {for_s:.1f} s" for who, for_s in late if for_s > LEAVE_S]
        return ", ".join(hung) or self._told or "the driver has not answered yet"

    def _heard(self, entry: "Entry") -> None:
        """From the kernel's log. An unbind waits in the kernel until the last handle is closed: it need not ask."""
        if entry.kind == XID:
            self.faults.log_told(entry)
        elif entry.kind == SXID:
            self.faults.switch_told(entry)
        elif entry.kind == REMOVING and not self.away:
            self._by_kernel = True
            self._ask(entry.text)
        elif entry.kind == REMOVED and self._by_kernel:
            self._back_at = time.monotonic() + REMOVED_S
            self._nudge.set()

    # --- the thread ---------------------------------------------------------------------------------------------------

    def close(self, timeout_s: float = 0.8) -> None:
        """End the threads; one that hangs in the driver is left behind, as nothing can end it."""
        self._stopping.set()
        self._nudge.set()
        self._log.close()
        deadline = time.monotonic() + timeout_s
        for turns in self._turns:
            turns.close(deadline)
        for thread in (self.xids.thread, self._log.thread, self._thread):
            if thread is not None and thread.is_alive():
                thread.join(max(0.0, deadline - time.monotonic()))

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._turn()
            except ImportError as error:
                event("gpu_binding_missing", error=error, advice="pip install nvidia-ml-py")
                self._looked.set()
                return
            except Exception as error:  # a supervised loop: what a broken driver returns must not end it
                self._tell(error)
                self._pause(RETRY_S)

    def _turn(self) -> None:
        if self.away:
            self._stay_away()
            return
        self.nvml = self.nvml or load()
        session = self._open(self.nvml)
        if session:
            self._live(session)
        else:
            self._looked.set()
            self._pause(RETRY_S)

    def _pause(self, timeout_s: float | None) -> None:
        self._nudge.wait(timeout_s)
        self._nudge.clear()

    def _stay_away(self) -> None:
        if not self._closed.is_set():
            with self._inside:
                self._shut(self.nvml)
        left_s = self._back_at - time.monotonic() if self._back_at is not None else None
        if left_s is not None and left_s <= 0:
            self._give_back("removal of a device is over")
        else:
            self._pause(left_s if self._closed.is_set() else RETRY_S)

    def _open(self, nvml: "Any") -> Session | None:
        self._log.start()
        self._closed.clear()
        if self.away:  # asked for between two steps, and told that all is closed: so it stays
            self._closed.set()
            return None
        with self._inside:
            try:
                nvml.nvmlInit()
            except nvml.NVMLError as error:
                self._tell(error)
                self._closed.set()
                if error.value == nvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH and not self._occupied():
                    unload(nvml)
                return None
            try:
                session = Session(nvml, self.procfs)
            except Exception as error:  # a count that cannot be read: the next attempt may
                self._tell(error)
                self._shut(nvml)
                return None
        self._told = ""
        return session

    def _tell(self, error: Exception) -> None:
        """One line for a reason, not one for each attempt."""
        if str(error) != self._told:
            self._told = str(error)
            event("nvml_failed", error=error)

    def _occupied(self) -> bool:
        """Whether a thread of an earlier session is inside still."""
        return any(inside.for_s() for inside in (self.xids.inside, *(worker.inside for worker in self.workers)))

    def _live(self, session: Session) -> None:
        """Have the GPUs sampled until the session is over, then end it."""
        over = False
        while not over:
            must = False
            if not self.away:
                self.session = session
                self._start(session.count)
                self._looked.set()
                must = self._watch(session)
            over = self._end(session, must=must)

    def _start(self, count: int) -> None:
        while len(self.workers) < count and not self._stopping.is_set():
            worker = Worker(len(self.workers), self)
            self.workers.append(worker)
            for turns in self._turns:
                turns.add(worker)
        self._turns[0].nudge.set()
        if not self.xids.thread.ident:
            self.xids.thread.start()

    def _watch(self, session: Session) -> bool:
        """Wait until the session is over. True when it must end, whoever hangs."""
        opened = time.monotonic()
        while not (self._stopping.is_set() or self.away):
            apart = [turns.check() for turns in self._turns]
            self._pause(CLOSE_S if any(apart) else until_beat(min(max(self.interval_s, CLOSE_S), WATCH_S), AFTER_S))
            workers = self.workers[: session.count]
            if self._lost is session or _all_fail(workers, opened):
                return True
            if not any(worker.inside.for_s() > LEAVE_S for worker in workers) and self._differs(session):
                return False
        return False

    def _differs(self, session: Session) -> bool:
        with self._inside:
            return session.differs(self.procfs)

    def _end(self, session: Session, *, must: bool) -> bool:
        """Shut NVML down. False when a call hangs, and nobody asks for the GPUs any more: then the session goes on."""
        self.session = None
        insides = (self.xids.inside, *(worker.inside for worker in self.workers))
        out = taken(insides, LEAVE_S)
        while len(out) < len(insides) and self.away and not self._stopping.is_set():
            leave(out)
            out = taken(insides, LEAVE_S)
        try:
            if len(out) < len(insides) and (self._stopping.is_set() or not must):
                return self._stopping.is_set()  # the end of the process closes what a hung call holds
            self._finish(session, out)
        finally:
            leave(out)
        return True

    def _finish(self, session: Session, out: "list[Inside]") -> None:
        nvml = session.nvml
        with self._inside:
            if self.xids.inside in out:
                self.xids.drop(session)
            self._shut(nvml)
            if self.away and self._closed.is_set():
                unload(nvml)
                for worker in self.workers:
                    worker.forget()

    def _shut(self, nvml: "Any") -> None:
        try:
            nvml.nvmlShutdown()
        except nvml.NVMLError as error:
            if error.value != nvml.NVML_ERROR_UNINITIALIZED:
                self._told = f"nvmlShutdown: {error}"
                return
        self._closed.set()


def _all_fail(workers: "list[Worker]", opened: float) -> bool:
    """Whether every GPU has failed for long. A driver without GPUs is looked at again, too."""
    if not workers:
        return time.monotonic() - opened > NO_GPUS_S
    since = [worker.failing_since for worker in workers]
    return all(start is not None and time.monotonic() - max(start, opened) > GIVE_UP_S for start in since)
