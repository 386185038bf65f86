"""A histogram of every look since the agent began: one set of buckets that the text and the protobuf format share.

The buckets are exponential, as native histograms have them; the few bounds that the text shows stand among them and
only split some, so that both forms are sums of whole buckets and say the same.
"""

from _bisect import bisect_left
from itertools import accumulate

from tocsin_agent.exposition import number, series
from tocsin_schema.metric import header

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tocsin_schema.metric import Metric
    from tocsin_schema.native import Native


class Layout:
    """Buckets from ``2 ** first`` to ``2 ** last``, ``2 ** schema`` of them an octave, split at the bounds ``shown``.

    What is less than the first counts as nothing.
    """

    __slots__ = ("bounds", "indexes", "least", "places", "schema", "shown")

    def __init__(self, schema: int, first: int, last: int, shown: tuple[float, ...]) -> None:
        lowest, highest = first << schema, last << schema
        powers = [2.0 ** (index / (1 << schema)) for index in range(lowest, highest + 1)]
        self.schema = schema
        self.shown = shown
        self.least = powers[0]
        self.bounds = sorted({0.0, *powers, *shown})
        self.places = [self.bounds.index(bound) for bound in shown]
        self.indexes = [lowest + bisect_left(powers, bound) for bound in self.bounds[1:]] + [highest + 1]
        """By bucket, without that of nothing: the native one, whose upper bound is ``2 ** (index / 2 ** schema)``."""


RATIO = Layout(3, -12, 0, tuple(step / 10 for step in range(11)))
"""Shares. A bucket is 9 % wide."""
BYTES_PER_SECOND = Layout(2, 10, 40, (0.0, *[4.0**power for power in range(6, 20)]))
"""From 1 KiB/s; the text has bounds from 4 KiB/s to 256 GiB/s, each four times the one before. 19 % wide."""
WATTS = Layout(3, 0, 13, (0.0, *[25.0 * 2**power for power in range(9)]))
"""From 1 W to 8 kW; the text has bounds from 25 W to 6,400 W, each twice the one before. 9 % wide."""


class Histogram:
    """Of one metric without labels."""

    __slots__ = ("_counts", "_head", "_layout", "_sum", "key")

    def __init__(self, metric: "Metric", layout: Layout) -> None:
        self._layout = layout
        self._counts = [0] * (len(layout.bounds) + 1)
        self._sum = 0.0
        bounds = [series(f"{metric.name}_bucket", {"le": repr(bound)}) for bound in layout.shown]
        bounds.append(series(f"{metric.name}_bucket", {"le": "+Inf"}))
        self.key = f"{metric.name}_count".encode()
        sums = b"%b_sum %%b\n%b %%d\n" % (metric.name.encode(), self.key)
        self._head = header(metric).replace(b"%", b"%%") + b" %d\n".join([*bounds, sums])

    def add(self, value: float) -> None:
        """One look."""
        layout = self._layout
        value = value if value >= layout.least else 0.0
        self._counts[bisect_left(layout.bounds, value)] += 1
        self._sum += value

    def text(self) -> bytes:
        """The family; b"" before the first look that told something."""
        below = list(accumulate(self._counts))
        if not below[-1]:
            return b""
        shown = [below[place] for place in self._layout.places]
        return self._head % (*shown, below[-1], number(self._sum), below[-1])

    def native(self) -> "Native":
        """The same counts in exponential buckets only."""
        from tocsin_schema.native import Native

        buckets: dict[int, int] = {}
        for index, count in zip(self._layout.indexes, self._counts[1:], strict=True):
            if count:
                buckets[index] = buckets.get(index, 0) + count
        return Native(self._layout.schema, self._counts[0], buckets)
