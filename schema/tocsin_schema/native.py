"""A histogram of the latency layout as a native histogram of Prometheus: exponential buckets, no fixed bounds.

The layout holds schema 5 exactly (``tocsin_schema.latency``): its classic bounds only split some of the buckets. One
schema less is pairs of neighbours added, so making a histogram coarser is exact too.
"""

from bisect import bisect_left

from tocsin_schema.latency import BOUNDS_S, SCHEMA

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_BUCKETS = 160
"""Filled buckets of one histogram; beyond, it gets coarser. 30 octaves fit at schema 2, so a schema never gets lower.

Counts only grow, so the schema of a series only falls, and a server that stores it begins few chunks anew."""

ZERO_S = BOUNDS_S[0]
"""What lasts no longer counts as zero: the layout does not tell it apart."""


class Native:
    """The buckets: ``spans`` are (gap to the span before, length), ``deltas`` the counts, each less its neighbour."""

    __slots__ = ("deltas", "schema", "spans", "zeros")

    def __init__(self, schema: int, zeros: int, buckets: dict[int, int]) -> None:
        self.schema = schema
        self.zeros = zeros
        self.spans: list[tuple[int, int]] = []
        self.deltas: list[int] = []
        end, before = 0, 0
        for index in sorted(buckets):
            if self.spans and index == end:
                gap, length = self.spans[-1]
                self.spans[-1] = gap, length + 1
            else:
                self.spans.append((index - end, 1))
            end = index + 1
            self.deltas.append(buckets[index] - before)
            before = buckets[index]


def native(counts: "Sequence[int]", most: int = MOST_BUCKETS) -> Native:
    """The native form of counts in the latency layout: schema 5, or less where more than ``most`` buckets are filled.

    What lasted longer than the last bound is in the bucket behind it.
    """
    if not _indexes:
        _indexes.extend(_schema_indexes())
    buckets: dict[int, int] = {}
    for index, count in zip(_indexes, counts[1:], strict=True):
        if count:
            buckets[index] = buckets.get(index, 0) + count
    schema = SCHEMA
    while len(buckets) > most:
        schema -= 1
        coarser: dict[int, int] = {}
        for index, count in buckets.items():
            above = (index + 1) >> 1
            coarser[above] = coarser.get(above, 0) + count
        buckets = coarser
    return Native(schema, counts[0], buckets)


_indexes: list[int] = []
"""By bucket of the layout, without the first: the bucket of schema 5, whose upper bound is ``2 ** (index / 32)``."""


def _schema_indexes() -> list[int]:
    first, last = -20 << SCHEMA, 10 << SCHEMA
    powers = [2.0 ** (index / (1 << SCHEMA)) for index in range(first, last + 1)]
    return [first + bisect_left(powers, bound) for bound in BOUNDS_S[1:]] + [last + 1]
