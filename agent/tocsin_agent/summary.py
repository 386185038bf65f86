"""What the profile `summary` tells of many CPUs, disks and network devices: one series instead of one each."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

SUM, MEAN = "sum", "mean"
"""What stands in the label `device`, or `cpu`, then."""


class Steady:
    """Sums of counters over what comes and goes. A sum that fell would read as a restart, and a rate as years at once.

    When a device comes or goes, or begins to count anew, the sum goes on from where it was.
    """

    def __init__(self) -> None:
        self._names: object = None
        self._base: list[int] = []
        self._last: list[int] = []

    def hold(self, names: object, sums: "Sequence[int]") -> list[int]:
        """The sums as they are to be shown. ``names``: what they are over."""
        if len(self._base) != len(sums):
            self._base = [0] * len(sums)
        elif names != self._names:
            self._base = [last - now for last, now in zip(self._last, sums, strict=True)]
        else:
            pairs = zip(self._base, sums, self._last, strict=True)
            self._base = [max(base, last - now) for base, now, last in pairs]
        self._names = names
        self._last = [base + now for base, now in zip(self._base, sums, strict=True)]
        return self._last
