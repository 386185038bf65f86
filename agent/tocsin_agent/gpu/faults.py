"""Faults that GPUs and NVSwitches report: counted once whoever tells them, and each told in the log with what to do."""

import threading
import time

from tocsin_agent.gpu.once import MOST, Once
from tocsin_agent.log import event
from tocsin_schema.metric import OVERFLOW
from tocsin_schema.metrics.gpu import GPUS, XIDS
from tocsin_schema.metrics.nvswitch import SWITCHES, SXIDS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    from tocsin_agent.gpu.kernellog import Entry

    Gpu: TypeAlias = tuple[str, str]
    """Index and uuid, as the labels have them."""
    Counts: TypeAlias = "dict[Gpu, dict[str, int]]"

FATAL = ("48", "62", "64", "74", "79", "94", "95", "119", "120", "140")
"""XIDs after which the GPU's work is lost: uncorrected memory errors, NVLink, off the bus, firmware, power controller.
They stand at 0 once the GPU is watched, so that ``increase()`` sees the first one."""
NVML, KERNEL = "nvml", "kernel_log"
QUIET_S = 10.0
"""One line for the same fault of the same GPU; those that come meanwhile are counted, and told with the next line."""
HIGHEST = 9999
"""An XID above is none: NVML writes all ones where it has no number."""


class Faults:
    """Counts by GPU, then XID, and by switch. Told of by several threads, read by the scrape."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._once = Once()
        self._gpus: Counts = {}
        self._places: dict[str, Gpu] = {}
        """GPUs by PCI address, as NVML knows them."""
        self._switches: dict[tuple[str, str, str], int] = {}
        self._told: dict[tuple[object, int], tuple[float, int]] = {}

    def counts(self) -> "Counts":
        """A copy of the counts of XIDs."""
        with self._lock:
            return {gpu: dict(counts) for gpu, counts in self._gpus.items()}

    def switches(self) -> dict[tuple[str, str, str], int]:
        """A copy of the counts of SXIDs by switch, number and gravity."""
        with self._lock:
            return dict(self._switches)

    def meet(self, gpu: "Gpu", place: str) -> None:
        """A GPU was found at a PCI address ("" where NVML does not tell it)."""
        with self._lock:
            if place:
                self._places[place] = gpu

    def watched(self, gpu: "Gpu") -> None:
        """Somebody tells this GPU's XIDs from now on."""
        with self._lock:
            self._gpus.setdefault(gpu, dict.fromkeys(FATAL, 0))

    def nvml_told(self, gpu: "Gpu", xid: int) -> None:
        """An event of NVML."""
        self._count(NVML, gpu, xid, "")

    def log_told(self, entry: "Entry") -> None:
        """An XID in the kernel's log. A GPU that NVML does not show has its PCI address for an index, and no uuid."""
        with self._lock:
            gpu = self._places.get(entry.place, (entry.place, ""))
        self._count(KERNEL, gpu, entry.number, entry.text)

    def switch_told(self, entry: "Entry") -> None:
        """An SXID in the kernel's log; nobody else tells it."""
        kind = "fatal" if entry.fatal else "non_fatal"
        with self._lock:
            sxid = str(entry.number)
            key = entry.switch, sxid, kind
            if key not in self._switches and len(self._switches) >= SWITCHES * SXIDS:
                key = OVERFLOW, OVERFLOW, kind
            self._switches[key] = self._switches.get(key, 0) + 1
            missed = self._due(("switch", entry.switch), entry.number)
        if missed is not None:
            event("nvswitch_sxid", switch=entry.switch, sxid=sxid, kind=kind, **_more(missed), line=entry.text[:300])

    def _count(self, witness: str, gpu: "Gpu", xid: int, text: str) -> None:
        if not 0 < xid <= HIGHEST:
            return
        with self._lock:
            if not self._once.new(witness, (gpu, xid), time.monotonic()):
                return
            if gpu not in self._gpus and len(self._gpus) >= GPUS:
                gpu = OVERFLOW, OVERFLOW
            counts = self._gpus.setdefault(gpu, {})
            name = str(xid)
            name = name if name in counts or len(counts) < XIDS - 1 else OVERFLOW
            counts[name] = counts.get(name, 0) + 1
            missed = self._due(gpu, xid)
        if missed is not None:
            _tell(witness, gpu, xid, text, missed)

    def _due(self, whose: object, number: int) -> int | None:
        """How many went by without a line since the last one; None while it is too soon for another."""
        now = time.monotonic()
        at, missed = self._told.get((whose, number), (-QUIET_S, 0))
        if now - at < QUIET_S:
            self._told[whose, number] = at, missed + 1
            return None
        if len(self._told) >= MOST:
            self._told.clear()
        self._told[whose, number] = now, 0
        return missed


def _tell(witness: str, gpu: "Gpu", xid: int, text: str, missed: int) -> None:
    from tocsin_agent.gpu.advice import advice  # a host whose GPUs are well never reads the table

    meaning, todo = advice(xid)
    known = {"meaning": meaning, "advice": todo} if meaning else {}
    line = {"line": text[:300]} if text else {}
    event("gpu_xid", gpu=gpu[0], uuid=gpu[1], xid=xid, told_by=witness, **known, **_more(missed), **line)


def _more(missed: int) -> dict[str, int]:
    return {"and_before": missed} if missed else {}
