"""How far a stream's event time has come, when some of its clocks are wrong.

A stream goes forward in jumps of its own: nights, weekends, a batch a day. One event from 2100 looks the same at first;
what tells them apart is how the stream goes on. So:

1. A jump no further than ``trust_s`` is believed at once. That is how long a window takes late rows: if the jump was
   wrong, those that follow still find their windows, and nothing is lost.
2. A block that is further ahead is believed when ``QUORUM`` blocks say so, where each block that is not ahead takes
   two of them back. Until then the watermark stays, and what is ahead is on trial.
3. When so many contradict it, what is ahead is given up. When a minute of the clock passes (or the journal ends) and
   nothing has, a jump of up to ``past_s`` is believed: the batch after a weekend may be one block.
4. Of one block, the few rows (a twentieth) that lie further than ``trust_s`` from all others say nothing.
5. The first block, and a jump, can be wrong themselves. Until ``SETTLED`` blocks agree with it, the watermark goes back
   when ``QUORUM`` more blocks lie further than ``past_s`` behind it than agree.

All of it follows from the blocks in their order, so that the journal gives the same answer again.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

QUORUM = 8
SETTLED = 64
_AGAINST = 2
_FEW = 0.95
_AHEAD_MOST = 64
LIVE_WITHIN_S = 900.0
SILENCE_S = 60.0


class Watermark:
    """``value`` in seconds since the epoch, None before the first event.

    A live stream (whose events carry about the present time) goes on with the clock when its traffic stops, so that its
    last window closes too; a replay of the past stands still when it stops.
    """

    def __init__(self, trust_s: float, past_s: float) -> None:
        self._trust_s = trust_s
        self._past_s = past_s
        self._begin()

    def _begin(self) -> None:
        self.value: float | None = None
        self._stream: float | None = None  # by events alone
        self._agreed = self._against = 0
        self._ahead: list[float] = []
        self._votes = 0
        self._behind_clock_s: float | None = None
        self._heard_s: float | None = None

    def state(self) -> list[Any]:
        """All of it as plain values; ``load`` takes it."""
        votes = [self._agreed, self._against, self._votes]
        return [self.value, self._stream, votes, list(self._ahead), self._behind_clock_s, self._heard_s]

    def load(self, state: list[Any]) -> None:
        """Take over what another one knew."""
        self.value, self._stream, votes, self._ahead, self._behind_clock_s, self._heard_s = state
        self._agreed, self._against, self._votes = votes

    def events(self, time_us: NDArray[np.int64], now_s: float | None) -> bool:
        """Take a block's times; ``now_s`` is None while the journal is replayed. True: what is ahead is given up."""
        return self.block(_newest_s(time_us, self._trust_s), int(time_us.max()) / 1e6, now_s)

    def block(self, newest_s: float, last_s: float, now_s: float | None) -> bool:
        """The same for a block of which ``newest_s`` is to be believed, and ``last_s`` is the newest time."""
        begun_again = self._is_wrong(newest_s)
        if begun_again:
            self._begin()
        known_s, self._stream = self._stream, self._believed(newest_s, last_s)
        if known_s is None or self._stream > known_s:
            self._behind_clock_s = None if now_s is None else now_s - newest_s
        self._rise(self._stream)
        self._heard_s = now_s
        if now_s is not None:
            self._vouch([newest_s], now_s)
        return self._is_given_up() or begun_again

    def resume(self, now_s: float) -> None:
        """The journal is told: a stream whose newest event is of the present is a live one, even if it is silent."""
        self._believe_undisputed()
        if self.value is not None:
            self._behind_clock_s = now_s - self.value
            self._vouch(self._ahead, now_s)

    def tick(self, now_s: float) -> None:
        """Let a live stream's time go on."""
        if self._heard_s is not None and now_s - self._heard_s >= SILENCE_S:
            self._believe_undisputed()
        behind = self._behind_clock_s
        if self.value is not None and behind is not None and abs(behind) <= LIVE_WITHIN_S:
            # A sender whose clock is fast may be ahead of ours once; it does not drag the stream along for ever.
            self.value = max(self.value, now_s - max(behind, 0.0))

    def _is_wrong(self, newest_s: float) -> bool:
        """Whether this block makes more against the watermark than there are for it."""
        if self._stream is None or newest_s >= self._stream - self._past_s:
            self._agreed += 1
            return False
        self._against += 1
        return self._agreed < SETTLED and self._against >= self._agreed + QUORUM

    def _believed(self, newest_s: float, last_s: float) -> float:
        """How far the stream has come with a block of which ``newest_s`` is to be believed, ``last_s`` the end."""
        stream = newest_s if self._stream is None else self._stream
        far = newest_s > stream + self._trust_s
        if not far:
            stream = max(stream, newest_s)
        if last_s > stream + self._trust_s:
            self._ahead = sorted([*self._ahead, newest_s if far else last_s])[:_AHEAD_MOST]
        self._votes += 1 if far else -_AGAINST
        if self._votes >= QUORUM:
            stream = self._ahead[0]
            self._agreed = self._against = 0
        return self._absorbed(stream)

    def _absorbed(self, stream: float) -> float:
        """The watermark after all that was ahead and is now within reach."""
        while self._ahead and self._ahead[0] <= stream + self._trust_s:
            stream = max(stream, self._ahead.pop(0))
        self._votes = min(self._votes, len(self._ahead))
        return stream

    def _believe_undisputed(self) -> None:
        while self._votes > 0 and self._stream is not None and self._ahead[0] <= self._stream + self._past_s:
            self._stream = self._absorbed(self._ahead[0])
            self._rise(self._stream)

    def _is_given_up(self) -> bool:
        if not self._ahead:
            self._votes = 0
        if self._votes > -QUORUM:
            return False
        self._ahead, self._votes = [], 0
        return True

    def _vouch(self, times_s: Iterable[float], now_s: float) -> None:
        """The clock vouches for what is of the present."""
        for time_s in times_s:
            if abs(now_s - time_s) <= LIVE_WITHIN_S:
                self._behind_clock_s = now_s - time_s
                self._rise(time_s)

    def _rise(self, time_s: float) -> None:
        self.value = time_s if self.value is None else max(self.value, time_s)


def _newest_s(time_us: NDArray[np.int64], trust_s: float) -> float:
    """The newest of a block's times, without a few that lie far from all others."""
    newest = time_us.max()
    if newest - time_us.min() <= trust_s * 1e6:
        return int(newest) / 1e6  # the usual block needs no sorting
    ordered = np.sort(time_us)
    sure = int(np.ceil(_FEW * ordered.size)) - 1
    gaps = np.flatnonzero(np.diff(ordered[sure:]) > trust_s * 1e6)
    return int(ordered[sure + gaps[0]] if gaps.size else ordered[-1]) / 1e6
