"""The serving process as tocsin sees it: its meter, its outbox, and the thread that keeps both going.

There is one worker for each pair of addresses in a process, shared by its captures. No thread and no file is there
before the first request (or ASGI's lifespan), because servers import the application and fork afterwards. A forked
child forgets what the parent had: the parent counts and sends it.
"""

import atexit
import os
import sys
import threading
from time import monotonic, sleep

from tocsin_agent.capture.counts import Counts
from tocsin_agent.capture.series import MAX_ROUTE_TEXT, MAX_WAITING, Series
from tocsin_schema.metric import OVERFLOW

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tocsin_agent.capture.events import Events
    from tocsin_agent.capture.meter import Meter
    from tocsin_agent.capture.outbox import Outbox

TICK_S = 1.0
CODING_S = 1.0
"""How long the end waits, at least, for rows to become blocks: those can be sent or spilled, rows can not."""
HOLD_S = 0.0003
"""How long the background thread keeps the interpreter lock between two rests."""
QUIET_S = 60.0
"""The same line is written to the log once in this time, with the number of its repetitions."""

_workers: "dict[tuple[str, str], Worker]" = {}
_inherited: list[object] = []


class Worker:
    """What the captures of one process with the same addresses share."""

    def __init__(self, endpoint: str, runtime_dir: str) -> None:
        self.endpoint = endpoint
        self.runtime_dir = runtime_dir
        self.series: list[Series] = []
        self.events: list[Events] = []
        self.users = 0
        self._reset()

    def _reset(self) -> None:
        self.counts = Counts()
        self.room = MAX_WAITING if self.runtime_dir else 0
        self.running = self._stopped = False
        self._meter: Meter | None = None
        self._outbox: Outbox | None = None
        self._thread: threading.Thread | None = None
        self._lock = threading.RLock()
        self._wake = threading.Event()
        self._passes = threading.Condition()
        self._asked = self._passed = 0
        self._rested = 0.0
        self._told: dict[str, tuple[int, dict[str, object]]] = {}
        self._spoken: dict[str, float] = {}

    # --- called by requests -------------------------------------------------------------------------------------------

    def observe(self, series: Series, route: object, outcome: int, duration_ns: int, first_ns: int) -> None:
        """Hand one request to the meter."""
        if type(route) is not str or len(route) > MAX_ROUTE_TEXT:
            route = OVERFLOW
        done = series.done
        if len(done) < self.room:
            done.append((route, outcome, duration_ns, first_ns))
        elif self.room:
            self.counts.add("observations_lost")

    def start(self) -> None:
        """Start the background thread, once a process."""
        with self._lock:
            if self.running:
                return
            self.running = True
            self._thread = threading.Thread(target=self._run, name="tocsin-capture", daemon=True)
            try:
                self._thread.start()
            except RuntimeError as error:  # no thread can be had now, or any more
                self._thread = None
                self.fault(error)
            _stop_with_process(self)

    def hasten(self) -> None:
        """Have the next pass now."""
        self._wake.set()

    def fault(self, error: Exception) -> None:
        """Count an exception of our own code; it goes no further."""
        self.counts.add("errors")
        self.tell("capture_error", error=f"{type(error).__name__}: {error}"[:300])

    def tell(self, event: str, **fields: object) -> None:
        """Leave a line for the log. The background thread writes it: a log handler may block."""
        self._told[event] = (self._told.get(event, (0, {}))[0] + 1, fields)

    # --- ends ---------------------------------------------------------------------------------------------------------

    def flush(self, timeout_s: float) -> bool:
        """Fold and send everything. False when the time is over before the endpoint has it."""
        deadline = monotonic() + timeout_s
        if self._thread is None:
            return not self.running
        with self._passes:
            self._asked += 1
            asked = self._asked
            self._wake.set()
            if not self._passes.wait_for(lambda: self._passed >= asked, timeout_s):
                return False
        return self._outbox is None or self._outbox.drain(deadline - monotonic())

    def stop(self, timeout_s: float) -> bool:
        """Flush, end the threads, let go of the file. Whether everything was sent."""
        if self._stopped:
            return True
        deadline = monotonic() + timeout_s
        flushed = self.flush(timeout_s)
        with self._lock:
            self.running = self._stopped = True
            self.room = 0
        self._wake.set()
        if self._thread is not None:
            self._thread.join(max(CODING_S, deadline - monotonic()))
        ended = self._thread is None or not self._thread.is_alive()
        waiting = [waiting for events in self.events for waiting in events.waiting.values()]
        if ended and any(rows.rows for rows in waiting):
            self._send(all_=True)
        self.counts.add("rows_dropped", "closed", sum(rows.rows for rows in waiting))
        if self._outbox is not None:
            self._outbox.stop(max(0.1, deadline - monotonic()))
        if self._meter is not None and ended:
            self._measure(all_=True)
            self._meter.close()
        self._speak(all_=True)
        return flushed

    def forked(self) -> None:
        """In a forked child: let go of the parent's file and connection, and begin at nothing."""
        if self._meter is not None:
            self._meter.close()
        if self._outbox is not None:
            self._outbox.abandon()
            # A buffer whose lock another thread of the parent held at the fork must never be finalised here.
            _inherited.append(self._outbox)
        for series in self.series:
            series.reset()
        for events in self.events:
            events.reset()
        self._reset()

    # --- the background thread ----------------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._stopped:
            asked = self._asked
            for step in (self._measure, self._send, self._speak):
                try:
                    step(all_=asked > self._passed)
                except Exception as error:
                    self.fault(error)
            with self._passes:
                self._passed = asked
                self._passes.notify_all()
            self._wake.wait(TICK_S)
            self._wake.clear()

    def _measure(self, *, all_: bool) -> None:  # noqa: ARG002 - one signature for every step
        if not self.runtime_dir:
            return
        if self._meter is None:
            from tocsin_agent.capture.meter import Meter

            self._meter = Meter(self.runtime_dir, self.counts)
        try:
            if not self._meter.is_open:
                self._meter.open()
            for series in self.series:
                self._meter.fold(series)
        except OSError as error:
            self.tell("capture_metrics_file_failed", directory=self.runtime_dir, reason=error.strerror)
            self.counts.add("errors")
            return
        self._meter.publish()

    def _send(self, *, all_: bool) -> None:
        if not self.endpoint:
            return
        if self._outbox is None:
            from tocsin_agent.capture.outbox import Outbox

            self._outbox = Outbox(self.endpoint, self.counts, self.tell)
        self._outbox.start()
        for events in self.events:
            try:
                events.send(self._outbox, self.counts, self._rest, self.fault, all_=all_)
            except Exception as error:
                self.fault(error)

    def _rest(self) -> None:
        # A moment without the interpreter lock: an event loop that waits for it gets it now instead of after the five
        # milliseconds of the switch interval. A sleep costs 10 us, so not after each column.
        if monotonic() - self._rested > HOLD_S:
            sleep(0.00005)
            self._rested = monotonic()

    def _speak(self, *, all_: bool) -> None:
        now = monotonic()
        for event in list(self._told):
            if all_ or now - self._spoken.get(event, -QUIET_S) >= QUIET_S:
                times, fields = self._told.pop(event)
                self._spoken[event] = now
                write(event, times=times, **fields)


