"""A fault that two witnesses tell counts once, whoever tells it first.

NVML and the kernel's log tell the same XID within a second of each other, in either order and in bursts; each of them
misses some. A report is taken for the same fault as the oldest one of the *other* witness that has no twin yet; with no
such report it is a new fault. So after both have told n times there are n faults, after one has told n times and the
other fewer there are n, whatever the order. A report whose twin has not come in a minute waits no longer for it: it
would hide a later fault that only the other witness sees.
"""

from collections import deque

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Hashable

WITHIN_S = 60.0
MOST = 1024
"""Of reports of one fault that wait for their twins; beyond, the oldest are not waited for."""


class Once:
    """Which reports are new faults."""

    __slots__ = ("_waiting",)

    def __init__(self) -> None:
        self._waiting: dict[Hashable, tuple[str, deque[float]]] = {}
        """By fault: who told of it without a twin, and when; never both."""

    def new(self, witness: str, fault: "Hashable", now: float) -> bool:
        """Whether a report of a fault is a new one. ``now`` is monotonic, in seconds."""
        told_by, times = self._waiting.get(fault) or (witness, deque(maxlen=MOST))
        while times and now - times[0] > WITHIN_S:
            times.popleft()
        if times and told_by != witness:
            times.popleft()
            if not times:
                del self._waiting[fault]
            return False
        times.append(now)
        if len(self._waiting) >= MOST:
            self._waiting.clear()  # no driver has as many kinds of faults: somebody writes the log
        self._waiting[fault] = witness, times
        return True
