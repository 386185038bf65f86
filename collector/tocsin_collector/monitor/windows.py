"""Windows of event time: which one a row belongs to, and when one may close."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Calendar:
    """How event time is cut. A window is ``length_s`` long and begins where local time (``utc_offset_s`` east of UTC)
    is a multiple of it; it closes when the watermark has passed its end by ``lateness_s`` and is final
    ``label_wait_s`` later."""

    length_s: float = 3600.0
    utc_offset_s: float = 0.0
    lateness_s: float = 600.0
    label_wait_s: float = 86_400.0

    def index(self, time_us: NDArray[np.int64]) -> NDArray[np.int64]:
        """The number of the window that holds each time."""
        local = time_us + np.int64(self.utc_offset_s * 1e6)
        return local // np.int64(self.length_s * 1e6)

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


class Watermark:
    """How far a stream's event time has come, in seconds since the epoch.

    It is the newest event's time. A live stream (whose events carry about the present time) goes on with the clock when
    its traffic stops, so that its last window closes too; a replay of the past stands still when it stops.
    """

    LIVE_WITHIN_S = 900.0

    def __init__(self) -> None:
        self.value: float | None = None
        self._behind_clock_s: float | None = None

    def events(self, newest_s: float, now_s: float | None) -> None:
        """Take the newest time of a block. ``now_s`` is None while the journal is replayed."""
        if self.value is None or newest_s > self.value:
            self.value = newest_s
            self._behind_clock_s = None if now_s is None else now_s - newest_s

    def resume(self, now_s: float) -> None:
        """The journal is told: a stream whose newest event is of the present is a live one, even if it is silent."""
        if self.value is not None:
            self._behind_clock_s = now_s - self.value

    def tick(self, now_s: float) -> None:
        """Let a live stream's time go on."""
        behind = self._behind_clock_s
        if self.value is not None and behind is not None and abs(behind) <= self.LIVE_WITHIN_S:
            # A sender whose clock is fast may be ahead of ours once; it does not drag the stream along for ever.
            self.value = max(self.value, now_s - max(behind, 0.0))
