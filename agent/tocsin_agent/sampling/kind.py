"""Devices of one kind: found by listing, read one file after the other, told apart up to a bound."""

import os
from os import pread
from time import monotonic

from tocsin_agent.exposition import family
from tocsin_agent.sampling.counters import Counters
from tocsin_agent.sampling.highest import WINDOW_S, Highest
from tocsin_schema.metric import OVERFLOW
from tocsin_schema.metrics.peaks import DEVICES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeAlias

    from tocsin_agent.sampling.histogram import Histogram
    from tocsin_schema.metric import Metric

    Found: TypeAlias = dict[str, list[str]]
    """The files of each device by its name."""
    Together: TypeAlias = Callable[[Sequence[float]], float]

ALL = "all"
SLOW_S = 0.005
"""A read that takes longer was interrupted: nobody knows when the kernel gave the counts, so no rate is told."""
MOST_BYTES = 512
"""Of a device's file, which has one line."""


class Reading:
    """What is told of a kind: the metric of each device's highest, and how the devices' rates become the host's."""

    __slots__ = ("highest", "histogram", "most", "together", "unit")

    def __init__(
        self, highest: "Metric", histogram: "Histogram", unit: float = 1.0, together: "Together" = sum, most: float = 0
    ) -> None:
        """``unit``: of a count. ``most``: more is the kernel's jitter, as a disk that is busy for 101 % of a time."""
        self.highest = highest
        self.histogram = histogram
        self.unit = unit
        self.together = together
        self.most = most


class Device:
    """One device: its files, what they count, and its peaks, if it is told apart."""

    __slots__ = ("counters", "fds", "peaks")

    def __init__(self, paths: list[str], counters: Counters) -> None:
        """Raises OSError."""
        self.fds: list[int] = []
        self.counters = counters
        self.peaks: list[Highest] | None = None
        try:
            for path in paths:
                self.fds.append(os.open(path, os.O_RDONLY | os.O_CLOEXEC))
        except OSError:
            self.close()
            raise

    def close(self) -> None:
        """Let go of the files."""
        for fd in self.fds:
            os.close(fd)
        self.fds = []


class Kind:
    """All devices of a kind."""

    def __init__(
        self,
        name: str,
        label: str,
        find: "Callable[[], Found]",
        parse: "Callable[[list[bytes]], list[int]]",
        readings: "tuple[Reading, ...]",
        gap_s: float,
        apart: bool = True,
        clock: "Callable[[], float]" = monotonic,
    ) -> None:
        """``find`` gives the devices that there are; ``parse`` makes of their files a count for each reading.

        Unless they are told ``apart``, all of them are one.
        """
        self.name = name
        self.label = label
        self.readings = readings
        self._find = find
        self._parse = parse
        self._most_apart, self._rest = (DEVICES - 1, OVERFLOW) if apart else (0, ALL)
        self._units = [reading.unit for reading in readings]
        self._bounds = [(place, reading.most) for place, reading in enumerate(readings) if reading.most]
        self._gap_s = gap_s
        self._clock = clock
        self._devices: dict[str, Device] = {}
        self._others = self._windows()

    @property
    def folded(self) -> int:
        """How many devices are not told apart that should be."""
        return len(self._one()) if self._most_apart else 0

    def _one(self) -> list[Device]:
        return [device for device in self._devices.values() if device.peaks is None]

    def refresh(self) -> None:
        """Look which devices there are now; what is gone is told no more, and gives its place to another."""
        found = self._find()
        for name in [name for name in self._devices if name not in found]:
            self._devices.pop(name).close()
        for name in [name for name in found if name not in self._devices]:
            try:
                self._devices[name] = Device(found[name], Counters(self._units, self._gap_s))
            except OSError:
                continue  # gone in between
        one = self._one()
        room = self._most_apart - len(self._devices) + len(one)
        for device in one[:room]:
            device.peaks = self._windows()
        if not one[room:]:
            self._others = self._windows()

    def sample(self, now: float) -> None:
        """Read every device; the host's rates are told when each device's are known."""
        every: list[list[float]] = []
        others: list[list[float]] = []
        lost = []
        before = self._clock()
        for name, device in self._devices.items():
            try:
                counts = self._parse([pread(fd, MOST_BYTES, 0) for fd in device.fds])
            except (OSError, ValueError):  # unplugged, or not what we know: gone until it is listed again
                lost.append(name)
                continue
            at = self._clock()
            rates = device.counters.rates(at, counts) if at - before <= SLOW_S else None
            before = at
            if rates is None:
                continue
            for place, most in self._bounds:
                rates[place] = min(rates[place], most)
            every.append(rates)
            if device.peaks is None:
                others.append(rates)
            else:
                _keep(device.peaks, now, rates)
        for name in lost:
            self._devices.pop(name).close()
        if every and len(every) == len(self._devices):
            for reading, rate in zip(self.readings, self._together(every), strict=True):
                reading.histogram.add(rate)
            if others:
                _keep(self._others, now, self._together(others))

    def _together(self, rates: list[list[float]]) -> list[float]:
        if len(rates) == 1:
            return rates[0]
        columns = zip(self.readings, zip(*rates, strict=True), strict=True)
        return [reading.together(column) for reading, column in columns]

    def _windows(self) -> list[Highest]:
        return [Highest(WINDOW_S) for _ in self.readings]

    def text(self, now: float) -> bytes:
        """The families of the devices' highest and, where these are told apart, of the host's histograms."""
        rows = [(name, device.peaks) for name, device in self._devices.items() if device.peaks is not None]
        rows += [(self._rest, self._others)]
        parts = []
        for place, reading in enumerate(self.readings):
            values = [({self.label: name}, peaks[place].value(now)) for name, peaks in rows]
            known = [(labels, value) for labels, value in values if value is not None]
            parts += [family(reading.highest, known), reading.histogram.text() if self._most_apart else b""]
        return b"".join(parts)

    def close(self) -> None:
        """Let go of all files."""
        for device in self._devices.values():
            device.close()
        self._devices = {}


def _keep(peaks: list[Highest], now: float, rates: list[float]) -> None:
    for highest, rate in zip(peaks, rates, strict=True):
        highest.add(now, rate)
