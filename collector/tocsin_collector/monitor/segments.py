"""Rows of a window by segment, in bounded memory, with sums that hold whatever a sender makes up.

Of each segment the counts are exact, in any order, up to ``EXACT_MOST`` values. With more, the largest ``KEPT`` stay,
the others are folded into ``_other``. The counts of a segment always add up to the rows that have it, but which small
values were folded then depends on the order. Told are at most ``SHOWN``, chosen with hysteresis: who was told in the
window before counts a quarter more, so that two values of about equal traffic do not take turns.
"""

from collections import Counter
from collections.abc import Container, Mapping
from typing import Any

import numpy as np

from tocsin_collector.frame import Frame, Values
from tocsin_schema.metric import OVERFLOW

SEGMENTS_MOST = 64
"""Segments of a model; those of a sender that makes names up are not counted beyond."""
SHOWN = 64
EXACT_MOST, KEPT = 1_024, 512
_INCUMBENT = 1.25

Told = Mapping[str, Mapping[str, int]]


class Segments:
    """The counts of one window, by segment and value."""

    def __init__(self) -> None:
        self._counts: dict[str, Counter[str]] = {}

    def __len__(self) -> int:
        return len(self._counts)

    def state(self) -> list[Any]:
        """Every segment with its values and their rows; ``load`` takes it."""
        return [[name, list(counts.items())] for name, counts in self._counts.items()]

    def load(self, state: list[Any]) -> None:
        """Go on from what another one counted."""
        self._counts = {name: Counter(dict(counts)) for name, counts in state}

    def add(self, frame: Frame) -> None:
        """Count a block's rows; a row without a segment is not counted in it."""
        for name, values in frame.group("segment.").items():
            if name in self._counts or len(self._counts) < SEGMENTS_MOST:
                _count(values, self._counts.setdefault(name, Counter()))

    def told(self, before: Told) -> dict[str, dict[str, int]]:
        """The rows by segment and value, the largest first and the rest as ``_other``; ``before`` is what was told of
        the window before."""
        return {name: _chosen(counts, before.get(name, {})) for name, counts in self._counts.items()}


def _count(values: Values, counts: Counter[str]) -> None:
    found = np.bincount(values.data[values.valid].astype(np.int64), minlength=len(values.names))
    for code in np.flatnonzero(found).tolist():
        counts[values.names[code]] += int(found[code])
        if len(counts) > EXACT_MOST:
            _fold(counts)


def _fold(counts: Counter[str]) -> None:
    others = sorted((name for name in counts if name != OVERFLOW), key=lambda name: (counts[name], name))
    counts[OVERFLOW] += sum(counts.pop(name) for name in others[:-KEPT])


def leaders(counts: Mapping[str, int], before: Container[str], most: int) -> list[str]:
    """The names of the largest counts, without ``_other``; those that stood there before count a quarter more."""
    named = [name for name in counts if name != OVERFLOW]
    return sorted(named, key=lambda name: (-counts[name] * (_INCUMBENT if name in before else 1), name))[:most]


def _chosen(counts: Counter[str], before: Mapping[str, int]) -> dict[str, int]:
    first = leaders(counts, before, SHOWN)
    shown = {name: counts[name] for name in sorted(first, key=lambda name: (-counts[name], name))}
    rest = counts.total() - sum(shown.values())
    return shown | ({OVERFLOW: rest} if rest else {})
