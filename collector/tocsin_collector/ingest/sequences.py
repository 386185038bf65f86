"""Which sequence numbers of a producer have come: a sparse set, kept as ranges. Gaps and any order are fine."""

from bisect import bisect_right
from collections.abc import Iterable


class Sequences:
    """Integers, as the ranges ``[start, end)`` that they fill. A producer without gaps is one range for ever."""

    __slots__ = ("ends", "starts")

    def __init__(self, starts: Iterable[int] = (), ends: Iterable[int] = ()) -> None:
        self.starts = list(starts)
        self.ends = list(ends)

    def __len__(self) -> int:
        """The number of ranges, which is what it costs."""
        return len(self.starts)

    def __contains__(self, number: int) -> bool:
        at = bisect_right(self.starts, number) - 1
        return at >= 0 and number < self.ends[at]

    def add(self, number: int) -> None:
        """Put one in that is not in it; ranges that touch become one."""
        at = bisect_right(self.starts, number)
        after = at < len(self.starts) and self.starts[at] == number + 1
        if at and self.ends[at - 1] == number:
            self.ends[at - 1] = self.ends.pop(at) if after else number + 1  # the right side is evaluated first
            if after:
                del self.starts[at]
        elif after:
            self.starts[at] = number
        else:
            self.starts.insert(at, number)
            self.ends.insert(at, number + 1)

    def remove(self, number: int) -> None:
        """Take one out that is in it; its range becomes two, one or none."""
        at = bisect_right(self.starts, number) - 1
        start, end = self.starts[at], self.ends[at]
        rest = [part for part in ((start, number), (number + 1, end)) if part[0] < part[1]]
        self.starts[at : at + 1] = [part[0] for part in rest]
        self.ends[at : at + 1] = [part[1] for part in rest]
