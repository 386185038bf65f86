"""Which segments go: the oldest, when they are older or more than may be kept.

Windows are counted from the journal when their snapshot cannot be used, under a new reference for one, so what they can
still need stays, whatever the limits say: every segment that was written within the horizon. What is older than that is
history, and goes with its segments.
"""

import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from tocsin_collector.journal.segment import Name, segments

LOOK_EVERY_S = 60.0


class Limits(NamedTuple):
    """How much of the journal is kept, and for how long since it was written; 0 is without limit."""

    most_bytes: int = 0
    most_s: float = 0.0
    horizon_s: float = 90_600.0


class Retention:
    """Looks once a minute. ``size_bytes`` is what the segments take on the disk, ``first`` where the oldest begins."""

    def __init__(self, folder: Path, limits: Limits, clock: Callable[[], float] = time.time) -> None:
        self.size_bytes = self.dropped_bytes_total = self.first = 0
        self._folder = folder
        self._limits = limits
        self._clock = clock
        self._looks_at_s = 0.0

    def tick(self, until: int) -> None:
        """Drop what may go of that which ends before a position."""
        now_s = self._clock()
        if now_s < self._looks_at_s:
            return
        self._looks_at_s = now_s + LOOK_EVERY_S
        for name in surplus(self._folder, self._limits, now_s, until):
            self.dropped_bytes_total += _taken_bytes(name)
            name.path.unlink()
        left = segments(self._folder)
        self.first = left[0].base if left else 0
        self.size_bytes = sum(map(_taken_bytes, left))


def surplus(folder: Path, limits: Limits, now_s: float, until: int) -> list[Name]:
    """The segments that go, oldest first; the newest never does."""
    names = segments(folder)
    total = sum(map(_taken_bytes, names))
    found: list[Name] = []
    for name, following in pairwise(names):
        age_s = now_s - name.path.stat().st_mtime
        too_much = limits.most_bytes and total > limits.most_bytes
        too_old = limits.most_s and age_s > limits.most_s
        if not (too_much or too_old) or age_s <= limits.horizon_s or following.base >= until:
            break
        total -= _taken_bytes(name)
        found.append(name)
    return found


def _taken_bytes(name: Name) -> int:
    return name.path.stat().st_blocks * 512
