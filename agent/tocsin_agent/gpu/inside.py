"""Who is inside NVML, and since when: it may be shut down only when nobody is."""

import threading
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


class Inside:
    """A lock that a thread holds while it is inside NVML; who would shut NVML down takes all of them."""

    __slots__ = ("_lock", "_since", "who")

    def __init__(self, who: str) -> None:
        self.who = who
        self._lock = threading.Lock()
        self._since: float | None = None

    def __enter__(self) -> None:
        self._lock.acquire()
        self._since = time.monotonic()

    def enter_if_free(self) -> bool:
        """Go in unless somebody is inside. False when somebody is."""
        free = self._lock.acquire(blocking=False)
        if free:
            self._since = time.monotonic()
        return free

    def __exit__(self, *_: object) -> None:
        self.leave()

    def take(self, timeout_s: float) -> bool:
        """Keep the others out. False when somebody is inside still."""
        return self._lock.acquire(timeout=max(0.0, timeout_s))

    def leave(self) -> None:
        """Let others in."""
        self._since = None
        self._lock.release()

    def for_s(self) -> float:
        """Seconds for which somebody is inside; 0 when nobody is."""
        since = self._since
        return time.monotonic() - since if since is not None else 0.0


def taken(insides: "Iterable[Inside]", timeout_s: float) -> list[Inside]:
    """Those that were taken in time; they are to be left again."""
    deadline = time.monotonic() + timeout_s
    return [inside for inside in insides if inside.take(deadline - time.monotonic())]


def leave(insides: "Iterable[Inside]") -> None:
    """Let the threads in again."""
    for inside in insides:
        inside.leave()
