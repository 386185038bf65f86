"""Shares of a window and of the reference side by side: for the page's picture and for the sentence of an alarm."""

from math import inf, nextafter
from sys import float_info

import numpy as np

from tocsin_collector.drift.distance import Counts, Distance
from tocsin_collector.drift.reference import FeatureReference
from tocsin_collector.profile import Tally
from tocsin_collector.verdict import CATEGORY, NUMBER, Distribution

SHOWN_CELLS = 32
OTHER = "_other"


def percent(share: float) -> str:
    """0.163 as ``16.3 %``; what is not 0 never reads as 0."""
    return f"{100 * share:.1f} %" if share >= 0.001 or not share else f"{100 * share:.2g} %"


def place(known: FeatureReference, distance: Distance) -> str:
    """Where the two differ most, as the middle of a sentence."""
    if known.layout.space:
        return f"the mean of its vectors is {distance.now:.2g} from the reference's in cosine distance"
    now, before = percent(distance.now), percent(distance.before)
    if known.layout.kind == NUMBER:
        return f"{now} of values are {_below(known.layout.edges, distance.cell)}, {before} in the reference"
    named = 0 <= distance.cell < len(known.layout.names)
    what = f"{known.layout.names[distance.cell]!r} is" if named else "rarer values are"
    return f"{what} {now} of values, {before} in the reference"


def distribution(known: FeatureReference, tally: Tally) -> Distribution:
    """At most 32 cells: neighbours of a number's cells taken together; a category's most frequent ones and the rest."""
    if known.layout.kind != CATEGORY:
        return _of_numbers(known.layout.edges, known.cells, tally.cells)
    shown = min(len(known.layout.names), SHOWN_CELLS - 1)
    before, now = known.cells, np.append(tally.cells, tally.new)
    was, is_now = (_shares(np.append(counts[:shown], counts[shown:].sum())) for counts in (before, now))
    return Distribution((*known.layout.names[:shown], OTHER), was, is_now)


def _of_numbers(edges: tuple[float, ...], before: Counts, now: Counts) -> Distribution:
    borders = _borders(before)
    kept = tuple(edges[border - 1] for border in borders)
    names = tuple(_between(low, high) for low, high in zip((-inf, *kept), (*kept, inf), strict=True))
    was, is_now = (_shares(np.add.reduceat(counts, [0, *borders])) for counts in (before, now))
    return Distribution(names, was, is_now, edges=kept)


def _borders(counts: Counts) -> list[int]:
    """Where a new shown cell begins: about equal shares of the reference, what is beyond its range left apart."""
    if len(counts) <= SHOWN_CELLS or not counts.sum():
        return list(range(1, min(len(counts), SHOWN_CELLS)))
    below = np.cumsum(counts) / counts.sum()
    inner = np.searchsorted(below, np.arange(1, SHOWN_CELLS - 2) / (SHOWN_CELLS - 2)) + 1
    ends = np.flatnonzero(counts)[[0, -1]] + (0, 1)
    return sorted({*inner.tolist(), *ends.tolist()} - {0, len(counts)})


def _between(low: float, high: float) -> str:
    if nextafter(low, inf) == high:
        return f"{_shown(low)}"
    if low == -inf:
        return "all" if high == inf else f"below {_shown(high)}"
    return f"{_shown(low)} and above" if high == inf else f"{_shown(low)} to {_shown(high)}"


def _below(edges: tuple[float, ...], cell: int) -> str:
    """``below 12``; an edge right after a value that has a cell of its own reads ``at most 12``."""
    if cell >= len(edges):
        return "of any size"
    closed = cell > 0 and nextafter(edges[cell - 1], inf) == edges[cell]
    return f"at most {_shown(edges[cell])}" if closed else f"below {_shown(edges[cell])}"


def _shares(counts: Counts) -> tuple[float, ...]:
    total = int(counts.sum())
    return tuple((counts / total).tolist()) if total else (0.0,) * len(counts)


def _shown(edge: float) -> str:
    """An edge for people: one just above 0, as half-open cells have it, is 0."""
    return "0" if abs(edge) < float_info.min else f"{edge:.6g}"
