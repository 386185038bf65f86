"""The highest value of the last minute: whoever looks once a minute sees each peak, and looking changes nothing."""

from collections import deque

WINDOW_S = 60
"""How far the highest values look back: every scraper that comes once a minute sees each peak."""


class Highest:
    """The highest value in a window that slides."""

    __slots__ = ("_falling", "_window_s")

    def __init__(self, window_s: float) -> None:
        self._window_s = window_s
        self._falling: deque[tuple[float, float]] = deque()
        """Times and values; each value is higher than all that came after it."""

    def add(self, now: float, value: float) -> None:
        """A value that was seen now."""
        falling = self._falling
        while falling and falling[-1][1] <= value:
            falling.pop()
        falling.append((now, value))

    def value(self, now: float) -> float | None:
        """None when the window holds nothing."""
        falling = self._falling
        while falling and now - falling[0][0] > self._window_s:
            falling.popleft()
        return falling[0][1] if falling else None
