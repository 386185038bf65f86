"""Whose thread a GPU is called by: one for all GPUs that answer at once, and one for each that does not.

A wake-up costs several times what a sample does, so the GPUs are sampled one after another: eight of them cost one
wake-up a period instead of eight. When a GPU keeps that thread for long, another one takes over for the rest, and the
first has that GPU alone until it answers quickly again. So a GPU that hangs, or is slow, costs one thread, and its
neighbours one delay: HUNG_S and the time until the next ``check``, which comes soon after each beat.
"""

import threading
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from tocsin_agent.gpu.worker import Worker

HUNG_S = 0.1
"""A GPU that takes longer is left alone with its thread."""
QUICK_S = 0.05
"""One that is alone goes back to the others once it takes less."""


def until_beat(period_s: float, after_s: float = 0.0) -> float:
    """Seconds until so long after the next beat of the clock that all share."""
    return period_s - (time.monotonic() - after_s) % period_s


class Turns:
    """Calls ``turn`` for each GPU, on the beats of one clock, until ``stopping``."""

    def __init__(self, name: str, period_s: float, turn: "Callable[[Worker], None]", stopping: threading.Event) -> None:
        self._name = name
        self._period_s = period_s
        self._turn = turn
        self._stopping = stopping
        self._workers: list[Worker] = []
        self._apart: set[Worker] = set()
        """Those that have a thread of their own."""
        self._lock = threading.Lock()
        self._now: tuple[Worker, float] | None = None
        """Whose turn it is in the common thread, and since when."""
        self._leader: threading.Thread | None = None
        self.nudge = threading.Event()
        """Set to have the next turns come at once."""

    def add(self, worker: "Worker") -> None:
        """One GPU more."""
        self._workers.append(worker)
        if self._leader is None:
            self._lead()

    def check(self) -> bool:
        """Have another thread go on when a GPU keeps the common one. Whether any GPU has a thread of its own."""
        with self._lock:
            now = self._now
            if now is not None and time.monotonic() - now[1] > HUNG_S:
                self._apart.add(now[0])
                self._now = None
                self._lead()
        return bool(self._apart)

    def close(self, deadline: float) -> None:
        """Wait for the common thread, until a monotonic time; who hangs is left behind."""
        self.nudge.set()
        if self._leader is not None:
            self._leader.join(max(0.0, deadline - time.monotonic()))

    def _lead(self) -> None:
        self._leader = threading.Thread(target=self._run, name=self._name, daemon=True)
        self._leader.start()

    def _run(self) -> None:
        while not self._stopping.is_set():
            for worker in list(self._workers):
                if worker not in self._apart and not self._in_turn(worker):
                    self._alone(worker)
                    return
            self.nudge.wait(until_beat(self._period_s))
            self.nudge.clear()

    def _in_turn(self, worker: "Worker") -> bool:
        """One turn in the common thread. False when this thread was taken for hung meanwhile."""
        with self._lock:
            self._now = worker, time.monotonic()
        self._turn(worker)
        with self._lock:
            leads = self._leader is threading.current_thread()
            if leads:
                self._now = None
        return leads

    def _alone(self, worker: "Worker") -> None:
        took_s = HUNG_S
        while took_s > QUICK_S and not self._stopping.wait(self._period_s):
            began = time.monotonic()
            self._turn(worker)
            took_s = time.monotonic() - began
        self._apart.discard(worker)
