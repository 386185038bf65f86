"""One thread that looks at what moves on every GPU several times a second, between the samples of their workers.

A wake-up costs more than the call that it is for, so eight GPUs share one: ten wake-ups a second instead of eighty. A
GPU that hangs in such a call keeps the thread; within two seconds another one goes on without that GPU until it comes
back, so each costs one thread at most, and no sample of any other.
"""

import threading
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tocsin_agent.gpu.driver import Driver
    from tocsin_agent.gpu.worker import Worker

HUNG_S = 1.0


class Pulser:
    """Has each worker look, on the beats of one clock."""

    def __init__(self, driver: "Driver", period_s: float, stopping: threading.Event) -> None:
        self._driver = driver
        self._period_s = period_s
        self._stopping = stopping
        self._stuck: set[Worker] = set()
        self._inside: tuple[Worker, float] | None = None
        """Which GPU is being looked at, and since when."""
        self.thread: threading.Thread | None = None

    def start(self) -> None:
        """Look from now on, in the place of the thread that did."""
        self.thread = threading.Thread(target=self._run, name="gpu-pulser", daemon=True)
        self.thread.start()

    def check(self) -> None:
        """Go on without a GPU that hangs; called once a second by the driver's thread."""
        inside = self._inside
        if inside is not None and time.monotonic() - inside[1] > HUNG_S:
            self._stuck.add(inside[0])
            self._inside = None
            self.start()

    def _run(self) -> None:
        me = threading.current_thread()
        while not self._stopping.is_set():
            time.sleep(self._period_s - time.monotonic() % self._period_s)
            for worker in list(self._driver.workers):
                if worker in self._stuck:
                    continue
                self._inside = worker, time.monotonic()
                worker.pulse()
                if self.thread is not me:  # taken for hung
                    self._stuck.discard(worker)
                    return
            self._inside = None
