"""The samples of one GPU: found, sampled, lost and found again.

An immutable snapshot is published after each attempt; a scrape reads the newest one. A snapshot that grows old (the
call hangs) is told apart from one that failed by its age alone. Which thread comes in here is ``turns.py``'s matter.
"""

import threading
import time

from tocsin_agent.gpu.answer import REASONS, known, words
from tocsin_agent.gpu.inside import Inside
from tocsin_agent.gpu.kernellog import address
from tocsin_agent.gpu.sample import Sampler
from tocsin_agent.log import event
from tocsin_schema.metrics.gpu import MEMORY_TOTAL, POWER, TEMPERATURE, UTILIZATION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from tocsin_agent.gpu.driver import Driver, Session
    from tocsin_agent.gpu.group import Key

NOTHING: "Mapping[Key, float]" = {}
VITAL: "frozenset[Key]" = frozenset((metric.name,) for metric in (MEMORY_TOTAL, UTILIZATION, POWER, TEMPERATURE))
"""A GPU without any of these is not there: to a handle that has become invalid a driver says that no value exists."""


class Snapshot:
    """What is known of a GPU at one instant; ``sampled`` is the monotonic time of the last whole sample."""

    __slots__ = ("errors", "name", "sampled", "up", "uuid", "values", "version")

    def __init__(self, previous: "Snapshot | None", *, up: bool, values: "Mapping[Key, float]") -> None:
        self.up = up
        self.values = values
        self.uuid: str = previous.uuid if previous else ""
        self.name: str = previous.name if previous else ""
        self.version: str = previous.version if previous else ""
        self.sampled: float | None = previous.sampled if previous else None
        self.errors: Mapping[str, int] = previous.errors if previous else {}


class Worker:
    """The GPU of one index; ``snapshot`` is replaced whole, never changed."""

    def __init__(self, index: int, driver: "Driver") -> None:
        self.index = index
        self.snapshot = Snapshot(None, up=False, values=NOTHING)
        self.failing_since: float | None = None
        self._driver = driver
        self._sampler: Sampler | None = None
        self._sampled = ""
        """The uuid of the GPU that the sampler counts for."""
        self._session: Session | None = None
        self._handle: object = None
        self._met = False
        self.inside = Inside(f"GPU {index}")
        self.tried = threading.Event()
        """Set once the first attempt has ended, however it did."""

    def forget(self) -> None:
        """The GPU was given away, and another one may come; ``inside`` must be held."""
        errors = self.snapshot.errors
        self._session, self._handle, self.failing_since = None, None, None
        self.snapshot = Snapshot(None, up=False, values=NOTHING)
        self.snapshot.errors = errors

    def sample(self) -> None:
        """Take a sample, if there is a driver to ask."""
        with self.inside:
            session = self._driver.session
            if session is not None:
                self._attempt(session)
                self.tried.set()

    def pulse(self) -> None:
        """Look at what moves, between two samples."""
        if not self.inside.enter_if_free():
            return  # a sample is being taken, or NVML is being shut down
        try:
            sampler, session = self._sampler, self._session
            if self.snapshot.up and sampler is not None and session is not None and session is self._driver.session:
                sampler.pulse(self._handle, time.monotonic())
        except Exception:  # whatever it is, the next sample meets it too, counts it and tells it
            return
        finally:
            self.inside.leave()

    def _attempt(self, session: "Session") -> None:
        fresh = self._session is not session
        try:
            if self.index >= session.count:
                self._fail("absent", f"the driver has {session.count} GPUs")
                return
            sampler = self._attach(session) if fresh or self._sampler is None else self._sampler
            values, garbage = sampler.take(session, self._handle, time.monotonic())
            if VITAL.isdisjoint(values):
                self._fail("absent", "it has no value at all")
                return
            self._publish(values, garbage)
            if not self._met:
                self._met = self._meet(session)
        except session.nvml.NVMLError as error:
            self._fail(REASONS.get(error.value, "other"), error)
            if error.value == session.nvml.NVML_ERROR_UNINITIALIZED:
                self._driver.lost(session)
        except (
            Exception
        ) as error:  # a supervised loop: what a broken driver returns is counted, and the next try follows
            self._fail("other", error)

    def _attach(self, session: "Session") -> Sampler:
        """Find the GPU anew: after a reload another card may stand at this index."""
        nvml = session.nvml
        handle = nvml.nvmlDeviceGetHandleByIndex(self.index)
        uuid = words(nvml, "nvmlDeviceGetUUID", handle)
        if self._sampler is None or self._sampled != uuid:
            self._sampler, self._sampled = self._made(), uuid
        snapshot = Snapshot(self.snapshot if self.snapshot.uuid == uuid else None, up=False, values=NOTHING)
        snapshot.uuid, snapshot.version = uuid, session.version
        snapshot.name = words(nvml, "nvmlDeviceGetName", handle)
        snapshot.errors = self.snapshot.errors
        self.snapshot = snapshot
        self._handle, self._session, self._met = handle, session, False
        self._sampler.restart()
        return self._sampler

    def _meet(self, session: "Session") -> bool:
        """Have the GPU's XIDs counted. False when that failed: the GPU is well all the same, and it is tried again."""
        gpu = str(self.index), self.snapshot.uuid
        faults = self._driver.faults
        try:
            pci = known(session.nvml, "nvmlDeviceGetPciInfo", self._handle)
            faults.meet(gpu, address(pci.domain, pci.bus, pci.device) if pci else "")
            if self._driver.xids.watch(session, self._handle, gpu) or (pci and self._driver.reads_log):
                faults.watched(gpu)
        except session.nvml.NVMLError as error:
            self.snapshot = Snapshot(self.snapshot, up=True, values=self.snapshot.values)
            self.snapshot.errors = _counted(self.snapshot.errors, REASONS.get(error.value, "other"), 1)
            return False
        return True

    def _made(self) -> Sampler:
        from tocsin_agent.gpu.groups import GROUPS  # a host without a GPU does not load the readers

        return Sampler(GROUPS, self._driver.interval_s, self._driver.pace, self._driver.procfs)

    def _publish(self, values: "dict[Key, float]", garbage: int) -> None:
        snapshot = Snapshot(self.snapshot, up=True, values=values)
        snapshot.sampled = time.monotonic()
        if garbage:
            snapshot.errors = _counted(snapshot.errors, "garbage", garbage)
        if not self.snapshot.up:
            event("gpu_up", gpu=self.index, uuid=snapshot.uuid, model=snapshot.name)
        self.snapshot = snapshot
        self.failing_since = None

    def _fail(self, reason: str, error: object) -> None:
        self._session = None
        if self.failing_since is None:
            self.failing_since = time.monotonic()
            event("gpu_down", gpu=self.index, uuid=self.snapshot.uuid, reason=reason, error=error)
        snapshot = Snapshot(self.snapshot, up=False, values=NOTHING)
        snapshot.errors = _counted(snapshot.errors, reason, 1)
        self.snapshot = snapshot


def _counted(errors: "Mapping[str, int]", reason: str, count: int) -> dict[str, int]:
    return {**errors, reason: errors.get(reason, 0) + count}
