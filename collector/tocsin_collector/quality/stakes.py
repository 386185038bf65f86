"""What an operator states of a model: floors of its scores, and what its mistakes cost."""

from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from tocsin_collector.quality.confusion import table
from tocsin_collector.quality.interval import Scored
from tocsin_collector.quality.measure import RISES
from tocsin_collector.quality.tally import Tally, count_mean


@dataclass(frozen=True, slots=True)
class Stakes:
    """``floors`` by score: the least it should be, or the most for a score of which less is better. ``costs`` in money
    by label and predicted class; what is not in it costs nothing."""

    floors: dict[str, float] = field(default_factory=dict)
    costs: dict[tuple[str, str], float] = field(default_factory=dict)

    def count(self, tally: Tally) -> Tally:
        """What the rows of a tally cost, as a mean that can be added to others; nothing without costs."""
        names, counts = table(tally)
        if not self.costs:
            return Counter()
        costs = np.array([[self.costs.get((truth, said), 0.0) for said in names] for truth in names])
        return count_mean("cost", np.repeat(costs.ravel(), counts.ravel()))


def misses(name: str, scored: Scored, floor: float) -> bool:
    """Whether the whole interval is on the wrong side of a floor: so few rows do not alarm."""
    if name in RISES:
        return (scored.value if scored.high is None else scored.high) < floor
    return (scored.value if scored.low is None else scored.low) > floor
