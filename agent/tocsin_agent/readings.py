"""Series that are a file each: counters, sensors and limits of the devices under /sys.

Devices come and go, so the list of files is made anew every 45 s, and at the next scrape when one cannot be read. A
file that cannot be read has no series: a device that fails takes no other's with it, and one that hangs is read aside.
What is set by a vendor or an operator (limits, governors) is read every five minutes, and when a device comes or goes.
"""

from itertools import repeat
from os import pread
from time import monotonic

from tocsin_agent.aside import Aside, Errand
from tocsin_agent.exposition import family, template
from tocsin_agent.kernelfile import LOOK_S, PAGE, SELDOM_S, KernelFile, integer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from tocsin_schema.metric import Metric

KEPT = 256
"""The most descriptors that a source keeps open; what is beyond is opened for each read."""
WAIT_S = 0.25
"""How long a scrape waits for all devices together that may hang."""
OLD_S = 1.0


class Reading:
    """One series. ``value`` makes of the file's content what stands in the exposition; it raises ValueError.

    Without a path there is nothing to read: the series is as constant as its labels.
    ``device`` names what the file belongs to if its reading may hang: all files of one device are read together, aside.
    ``seldom`` is for what somebody has to set before it changes; all readings of a metric are alike in that.
    """

    __slots__ = ("_told", "device", "file", "kept", "labels", "metric", "path", "seldom", "value")

    def __init__(
        self,
        metric: "Metric",
        labels: dict[str, str],
        path: str,
        value: "Callable[[bytes], bytes]" = integer,
        device: str = "",
        *,
        seldom: bool = False,
    ) -> None:
        self.metric = metric
        self.labels = labels
        self.path = path
        self.value = value
        self.device = device
        self.seldom = seldom or not path
        self.file = KernelFile(path)
        self.kept = not self.seldom
        self._told = b""

    def read(self, all: bool) -> "bytes | Exception":
        """What stands in the exposition, or why nothing does. Without ``all``, what is read seldom is as it was."""
        if self.seldom and not all:
            return self._told
        try:
            self._told = self.value(self.file.page() if self.path else b"")
        except (OSError, ValueError) as error:
            self._told = b""
            return error
        if not self.kept:
            self.file.close()
        return self._told

    def key(self) -> tuple[object, ...]:
        """What makes it the same reading as another."""
        return self.metric.name, self.path, self.device, *self.labels.items()


class Device:
    """The readings of one device that may hang."""

    __slots__ = ("errand", "readings")

    def __init__(self) -> None:
        self.readings: list[Reading] = []
        self.errand = Errand(lambda: [reading.read(all=True) for reading in self.readings])

    def values(self) -> "list[bytes | Exception]":
        """What has been read, in the order of the readings; b"" for each while it is late."""
        answer = self.errand.answer
        if isinstance(answer, list) and len(answer) == len(self.readings):
            return answer
        return [b""] * len(self.readings)


