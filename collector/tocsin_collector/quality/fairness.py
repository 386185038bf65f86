"""How differently a model treats the values of a segment: demographic parity and equal opportunity.

Demographic parity compares how often a class is predicted, equal opportunity how often it is found where it is true
(Hardt, Price and Srebro 2016). The gap is between the largest and the smallest value, so the interval (Newcombe's) is
widened by Bonferroni for all pairs that could have been those two: one that excludes 0 is a finding.
"""

from collections.abc import Mapping
from itertools import product
from typing import NamedTuple

from tocsin_collector.drift.spread import normal_quantile
from tocsin_collector.quality.confusion import OTHER, Table, table
from tocsin_collector.quality.interval import Scored, difference, wilson
from tocsin_collector.quality.tally import Tally

FEWEST_ROWS = 30
"""A value of which fewer rows tell something is not compared."""
CLASSES_MOST = 4
PARITY, OPPORTUNITY = "demographic_parity", "equal_opportunity"


class Gap(NamedTuple):
    """Of one class: the two values furthest apart, and the difference of their shares."""

    measure: str
    name: str
    most: str
    least: str
    gap: Scored


def gaps(tallies: Mapping[str, Tally]) -> list[Gap]:
    """The gaps between the values of one segment, for models of up to four classes; ``_other`` is no value."""
    tables = {value: table(tally) for value, tally in tallies.items() if value != OTHER}
    classes = sorted({name for one in tables.values() for name in one.classes if name != OTHER})
    if len(classes) > CLASSES_MOST:
        return []
    found = (_gap(measure, name, tables) for name, measure in product(classes, (PARITY, OPPORTUNITY)))
    return [gap for gap in found if gap]


def _gap(measure: str, name: str, tables: Mapping[str, Table]) -> Gap | None:
    told = {value: _hits(measure, name, one) for value, one in tables.items()}
    told = {value: counts for value, counts in told.items() if counts[1] >= FEWEST_ROWS}
    if len(told) < 2:
        return None
    pairs = len(told) * (len(told) - 1) // 2
    share = {value: wilson(*counts, z=normal_quantile(0.025 / pairs)) for value, counts in told.items()}
    least, *_, most = sorted(share, key=lambda value: (share[value].value, value))
    return Gap(measure, name, most, least, difference(share[most], share[least]))


def _hits(measure: str, name: str, found: Table) -> tuple[int, int]:
    """How often the class was predicted, of how many rows."""
    if name not in found.classes:
        return 0, int(found.counts.sum()) if measure == PARITY else 0
    at = found.classes.index(name)
    if measure == PARITY:
        return int(found.counts[:, at].sum()), int(found.counts.sum())
    return int(found.counts[at, at]), int(found.counts[at].sum())
