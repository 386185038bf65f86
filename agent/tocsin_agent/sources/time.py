"""The clock, its time zone, and its sources, from /sys/devices/system/clocksource (timers/timekeeping.rst)."""

import time

from tocsin_agent.exposition import family, template
from tocsin_agent.kernelfile import SELDOM_S, numbered, text
from tocsin_schema.metrics.time import AVAILABLE, CURRENT, METRICS, SECONDS, ZONE_OFFSET

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tocsin_agent.source import Values

PREFIX = "clocksource"


class Time:
    """``node_time_*``."""

    METRICS = METRICS

    def __init__(self, values: "Values") -> None:
        self._folder = f"{values['sysfs']}/devices/system/{PREFIX}"
        self._template = template(SECONDS, [{}], b"e-9")
        self._zone: tuple[str, int] | None = None
        self._offset = self._clocks = b""
        self._look_at = 0.0

    def read(self) -> bytes:
        """Two looks at the clock; the clock sources are read every five minutes."""
        now = time.monotonic()
        if now >= self._look_at:
            self._clocks = self._read_clocks()
            self._look_at = now + SELDOM_S
        local = time.localtime()
        zone = local.tm_zone, local.tm_gmtoff
        if zone != self._zone:
            self._offset = family(ZONE_OFFSET, [({"time_zone": local.tm_zone}, local.tm_gmtoff)])
            self._zone = zone
        return self._template % (b"%d" % time.time_ns()) + self._offset + self._clocks

    def _read_clocks(self) -> bytes:
        available, current = [], []
        for number in numbered(self._folder, PREFIX):
            folder = f"{self._folder}/{PREFIX}{number}"
            names = text(f"{folder}/available_clocksource").split()
            available += [({"device": number, PREFIX: name}, 1) for name in names]
            current.append(({"device": number, PREFIX: text(f"{folder}/current_clocksource")}, 1))
        return family(AVAILABLE, available) + family(CURRENT, current)

    def close(self) -> None:
        """Nothing is kept open."""


SOURCE = Time