class Readings:
    """All readings of a source, as one text."""

    def __init__(
        self, find: "Callable[[], list[Reading] | None]", age: "Metric | None" = None, every_s: float = LOOK_S
    ) -> None:
        """``find`` lists what is there, cheaply where nothing is; None: the same as before. It may raise OSError.

        ``age`` is the metric of the age of what a slow device told, by the label ``device``.
        """
        self._find = find
        self.age = age
        self._every_s = every_s
        self._look_at = self._all_at = 0.0
        self._readings: list[Reading] = []
        self._devices: dict[str, Device] = {}
        self._aside = Aside()
        self._moving = 0
        """How many stand before those whose whole family is read seldom."""
        self._there: tuple[bool, ...] = ()
        self._template = self._standing = b""
        self._fds: list[int] = []
        self._came: list[bytes] = []
        self._values: list[bytes] = []

    def text(self) -> bytes:
        """One read a file. Raises the first file's error when there are files and none of them can be read."""
        now = monotonic()
        if now >= self._look_at:
            self._look()
            self._look_at = now + self._every_s
        if not self._readings:
            return b""
        everything = now >= self._all_at
        values = (self._quick() if not everything else None) or self._told(everything)
        if not everything and tuple(map(bool, values)) != self._there:
            # A device may be gone: what is known of its limits goes with it.
            everything, values = True, self._told(True)
        if everything:
            self._rebuild(values)
            self._all_at = now + SELDOM_S
        return self._template % tuple(filter(None, values[: self._moving])) + self._standing + self._ages()

    def _quick(self) -> list[bytes] | None:
        """The values of those that move while all their files are open and well: half the cost of one by one."""
        if not self._fds:
            return None
        try:
            came = list(map(pread, self._fds, repeat(PAGE), repeat(0)))
            rows = zip(came, self._came, self._values, self._readings, strict=False)
            self._values = [told if new == old else reading.value(new) for new, old, told, reading in rows]
        except (OSError, ValueError):
            self._fds = []  # until everything has been read with care again
            return None
        self._came = came
        return self._values

    def _told(self, all: bool) -> list[bytes]:
        """The values, b"" for what cannot be read; without ``all``, of those that move."""
        values = self._read(self._readings if all else self._readings[: self._moving], all)
        errors = [value for value in values if isinstance(value, Exception)]
        if errors:
            self._look_at = 0.0  # a device may be gone: the next scrape looks which
            if all and len(errors) == len(values):
                raise errors[0]
        return [b"" if isinstance(value, Exception) else value for value in values]

    def _read(self, readings: list[Reading], all: bool) -> "list[bytes | Exception]":
        if not self._devices:
            return [reading.read(all) for reading in readings]
        self._aside.ask([device.errand for device in self._devices.values()], WAIT_S)
        told = {name: iter(device.values()) for name, device in self._devices.items()}
        return [next(told[reading.device]) if reading.device else reading.read(all) for reading in readings]

    def _ages(self) -> bytes:
        if self.age is None:
            return b""
        ages = [({"device": name}, device.errand.age_s) for name, device in self._devices.items()]
        return family(self.age, [(labels, round(age, 3)) for labels, age in ages if age > OLD_S])

    def _look(self) -> None:
        found = self._find()
        if found is None:
            return
        order = {metric: index for index, metric in enumerate(dict.fromkeys(reading.metric for reading in found))}
        moving = {reading.metric for reading in found if reading.device or not reading.seldom}
        found.sort(key=lambda reading: (reading.metric not in moving, order[reading.metric]))
        self._moving = sum(reading.metric in moving for reading in found)
        known = {reading.key(): reading for reading in self._readings}
        self._readings = [known.pop(reading.key(), reading) for reading in found]
        for gone in known.values():
            if not gone.device or not self._devices[gone.device].errand.busy:  # who reads it now still needs it
                gone.file.close()
        for index, reading in enumerate([reading for reading in self._readings if not reading.seldom]):
            reading.kept = index < KEPT
        self._group()
        self._fds = []
        self._all_at = 0.0

    def _group(self) -> None:
        """Give each device its readings; one that is known keeps its errand, so that one that hangs has no second."""
        names = dict.fromkeys(reading.device for reading in self._readings if reading.device)
        self._devices = {name: self._devices.get(name) or Device() for name in names}
        for name, device in self._devices.items():
            device.readings = [reading for reading in self._readings if reading.device == name]

    def _rebuild(self, values: list[bytes]) -> None:
        moving, self._values = self._readings[: self._moving], values[: self._moving]
        self._there = tuple(map(bool, self._values))
        quick = all(self._there) and all(reading.kept and not reading.device for reading in moving)
        self._fds = [reading.file.fileno() for reading in moving] if quick else []
        self._came = [b""] * len(self._fds)
        self._template = _families(moving, values)
        standing = values[self._moving :]
        self._standing = _families(self._readings[self._moving :], standing) % tuple(filter(None, standing))

    def close(self) -> None:
        """Let go of the files; a thread that hangs in the kernel ends with the process."""
        for reading in self._readings:
            if not reading.device or not self._devices[reading.device].errand.busy:
                reading.file.close()


def _families(readings: list[Reading], values: list[bytes]) -> bytes:
    """The template of those that have a value."""
    rows: dict[Metric, list[dict[str, str]]] = {}
    for reading, value in zip(readings, values, strict=False):
        if value:
            rows.setdefault(reading.metric, []).append(reading.labels)
    return b"".join([template(metric, labels) for metric, labels in rows.items()])


def exponent(unit: bytes, number: "Callable[[bytes], bytes]" = integer) -> "Callable[[bytes], bytes]":
    """The kernel's whole number with an exponent: ``exponent(b"e-6")`` for microjoules, without arithmetic."""
    return lambda data: number(data) + unit


def fixed(value: int) -> "Callable[[bytes], bytes]":
    """A value that is there as long as its file can be read, whatever the file says."""
    text = b"%d" % value
    return lambda _data: text
