"""What is done about segments that nobody writes to any more: once a minute, in a thread of its own."""

import logging
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor

LOOK_EVERY_S = 60.0
_log = logging.getLogger(__name__)


class Upkeep:
    """Goes through ``look`` of a position, never twice at the same time. What it raises is counted, and it looks
    again. At a stop it is left after the step that is being done."""

    def __init__(self, look: Callable[[int], Iterable[None]], clock: Callable[[], float] = time.time) -> None:
        self.failed_total = 0
        self._look = look
        self._clock = clock
        self._due_s = 0.0
        self._closing = False
        self._thread = ThreadPoolExecutor(1, "tocsin-upkeep")
        self._looking: Future[None] | None = None

    def tick(self, until: int) -> "Future[None] | None":
        """Begin a look when it is time; what is already being done goes on first."""
        now_s = self._clock()
        if now_s < self._due_s or (self._looking is not None and not self._looking.done()):
            return None
        self._due_s = now_s + LOOK_EVERY_S
        self._looking = self._thread.submit(self._once, until)
        return self._looking

    def close(self) -> None:
        """Wait for the step that is being done."""
        self._closing = True
        self._thread.shutdown()

    def _once(self, until: int) -> None:
        try:
            for _ in self._look(until):
                if self._closing:
                    break
        except Exception:
            self.failed_total += 1
            _log.exception("journal_upkeep_failed")
