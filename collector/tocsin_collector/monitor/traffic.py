"""The rows of each value of a segment: those with most traffic by value, all others together, no row lost.

Memory is bounded whatever the values are: beyond ``HELD`` of them the half with least traffic is let go into ``_other``
(space-saving, Metwally et al. 2005, without its over-estimate: a value counts from when it was taken last).
"""

from collections import Counter
from collections.abc import Iterable

from tocsin_schema.metric import OVERFLOW

HELD, SHOWN = 1_024, 64


class Traffic:
    """Counts by value."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._other = 0

    def add(self, values: Iterable[str | None]) -> None:
        """One row each; None is none."""
        self._counts.update(value for value in values if value is not None)
        if len(self._counts) > HELD:
            self._keep(HELD // 2)

    def shown(self) -> dict[str, int]:
        """At most ``SHOWN`` values, the busiest first, and ``_other`` where there are more."""
        ranked = _ranked(self._counts)
        found = dict(ranked[:SHOWN])
        rest = self._other + sum(count for _, count in ranked[SHOWN:])
        if rest:
            found[OVERFLOW] = found.get(OVERFLOW, 0) + rest
        return found

    def _keep(self, most: int) -> None:
        ranked = _ranked(self._counts)
        self._other += sum(count for _, count in ranked[most:])
        self._counts = Counter(dict(ranked[:most]))


def _ranked(counts: Counter[str]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))
