"""Requests and responses of a model server that come one by one: the first half waits in memory for the other.

Model servers' loggers send each half once and in any order, and never again: a half that waits is no more durable here
than it was there. So it is not told as accepted, and what never finds its other half is counted.
"""

import threading
from typing import NamedTuple

PATIENCE_US = 60_000_000
MAX_BYTES = 8 << 20


class Half(NamedTuple):
    """A request or a response of one inference, as it came."""

    is_request: bool
    attributes: dict[str, object]
    data: bytes


class Pairs:
    """Halves by the name of their inference. Safe from any thread."""

    def __init__(self) -> None:
        self._lost = 0
        self._waiting: dict[tuple[str, ...], tuple[Half, int]] = {}
        self._bytes = 0
        self._lock = threading.Lock()

    def match(self, name: tuple[str, ...], half: Half, now_us: int) -> Half | None:
        """The other half, which waits no longer; None when this one has to wait for it."""
        with self._lock:
            self._give_up(now_us)
            known = self._waiting.pop(name, None)
            if known is not None:
                self._bytes -= _size(known[0])
                if known[0].is_request != half.is_request:
                    return known[0]
            self._waiting[name] = half, now_us
            self._bytes += _size(half)
            return None

    def lost(self) -> int:
        """Halves that were given up since the last call: too old, or too many."""
        if not self._lost:  # nearly always: worth no lock
            return 0
        with self._lock:
            found, self._lost = self._lost, 0
            return found

    def _give_up(self, now_us: int) -> None:
        """Drop what is too old, and the oldest of too much; the dict has them by the time they came."""
        while self._waiting:
            name = next(iter(self._waiting))
            half, since_us = self._waiting[name]
            if self._bytes <= MAX_BYTES and now_us - since_us <= PATIENCE_US:
                return
            del self._waiting[name]
            self._bytes -= _size(half)
            self._lost += 1


def _size(half: Half) -> int:
    return len(half.data) + 1_000  # its attributes and the dict's own share
