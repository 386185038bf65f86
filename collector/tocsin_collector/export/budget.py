"""How many series each model version may have: so many itself, and so many all of a project together. Pure.

Every version that fits has its core first (totals, window, alarm), then what there is to tell in detail, in the order
of the versions. So a version keeps its place as others come behind it, and a project of many versions loses details
before it loses an alarm.
"""

from collections.abc import Container, Mapping
from typing import NamedTuple

from tocsin_collector.export.exposition import Column
from tocsin_collector.monitor.segments import leaders
from tocsin_collector.verdict import ModelKey
from tocsin_schema.metric import OVERFLOW

CORE = 11
"""Series of a version that has its place: what is counted of it, and its newest window in short."""
_PROJECT = CORE + 2
"""Of a project itself: its ``_other`` version, and what was folded by reason."""


class Budget(NamedTuple):
    """Series at most, of a model version and of a project."""

    model: int
    project: int


def rooms(wanted: Mapping[ModelKey, int], budget: Budget) -> dict[ModelKey, int]:
    """The series that each version may have beside its core; one without a place is not among them.

    ``wanted`` are the series that a version has to show beside its core, in the order in which places are given.
    """
    left: dict[str, int] = {}
    placed = []
    for key in wanted:
        rest = left.setdefault(key.project, budget.project - _PROJECT)
        if rest >= CORE:
            left[key.project] = rest - CORE
            placed.append(key)
    found = {}
    for key in placed:
        found[key] = min(wanted[key], budget.model - CORE, left[key.project])
        left[key.project] -= found[key]
    return found


def folded(column: Column, shown: Container[tuple[str, ...]]) -> Column:
    """A column by project, model (and version) of counts: what is not shown by itself is added up in its project's
    ``_other``."""
    if all(key in shown for key in column.keys):
        return column
    sums: dict[tuple[str, ...], float] = {}
    for key, value in zip(column.keys, column.values, strict=True):
        place = tuple(key) if key in shown else (key[0], *[OVERFLOW] * (len(key) - 1))
        sums[place] = sums.get(place, 0) + value
    return column._replace(keys=[*sums], values=[*sums.values()])


def busiest(counts: Mapping[str, int], shown: Container[str], most: int) -> dict[str, int]:
    """At most so many values by their counts, the last one ``_other`` with all that is left; sums are conserved.

    A value that was ``shown`` before keeps its place until another one has a quarter more.
    """
    if len(counts) <= most:
        return dict(counts)
    found = {name: counts[name] for name in leaders(counts, shown, max(most - 1, 0))}
    rest = sum(counts.values()) - sum(found.values())
    return found | {OVERFLOW: rest} if most else {}
