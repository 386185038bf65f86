"""How many bytes of the journal each project holds.

They are counted as events are stored, and stand in the snapshot with the other counters: a start need not read the
journal for them. The journal drops its oldest segments, so they are kept by where they lie, in stretches of 4 MiB.
"""

from collections import Counter, defaultdict
from typing import Any

STRETCH_BYTES = 4 << 20
RECORD_BYTES = 32
"""What the journal adds to a block: its header, and zeros up to the next eighth byte."""


class Holdings:
    """Plain counters; only the event loop's thread touches them."""

    def __init__(self) -> None:
        self._stretches: defaultdict[int, Counter[str]] = defaultdict(Counter)
        self._totals: Counter[str] = Counter()
        self._first = 0

    def add(self, project: str, position: int, payload_bytes: int) -> None:
        """A block is in the journal, at a position."""
        size = payload_bytes + RECORD_BYTES
        self._stretches[position // STRETCH_BYTES][project] += size
        self._totals[project] += size

    def forget(self, before: int) -> None:
        """What lay before a position is gone."""
        if before // STRETCH_BYTES <= self._first:
            return
        self._first = before // STRETCH_BYTES
        for stretch in [stretch for stretch in self._stretches if stretch < self._first]:
            self._totals -= self._stretches.pop(stretch)  # which leaves out who has nothing left

    def erase(self, start: int, end: int, project: str) -> None:
        """What a project had from one position to another is gone; of a stretch across one of them, its part."""
        for stretch in range(start // STRETCH_BYTES, -(-end // STRETCH_BYTES)):
            found = self._stretches.get(stretch)
            if found is None or not found[project]:
                continue
            first, last = max(start, stretch * STRETCH_BYTES), min(end, (stretch + 1) * STRETCH_BYTES)
            gone = found[project] * (last - first) // STRETCH_BYTES
            found[project] -= gone
            self._totals[project] -= gone
            self._totals += Counter()  # which leaves out who has nothing left

    def size_bytes(self) -> Counter[str]:
        """What each project holds."""
        return self._totals

    def state(self) -> list[list[Any]]:
        """All of it as plain values; ``load`` takes it."""
        return [[at, project, size] for at, found in self._stretches.items() for project, size in found.items()]

    def load(self, state: list[list[Any]]) -> None:
        """Go on from what another one counted."""
        for stretch, project, size in state:
            self._stretches[stretch][project] += size
            self._totals[project] += size
