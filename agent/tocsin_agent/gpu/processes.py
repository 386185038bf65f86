"""Which processes use a GPU, how much of its memory, how much of its time.

NVML tells process numbers, and a number may belong to another process a moment later. A process is therefore its number
and the time it was started: samples of utilisation from before that time are its predecessor's and are dropped.
"""

import os
import time

from tocsin_agent.gpu.answer import known
from tocsin_agent.gpu.group import Reader
from tocsin_schema.metric import OVERFLOW
from tocsin_schema.metrics.gpu import PROCESS_BUSY, PROCESS_MEMORY, PROCESSES
from tocsin_schema.metrics.gpu_mig import MIG_PROCESS_MEMORY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any, TypeAlias

    from tocsin_agent.gpu.group import Key

    Held: TypeAlias = dict[tuple[tuple[int, int], int], float | None]
    """Bytes by GPU instance and compute instance, then pid; None where the driver cannot tell."""

NO_INSTANCE = 0xFFFFFFFF
"""As the number of an instance: the GPU is not cut."""
LISTS = ("nvmlDeviceGetComputeRunningProcesses_v3", "nvmlDeviceGetGraphicsRunningProcesses_v3")


def parse(stat: bytes) -> tuple[str, int]:
    """Name, and start in ticks after the host's start, of ``/proc/PID/stat`` (proc_pid_stat(5)). ValueError if cut."""
    head, found, tail = stat.rpartition(b")")
    fields = tail.split()
    if not found or len(fields) < 20:
        message = "no name or no start time in the stat file of a process"
        raise ValueError(message)
    return head.partition(b"(")[2].decode("utf-8", "replace"), int(fields[19])


def fold(values: "Mapping[tuple[str, str], float]", kept: int) -> "dict[tuple[str, str], float]":
    """The ``kept`` - 1 largest, and the sum of the rest."""
    ranked = sorted(values.items(), key=lambda item: (-item[1], item[0]))
    rest = ranked[kept - 1 :]
    return dict(ranked[: kept - 1]) | ({(OVERFLOW, OVERFLOW): sum(value for _, value in rest)} if rest else {})


def told(start: "Key", sized: "Iterable[tuple[tuple[str, str], float]]") -> "dict[Key, float]":
    """The sums of each owner's sizes, the smallest owners as one; ``start`` is what comes before the owner in a key."""
    sums: dict[tuple[str, str], float] = {}
    for owner, size in sized:
        sums[owner] = sums.get(owner, 0.0) + size
    return {(*start, *owner): size for owner, size in fold(sums, PROCESSES).items()}


class Processes(Reader):
    """The processes of one GPU."""

    __slots__ = ("_held", "_seen_us")

    def __init__(self, limit_s: float, procfs: str = "/proc") -> None:
        super().__init__(limit_s, procfs)
        self._seen_us = 0
        self._held: dict[str, object] = {}
        """By call, the type of the array that the binding last had it fill. ctypes knows a type of array only while
        somebody holds it, and makes it anew: 3 KiB in a cycle that waits for the garbage collector."""

    def read(self, nvml: "Any", gpu: object, _now: float) -> "dict[Key, float]":
        """Memory and utilisation by pid and name; on a GPU that is cut, memory by instance too."""
        held = self._memory(nvml, gpu)
        owners = {pid: self._owner(pid) for _, pid in held}
        busy = self._busy(nvml, gpu, {pid: start_us for pid, (_, start_us) in owners.items() if start_us})
        names = {pid: (str(pid), name) for pid, (name, _) in owners.items()}
        sized = [(instance, names[pid], size) for (instance, pid), size in held.items() if size is not None]
        found = told((PROCESS_MEMORY.name,), ((owner, size) for _, owner, size in sized))
        for instance in {instance for instance, _, _ in sized if instance[0] != NO_INSTANCE}:
            own = ((owner, size) for at, owner, size in sized if at == instance)
            found |= told((MIG_PROCESS_MEMORY.name, *map(str, instance)), own)
        used = fold({names[pid]: ratio for pid, ratio in busy.items()}, PROCESSES)
        return found | {(PROCESS_BUSY.name, *owner): min(ratio, 1.0) for owner, ratio in used.items()}

    def _memory(self, nvml: "Any", gpu: object) -> "Held":
        """A process that computes and draws stands in both lists with the same memory."""
        found: Held = {}
        for call in LISTS:
            processes = known(nvml, call, gpu) or ()
            for process in processes:
                found[(process.gpuInstanceId, process.computeInstanceId), process.pid] = process.usedGpuMemory
            self._held[call] = nvml.c_nvmlProcessInfo_t * (2 * len(processes) + 5)  # what the binding makes room for
        return found

    def _owner(self, pid: int) -> tuple[str, float]:
        """Name and start in microseconds of the calendar; empty and 0 for one that has ended, or is out of sight."""
        try:
            with open(f"{self.procfs}/{pid}/stat", "rb") as file:
                name, ticks = parse(file.read())
        except (OSError, ValueError):
            return "", 0.0
        started_s = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME) + ticks / os.sysconf("SC_CLK_TCK")
        return name, started_s * 1e6

    def _busy(self, nvml: "Any", gpu: object, starts: "Mapping[int, float]") -> dict[int, float]:
        samples = known(nvml, "nvmlDeviceGetProcessUtilization", gpu, self._seen_us) or ()
        self._seen_us = max([self._seen_us, *(sample.timeStamp for sample in samples)])
        self._held["nvmlDeviceGetProcessUtilization"] = samples and type(samples[0]._b_base_)
        return shares(((sample.pid, sample.timeStamp, sample.smUtil) for sample in samples), starts)


def shares(samples: "Iterable[tuple[int, int, int]]", starts: "Mapping[int, float]") -> dict[int, float]:
    """The mean of each living process' samples (pid, microseconds, percent); what cannot be is left out."""
    found: dict[int, list[int]] = {}
    for pid, at_us, percent in samples:
        if pid in starts and at_us >= starts[pid] and percent <= 100:
            found.setdefault(pid, []).append(percent)
    return {pid: sum(percents) / len(percents) / 100 for pid, percents in found.items()}
