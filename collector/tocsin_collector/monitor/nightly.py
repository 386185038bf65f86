"""The second opinions of all models: one look at a time, in a thread of its own, so that no event waits for it.

Numpy holds no lock in the products that a look consists of. A look ends by itself: the rows of a day, the days of a
reference and the functions of a row are all bounded (``drift.daily``), 16 ms for 20 features once the reference is
learnt.
"""

import logging
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

from tocsin_collector.export.exposition import Sample
from tocsin_collector.monitor.monitor import Look, Monitor
from tocsin_collector.verdict import DailyVerdict

Found = tuple[Look, DailyVerdict | None]
_log = logging.getLogger(__name__)


class Nightly:
    """``tick`` is called by the thread that changes the monitor."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "tocsin-nightly")
        self._looking: Future[Found] | None = None
        self._looks = self._failed = 0
        self._cpu_s = 0.0

    def tick(self, monitor: Monitor) -> None:
        """Tell what was found, and begin the next look that is due."""
        if self._looking is not None:
            if not self._looking.done():
                return
            look, found = self._looking.result()
            self._looking = None
            monitor.tell_day(look, found)
        look_next = monitor.day_due()
        if look_next is not None:
            self._looking = self._thread.submit(self._look, look_next)

    def close(self) -> None:
        """Wait for the look that is being done."""
        self._thread.shutdown()

    def samples(self) -> Iterator[Sample]:
        """Its own metrics."""
        yield Sample("tocsin_daily_looks_total", {}, self._looks)
        yield Sample("tocsin_daily_look_failures_total", {}, self._failed)
        yield Sample("tocsin_daily_look_cpu_seconds_total", {}, self._cpu_s)

    def _look(self, look: Look) -> Found:
        started = time.thread_time()
        try:
            return look, look.reference.judge(look.due.samples)
        except Exception:  # one model's must not end the others'; it is told as looked at, without a verdict
            self._failed += 1
            _log.exception("daily_look_failed model=%s day=%d", "/".join(look.key), look.due.day)
            return look, None
        finally:
            self._looks += 1
            self._cpu_s += time.thread_time() - started
