"""Series that are a file each: counters, sensors and limits of the devices under /sys.

Devices come and go, so the list of files is made anew every half a minute, and at once when one cannot be read. A file
that cannot be read has no series: a device that fails takes no other's with it.
"""

from time import monotonic

from tocsin_agent.exposition import template
from tocsin_agent.kernelfile import LOOK_S, KernelFile, integer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from tocsin_schema.metric import Metric

KEPT = 256
"""The most descriptors that a source keeps open; what is beyond is opened for each read."""


class Reading:
    """One series. ``value`` makes of the file's content what stands in the exposition; it raises ValueError."""

    __slots__ = ("file", "labels", "metric", "path", "value")

    def __init__(
        self, metric: "Metric", labels: dict[str, str], path: str, value: "Callable[[bytes], bytes]" = integer
    ) -> None:
        self.metric = metric
        self.labels = labels
        self.path = path
        self.value = value
        self.file = KernelFile(path)

    def key(self) -> tuple[object, ...]:
        """What makes it the same reading as another."""
        return self.metric.name, self.path, *self.labels.items()


class Readings:
    """All readings of a source, as one text."""

    def __init__(self, find: "Callable[[], list[Reading]]", every_s: float = LOOK_S) -> None:
        """``find`` lists what is there, cheaply where nothing is. It may raise OSError."""
        self._find = find
        self._every_s = every_s
        self._look_at = 0.0
        self._readings: list[Reading] = []
        self._there: tuple[bool, ...] = ()
        self._template = b""

    def text(self) -> bytes:
        """One read a file. Raises the last file's error when there are files and none of them can be read."""
        now = monotonic()
        if now >= self._look_at:
            self._look()
            self._look_at = now + self._every_s
        if not self._readings:
            return b""
        values, error = self._values()
        if error is not None:
            self._look_at = now  # a device may be gone: the next scrape looks which
            if not any(values):
                raise error
        there = tuple(map(bool, values))
        if there != self._there:
            self._rebuild(there)
        return self._template % tuple(filter(None, values))

    def _values(self) -> tuple[list[bytes], Exception | None]:
        values, failed = [], None
        for index, reading in enumerate(self._readings):
            try:
                values.append(reading.value(reading.file.read()))
            except (OSError, ValueError) as error:
                values.append(b"")
                failed = error if failed is None or isinstance(error, OSError) else failed
            if index >= KEPT:
                reading.file.close()
        return values, failed

    def _look(self) -> None:
        found = self._find()
        order = {metric: index for index, metric in enumerate(dict.fromkeys(reading.metric for reading in found))}
        found.sort(key=lambda reading: order[reading.metric])
        known = {reading.key(): reading for reading in self._readings}
        self._readings = [known.pop(reading.key(), reading) for reading in found]
        for gone in known.values():
            gone.file.close()
        self._there = ()

    def _rebuild(self, there: tuple[bool, ...]) -> None:
        rows: dict[Metric, list[dict[str, str]]] = {}
        for reading, readable in zip(self._readings, there, strict=True):
            if readable:
                rows.setdefault(reading.metric, []).append(reading.labels)
        self._template = b"".join(template(metric, labels) for metric, labels in rows.items())
        self._there = there

    def close(self) -> None:
        """Let go of the files."""
        for reading in self._readings:
            reading.file.close()


def scaled(factor: float) -> "Callable[[bytes], bytes]":
    """A value of the kernel's unit in the base unit; ``scaled(1000)`` for kHz."""

    def value(data: bytes) -> bytes:
        return repr(float(data) * factor).encode()

    return value


def exponent(unit: bytes, number: "Callable[[bytes], bytes]" = integer) -> "Callable[[bytes], bytes]":
    """The kernel's whole number with an exponent: ``exponent(b"e-6")`` for microjoules, without arithmetic."""
    return lambda data: number(data) + unit
