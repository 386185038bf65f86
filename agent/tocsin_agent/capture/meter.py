"""The writer of a worker's metrics file.

Only the background thread writes it, from what requests have left in ``series``, so increments need no lock; and what
it has folded stays in the page cache when the worker is killed.

A file is made under a hidden name, locked, filled and then renamed, so that a reader sees whole files only. The kernel
drops the lock when the process ends, however it ends: that is how a reader knows the dead, across pid namespaces too.
"""

import fcntl
import mmap
import os
from array import array
from bisect import bisect_left
from collections import Counter
from itertools import repeat
from operator import itemgetter
from time import sleep

from tocsin_agent.capture import layout
from tocsin_agent.capture.layout import DURATION, DURATION_NS, FIRST, FIRST_NS, IN_FLIGHT, OUTCOME
from tocsin_agent.capture.series import Series
from tocsin_schema.latency import BOUNDS_S, BUCKETS
from tocsin_schema.metric import OVERFLOW

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from tocsin_agent.capture.counts import Counts
    from tocsin_agent.capture.layout import Key
    from tocsin_agent.capture.series import Observation

MAX_ROUTES = 24
SLICE = 256
"""Observations folded in one go: about a tenth of a millisecond of the interpreter lock."""
BOUNDS_NS = tuple(int(bound * 1e9 + 1e-3) for bound in BOUNDS_S)
"""The bounds in whole nanoseconds: a whole number is at most a bound exactly when it is at most its floor."""


class Meter:
    """The metrics file of this process in one runtime directory; used by one thread at a time."""

    def __init__(self, directory: str, counts: "Counts") -> None:
        self._directory = directory
        self._counts = counts
        self._fd = -1
        self._maps: list[tuple[mmap.mmap, memoryview]] = []
        self._slots: dict[Key, memoryview] = {}

    def open(self) -> None:
        """Make the file, or another one when it was removed. Raises OSError."""
        self.close()
        os.makedirs(self._directory, exist_ok=True)
        number = os.urandom(8)
        hidden = os.path.join(self._directory, f".{number.hex()}")
        self._fd = os.open(hidden, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        try:
            self._lock()
            head = self._map(0, layout.HEAD_WORDS)
            head[:3] = array("Q", (layout.MAGIC, BUCKETS, layout.stride()))
            head[layout.PID], head[layout.START] = os.getpid(), start_ticks(os.getpid())
            head[layout.ID] = int.from_bytes(number, "big")
            os.rename(hidden, os.path.join(self._directory, number.hex() + layout.SUFFIX))
        except OSError:
            self.close()
            os.unlink(hidden)
            raise

    def _lock(self) -> None:
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            pass  # a file system without locks: pid and start time tell

    def fold(self, series: Series) -> None:
        """Add what has waited, a slice at a time with rests between, and set the gauge. OSError: nothing was taken."""
        self._slot(series, OVERFLOW)[IN_FLIGHT] = len(series.live)
        waiting = series.done
        while n := min(len(waiting), SLICE):
            taken = waiting[:n]
            del waiting[:n]
            routes = dict.fromkeys(map(itemgetter(0), taken))  # in the order in which they came
            for route in routes:
                same = taken if len(routes) == 1 else [observation for observation in taken if observation[0] == route]
                add(self._slot(series, route), same)
            if waiting:
                sleep(0.0002)

    def publish(self) -> None:
        """Copy the process' own counters into the head."""
        values = self._counts.values
        self._maps[0][1][layout.COUNTERS_AT : layout.COUNTERS_AT + len(values)] = array("Q", values)

    def close(self) -> None:
        """Unmap and unlock; the file stays for the agent, which folds it."""
        for slot in self._slots.values():
            slot.release()
        for mapped, words in self._maps:
            words.release()
            mapped.close()
        self._maps, self._slots = [], {}
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    @property
    def is_open(self) -> bool:
        """Whether there is a file to write to; one that somebody has removed is written to for nobody."""
        return bool(self._maps) and os.fstat(self._fd).st_nlink > 0

    def _slot(self, series: Series, route: str) -> memoryview:
        """The words of a route. A new route beyond the bounds counts as ``_other``, and that is counted."""
        key = (series.project, series.model, series.version, route)
        found = self._slots.get(key)
        if found is not None:
            return found
        routes = sum(known[:3] == key[:3] for known in self._slots)
        if route != OVERFLOW and (routes >= MAX_ROUTES or len(self._slots) >= layout.MAX_SLOTS - 1):
            self._counts.add("observations_folded")
            return self._slot(series, OVERFLOW)
        if len(self._slots) >= layout.MAX_SLOTS - 1 and series is not _REST:
            self._counts.add("observations_folded")
            return self._slot(_REST, OVERFLOW)
        try:
            return self._new(key)
        except OSError:  # a full disk: the model's own slot is there since the first fold
            if route == OVERFLOW:
                raise
            self._counts.add("observations_folded")
            return self._slot(series, OVERFLOW)

    def _new(self, key: "Key") -> memoryview:
        words = self._map(len(self._slots) + 1, layout.LABEL_WORDS + layout.SLOT_WORDS)
        labels = layout.labels_of(key)
        padded = labels.ljust(-(-len(labels) // 8) * 8, b"\0")
        words[1 : 1 + len(padded) // 8] = array("Q", padded)
        words[0] = len(labels)
        self._slots[key] = words[layout.LABEL_WORDS :]
        self._maps[0][1][layout.SLOTS] = len(self._slots)
        return self._slots[key]

    def _map(self, number: int, words: int) -> memoryview:
        """Map one stride of the file. Its pages exist before: a store into a hole of a full disk would be a SIGBUS."""
        step = layout.stride()
        os.posix_fallocate(self._fd, number * step, step)
        mapped = mmap.mmap(self._fd, step, offset=number * step)
        view = memoryview(mapped)[: words * 8].cast("Q")
        self._maps.append((mapped, view))
        return view


_REST = Series(OVERFLOW, OVERFLOW, "")


def add(words: "memoryview | array[int]", observations: "Iterable[Observation]") -> None:
    """Add observations of one route to the words of its slot."""
    _, outcomes, durations, firsts = zip(*observations, strict=True)
    for outcome, count in Counter(outcomes).items():
        words[OUTCOME + outcome] += count
    tally = Counter(map(bisect_left, repeat(BOUNDS_NS), durations))
    words[DURATION_NS] += sum(durations)
    for index, count in tally.items():
        words[DURATION + index] += count
    if firsts != durations:
        firsts = tuple(first for first in firsts if first >= 0)
        tally = Counter(map(bisect_left, repeat(BOUNDS_NS), firsts))
    words[FIRST_NS] += sum(firsts)
    for index, count in tally.items():
        words[FIRST + index] += count


def start_ticks(pid: int) -> int:
    """When a process started, in clock ticks since boot (proc_pid_stat(5), field 22); 0 when there is no such one."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            stat = file.read()
    except OSError:
        return 0
    # The second field is the name in parentheses and may hold anything, also spaces and parentheses.
    return int(stat[stat.rindex(b")") + 2 :].split()[19])
