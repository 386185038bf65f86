"""One scrape: every source and task once, and what each cost."""

from itertools import pairwise
from time import perf_counter_ns

from tocsin_agent.exposition import template
from tocsin_agent.log import event
from tocsin_schema.metrics.agent import COLLECTOR_DURATION, COLLECTOR_SUCCESS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    Reader: TypeAlias = tuple[str, Callable[[], bytes]]
    """A name for the label ``collector`` and what gives its families."""


class Scrape:
    """The readers, in the order in which their families appear."""

    def __init__(self, readers: "list[Reader]") -> None:
        self._readers = readers
        self._errors = [""] * len(readers)
        labels = [{"collector": name} for name, _ in readers]
        self._template = template(COLLECTOR_DURATION, labels, b"e-9") + template(COLLECTOR_SUCCESS, labels)

    def texts(self) -> list[bytes]:
        """The exposition in the text format 0.0.4, a part a reader. One that fails loses its own series, no other."""
        parts, times = [], [perf_counter_ns()]
        for index, (name, read) in enumerate(self._readers):
            try:
                part, error = read(), ""
            except Exception as fault:  # a fault in one source must not take the others' series
                part, error = b"", f"{type(fault).__name__}: {fault}"
            if error != self._errors[index]:
                self._tell(index, name, error)
            parts.append(part)
            times.append(perf_counter_ns())
        durations = [b"%d" % (after - before) for before, after in pairwise(times)]
        parts.append(self._template % (*durations, *[b"0" if error else b"1" for error in self._errors]))
        return parts

    def _tell(self, index: int, name: str, error: str) -> None:
        """Log a source that begins to fail, fails in another way, or is well again: a line each, not one a scrape."""
        self._errors[index] = error
        if error:
            event("source_failed", source=name, error=error)
        else:
            event("source_recovered", source=name)
