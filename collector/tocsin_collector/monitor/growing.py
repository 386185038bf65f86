"""A numpy column that grows, and touches memory only where its rows are."""

from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T", bound=np.generic)


class Growing(Generic[T]):
    """A column of one dtype. ``rows`` is a view of what is there, valid until rows are added."""

    __slots__ = ("_room", "size")

    def __init__(self, dtype: type[T]) -> None:
        self._room: NDArray[T] = np.empty(0, dtype)
        self.size = 0

    @classmethod
    def of(cls, rows: NDArray[T]) -> "Growing[T]":
        """A column that begins with these rows, a copy of them."""
        found = cls(rows.dtype.type)
        found.append(rows)
        return found

    @property
    def rows(self) -> NDArray[T]:
        """The rows, as a view that may be written to."""
        return self._room[: self.size]

    def append(self, values: NDArray[Any]) -> None:
        """Add rows at the end."""
        start = self._longer(values.size)
        self._room[start : self.size] = values

    def fill(self, size: int, value: float) -> None:
        """Become ``size`` rows long at least; the new ones hold ``value``."""
        if size > self.size:
            start = self._longer(size - self.size)
            self._room[start : self.size] = value

    def keep(self, which: NDArray[np.bool_]) -> None:
        """Keep some rows only."""
        self._room = self.rows[which]
        self.size = self._room.size

    def _longer(self, more: int) -> int:
        start, self.size = self.size, self.size + more
        if self.size > self._room.size:
            room: NDArray[T] = np.empty(max(self.size, start + start // 2, 16), self._room.dtype)
            room[:start] = self._room[:start]
            self._room = room
        return start
