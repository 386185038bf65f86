"""Windows of event time: which one a row belongs to, when one may close, and how far off a row may be."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

DAY_S = 86_400.0


@dataclass(frozen=True, slots=True)
class Calendar:
    """How event time is cut. A window is ``length_s`` long and begins where local time (``utc_offset_s`` east of UTC)
    is a multiple of it; it closes when the watermark has passed its end by ``lateness_s`` and is final
    ``label_wait_s`` later. A row more than ``past_s`` behind the watermark has no window, and one whose window begins
    more than ``future_s`` ahead of it has one only for a trial. Seasons of hour and weekday are those of ``zone``, in
    which ``holidays`` (YYYY-MM-DD) are as Sundays."""

    length_s: float = 3600.0
    utc_offset_s: float = 0.0
    lateness_s: float = 600.0
    label_wait_s: float = 86_400.0
    past_s: float = 604_800.0
    future_s: float = 600.0
    zone: str = "UTC"
    holidays: tuple[str, ...] = ()

    def index(self, time_us: NDArray[np.int64]) -> NDArray[np.int64]:
        """The number of the window that holds each time."""
        local = time_us + np.int64(self.utc_offset_s * 1e6)
        return local // np.int64(self.length_s * 1e6)

    def index_at(self, time_s: float) -> int:
        """The number of the window that holds one time."""
        return int(self.index(np.array([time_s * 1e6], np.int64))[0])

    def day(self, index: int) -> int:
        """The number of the local day in which a window begins."""
        return self.day_at(self.start_s(index))

    def day_at(self, time_s: float) -> int:
        """The number of the local day that holds one time."""
        return int((time_s + self.utc_offset_s) // DAY_S)

    def day_start_s(self, day: int) -> float:
        """Where a day begins, seconds since the epoch."""
        return day * DAY_S - self.utc_offset_s

    def closed(self, now_s: float) -> int:
        """The number of the newest window that a watermark has closed."""
        return int((now_s - self.lateness_s + self.utc_offset_s) // self.length_s) - 1

    def start_s(self, index: int) -> float:
        """Where a window begins, seconds since the epoch."""
        return index * self.length_s - self.utc_offset_s

    def end_s(self, index: int) -> float:
        """Where it ends, excluded."""
        return self.start_s(index + 1)

    def closes_s(self, index: int) -> float:
        """The watermark at which it closes."""
        return self.end_s(index) + self.lateness_s

    def final_s(self, index: int) -> float:
        """The watermark at which no label is waited for any more."""
        return self.closes_s(index) + self.label_wait_s

    @property
    def horizon_s(self) -> float:
        """How far behind the watermark a label can still matter."""
        return self.length_s + self.lateness_s + self.label_wait_s

    def east_s(self, time_s: float) -> float:
        """How far local time is ahead of UTC."""
        if self.zone == "UTC":
            return 0.0
        return (datetime.fromtimestamp(time_s, ZoneInfo(self.zone)).utcoffset() or timedelta()).total_seconds()
