"""What may hang, done aside: reads of a slow chip, a network filesystem, a bus. No scrape waits longer than it wants.

One thread does all errands of an asking one after the other. One that does not come back keeps that thread, and the
others have another one from the next asking on: what hangs costs one thread, ever.
"""

from _thread import allocate_lock, start_new_thread
from time import monotonic

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _thread import LockType
    from collections.abc import Callable

    Line = list["Errand | None"]
    """What stands in line, the next one last; None where the asker stops to wait. (list.pop is atomic.)"""

SLOW_S = 0.1


class Errand:
    """Something to do. ``answer`` is what it gave, None while it is late, the error when it failed."""

    __slots__ = ("_came", "_came_at", "_do", "age_s", "answer", "busy", "slow")

    def __init__(self, do: "Callable[[], object]") -> None:
        self._do = do
        self._came: object = None
        self._came_at = monotonic()
        self.answer: object = None
        self.age_s = 0.0
        self.busy = self.slow = False

    def run(self) -> None:
        """Do it, in any thread."""
        began = monotonic()
        try:
            self._came = self._do()
        except Exception as error:  # the asker tells of it
            self._came = error
        self._came_at = monotonic()
        self.slow = self._came_at - began > SLOW_S
        self.busy = False

    @property
    def come_late(self) -> bool:
        """Whether an answer lies here that took its time. (One that had to wait for others is had anew.)"""
        return self.slow and not self.busy and self._came is not None

    def take(self) -> None:
        """Hand over what has come since the last time; ``age_s`` is how long nothing has."""
        self.answer, self._came = self._came, None
        self.age_s = monotonic() - self._came_at


class Aside:
    """A source's errands."""

    def __init__(self) -> None:
        self._line: Line = []

    def ask(self, errands: "list[Errand]", wait_s: float) -> None:
        """Have each errand done, wait for at most ``wait_s``, and hand over the answers that are there.

        What comes too late is handed over at the next asking, which does not wait for it again; it is as old as
        ``age_s`` says. One that has not come back from an earlier asking is not begun again.
        """
        self._recall()
        slow = [errand for errand in errands if errand.come_late]
        prompt = [errand for errand in errands if not errand.busy and errand not in slow]
        for errand in slow:
            errand.take()
        done = allocate_lock()
        done.acquire()
        if self._start([*prompt, None, *slow], done) and prompt:
            done.acquire(timeout=wait_s)
        for errand in errands:
            if errand not in slow:
                errand.take()

    def _start(self, errands: "Line", done: "LockType") -> bool:
        if len(errands) == 1:
            return False
        self._line = errands[::-1]
        for errand in errands:
            if errand is not None:
                errand.busy = True
        try:
            start_new_thread(_work, (self._line, done))
        except RuntimeError:  # the host has no thread left for us; the next asking tries again
            self._recall()
            return False
        return True

    def _recall(self) -> None:
        """Take back what stands in line behind something that hangs."""
        try:
            while True:
                errand = self._line.pop()
                if errand is not None:
                    errand.busy = False
        except IndexError:
            pass


def _work(line: "Line", done: "LockType") -> None:
    try:
        while True:
            errand = line.pop()
            if errand is None:
                done.release()
            else:
                errand.run()
    except IndexError:
        pass
