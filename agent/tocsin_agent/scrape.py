"""One scrape: every source and task once, and what each cost."""

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

    def text(self) -> bytes:
        """The whole exposition in the text format 0.0.4. A reader that fails loses its own series, and no other."""
        parts, durations, successes = [], [], []
        for index in range(len(self._readers)):
            began = perf_counter_ns()
            part = self._read(index)
            durations.append(b"%d" % (perf_counter_ns() - began))
            successes.append(b"0" if self._errors[index] else b"1")
            parts.append(part)
        parts.append(self._template % (*durations, *successes))
        return b"".join(parts)

    def _read(self, index: int) -> bytes:
        name, read = self._readers[index]
        try:
            part = read()
        except Exception as error:  # a fault in one source must not take the others' series
            self._tell(index, name, f"{type(error).__name__}: {error}")
            return b""
        self._tell(index, name, "")
        return part

    def _tell(self, index: int, name: str, error: str) -> None:
        """Log a source that begins to fail, fails in another way, or is well again: a line each, not one a scrape."""
        before, self._errors[index] = self._errors[index], error
        if error and error != before:
            event("source_failed", source=name, error=error)
        elif before and not error:
            event("source_recovered", source=name)