def write(event: str, **fields: object) -> None:
    """One line in the log of the serving process, as a warning of the logger ``tocsin.capture``."""
    import logging

    text = " ".join(f"{key}={value}" for key, value in fields.items())
    logging.getLogger("tocsin.capture").warning("%s %s", event, text)


def join(endpoint: str, runtime_dir: str, series: Series, events: "Events") -> Worker:
    """The worker of these addresses, with one capture more."""
    worker = _workers.get((endpoint, runtime_dir))
    if worker is None:
        worker = _workers[endpoint, runtime_dir] = Worker(endpoint, runtime_dir)
    worker.users += 1
    worker.series.append(series)
    worker.events.append(events)
    return worker


def leave(worker: Worker, timeout_s: float) -> bool:
    """One capture less; the last one stops the worker. Whether everything was sent."""
    worker.users -= 1
    if worker.users:
        return worker.flush(timeout_s)
    _workers.pop((worker.endpoint, worker.runtime_dir), None)
    return worker.stop(timeout_s)


def _stop_with_process(worker: Worker) -> None:
    """A forked child of multiprocessing ends without `atexit`, by its own finalizers."""
    process = sys.modules.get("multiprocessing.process")
    if process is not None and process.parent_process() is not None:
        from multiprocessing.util import Finalize

        Finalize(None, worker.stop, (2.0,), exitpriority=0)


def _forked() -> None:
    for worker in _workers.values():
        worker.forked()


def _at_exit() -> None:
    for worker in list(_workers.values()):
        worker.stop(2.0)


os.register_at_fork(after_in_child=_forked)
atexit.register(_at_exit)
