"""Peaks of the host between scrapes: it is looked at ten times a second while tasks wait, or always if asked to.

The kernel tells when tasks wait: a trigger in /proc/pressure (Documentation/accounting/psi.rst) makes the loop that
serves wake up, and nothing is polled before. A look costs some 60 us (decision 0027), and what it needs is loaded with
the first one. Counters of bytes and of busy seconds need no looks: the kernel keeps them.
"""

import os
from time import monotonic

from tocsin_agent.exposition import template
from tocsin_agent.later import Later
from tocsin_agent.log import event
from tocsin_schema.metrics import sampling

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from tocsin_agent.sampling.host import Host
    from tocsin_agent.source import Values

RESOURCES = ("cpu", "memory", "io")
TRIGGER = b"some 300000 2000000\0"
"""Tasks waited for 300 ms of 2 s: newer kernels give windows that are whole multiples of 2 s to everyone. The
kernel overwrites the last byte, so it has to be one that nobody misses."""
UNDER_PRESSURE_HZ = 10.0
LINGER_S = 10.0
"""After an alarm; while the pressure lasts there is one every 2 s."""
GAP_PERIODS = 5
"""Looks further apart than so many periods tell nothing of the time between them."""
NEVER_S = 3600.0
FOREVER = float("inf")


class Peaks:
    """``tocsin_host_*`` and ``tocsin_sampling_*``."""

    METRICS = Later("sampling", "peaks")

    def __init__(self, values: "Values", clock: "Callable[[], float]" = monotonic) -> None:
        hz = float(values["sampling.hz"])  # type: ignore[arg-type]
        self._values = values
        self._clock = clock
        self._period_s = 1 / (hz or UNDER_PRESSURE_HZ)
        self._until = FOREVER if hz else 0.0
        self._due = 0.0
        self._host: Host | None = None
        self._failures, self._failed = 0, ""
        self._alarms: dict[int, str] | None = {} if hz else None
        """Resources by descriptor; None before somebody waits for alarms."""
        self._counts: dict[str, int] = {}
        self._template = b"".join([template(metric, [{}]) for metric in (sampling.ACTIVE, sampling.FAILURES)])

    def alarms(self) -> tuple[int, ...]:
        """The triggers, set at the first call: one scrape on a terminal has no use for them."""
        if self._alarms is None:
            self._alarms = armed(str(self._values["procfs"]))
            self._counts = dict.fromkeys(self._alarms.values(), 0)
            self._template += template(sampling.ALARMS, [{"resource": resource} for resource in self._counts])
        return tuple(self._alarms)

    def alarmed(self, fd: int) -> None:
        """Tasks wait: look at the host for a while."""
        self._counts[(self._alarms or {})[fd]] += 1
        now = self._clock()
        if now >= self._until:
            self._due = now
        self._until = now + LINGER_S

    def sample(self) -> float:
        """Look, if it is time."""
        now = self._clock()
        if now >= self._until:
            return NEVER_S
        if now >= self._due:
            self._look()
            # On the beat, so that the pace is kept; one that would follow within half a period is left out.
            self._due += self._period_s * (1 + int((now - self._due) / self._period_s + 0.5))
        return max(self._due - self._clock(), 0.0)

    def _look(self) -> None:
        try:
            if self._host is None:
                from tocsin_agent.sampling.host import Host

                self._host = Host(self._values, self._period_s * GAP_PERIODS, self._clock)
            self._host.sample()
            failed = ""
        except Exception as error:  # the loop that serves must go on; told once, and counted
            self._failures += 1
            failed = f"{type(error).__name__}: {error}"
        if failed != self._failed:
            event("sampling_failed", error=failed) if failed else event("sampling_recovered")
            self._failed = failed

    def read(self) -> bytes:
        """What was seen until now."""
        active = self._clock() < self._until
        state = self._template % tuple([b"%d" % count for count in (active, self._failures, *self._counts.values())])
        host = self._host
        return state if host is None else host.text(state)

    def close(self) -> None:
        """Let go of the triggers and of the files."""
        for fd in self._alarms or ():
            os.close(fd)
        self._alarms = {}
        if self._host is not None:
            self._host.close()


def armed(procfs: str, own: str = "/proc") -> dict[int, str]:
    """Triggers that are set, by descriptor. A kernel that gives none is told of, once, and does without.

    Pressure is the whole host's in every procfs: where the host's may only be read, a container's ``own`` will do.
    """
    if not is_kernels(procfs):
        return {}
    found: dict[int, str] = {}
    for folder in dict.fromkeys((procfs, own)):
        try:
            for resource in RESOURCES:
                found[_trigger(f"{folder}/pressure/{resource}")] = resource
        except OSError as error:
            refused = error
            for fd in found:
                os.close(fd)
            found = {}
        else:
            return found
    event("pressure_alarms_refused", file=refused.filename, error=refused.strerror, instead="--sample-hz 10")
    return found


def is_kernels(path: str) -> bool:
    """Whether a folder is one of the kernel's own, which has no blocks, and no recording of one."""
    try:
        return os.statvfs(path).f_blocks == 0
    except OSError:
        return False


def _trigger(path: str) -> int:
    fd = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        os.write(fd, TRIGGER)
    except OSError as error:
        os.close(fd)
        error.filename = path
        raise
    return fd


SOURCE = Peaks
