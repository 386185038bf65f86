"""Every distance of one feature between a window and the reference, by name, from their counts alone.

Numbers: ``ks``, ``wasserstein`` and the shifts from all cells; the divergences from tenths of the reference, as is the
custom for PSI. Categories: the divergences from a cell a category, those that the reference does not have in the last.
"""

from math import isfinite, sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tocsin_collector.drift.atoms import Atoms, atoms, wasserstein
from tocsin_collector.drift.divergence import divergences
from tocsin_collector.drift.location import located, moments
from tocsin_collector.profile import FeatureLayout, Tally
from tocsin_collector.profile.embedding import Space
from tocsin_collector.profile.hashing import distinct
from tocsin_collector.verdict import NUMBER

TENTHS = 10

Counts = NDArray[np.int64]


class Side(NamedTuple):
    """The reference's side of one feature, made once. ``tenths`` are the first cells of its tenths, numbers only;
    ``moments`` those of embeddings."""

    feature: FeatureLayout
    cells: Counts
    tenths: NDArray[np.intp]
    atoms: Atoms | None
    distinct: float
    moments: Counts


def side(feature: FeatureLayout, tally: Tally) -> Side:
    """What ``measures`` needs of the reference's pooled counts."""
    if feature.kind == NUMBER and tally.cells.any():
        with np.errstate(over="ignore", invalid="ignore"):
            points = atoms(feature, tally.cells, tally.sums)
        return Side(feature, tally.cells, _tenths(tally.cells), points, 0.0, tally.cells)
    known = moments(tally) if feature.space else tally.cells
    return Side(feature, tally.cells, np.zeros(1, np.intp), None, _distinct(tally), known)


def measures(known: Side, tally: Tally) -> dict[str, float]:
    """All distances; empty where one of the two sides has no value to compare."""
    if not known.cells.any() or not (tally.cells.any() or tally.new):
        return {}
    with np.errstate(over="ignore", invalid="ignore"):  # values near the largest float have no variance
        found = _measures(known, tally)
    return {name: value for name, value in found.items() if isfinite(value)}


def _measures(known: Side, tally: Tally) -> dict[str, float]:
    if known.feature.space:
        return _of_embeddings(known.feature.space, known, tally)
    if known.atoms is None:
        current, reference = np.append(tally.cells, tally.new), np.append(known.cells, 0)
        return divergences(current, reference) | _of_names(known, tally)
    now, before = (np.add.reduceat(cells, known.tenths) for cells in (tally.cells, known.cells))
    return _of_numbers(known, known.atoms, tally) | divergences(now, before)


def _of_numbers(known: Side, before: Atoms, tally: Tally) -> dict[str, float]:
    now = atoms(known.feature, tally.cells, tally.sums)
    below = np.cumsum(now.shares) - np.cumsum(before.shares)
    moved = wasserstein(now, before)
    found = {"ks": float(np.abs(below).max()), "wasserstein": moved, "mean": now.mean, "sd": sqrt(now.variance)}
    sd = sqrt(before.variance)
    if sd:
        shifts = {
            f"p{share}_shift": (now.quantile(share / 100) - before.quantile(share / 100)) / sd for share in (5, 50, 95)
        }
        found |= {
            "wasserstein_sd": moved / sd,
            "mean_shift": (now.mean - before.mean) / sd,
            "variance_ratio": now.variance / before.variance,
            **shifts,
        }
    return found


def _of_embeddings(space: Space, known: Side, tally: Tally) -> dict[str, float]:
    """``mean_shift`` is the distance of the means in standard deviations of the reference's vectors, less what chance
    brings; ``cosine_distance`` how far their directions are apart. The divergences are those of the cosines' cells."""
    if not tally.cells.sum():
        return {}
    found = located(space, moments(tally), known.moments)
    shift = sqrt(max(float(found.squared), 0.0))
    return {"mean_shift": shift, "cosine_distance": float(found.cosine)} | divergences(tally.cells, known.cells)


def _of_names(known: Side, tally: Tally) -> dict[str, float]:
    """``new`` is the share of rows in categories that the reference does not have, ``vanished`` the reference's share
    of those that the window does not have, ``distinct_ratio`` how many there are now against then. Where rarer names
    share cells, ``rare_shift`` is how much more of the rows they have."""
    gone = known.cells[tally.cells == 0].sum() / known.cells.sum()
    new = tally.new / (int(tally.cells.sum()) + tally.new)
    found = {"new": new, "vanished": float(gone)}
    if known.feature.hashed:
        found["rare_shift"] = _rare(known.feature, tally.cells) - _rare(known.feature, known.cells)
    if known.distinct:
        found["distinct_ratio"] = _distinct(tally) / known.distinct
    return found


def _rare(feature: FeatureLayout, cells: Counts) -> float:
    return float(cells[len(feature.names) :].sum() / max(int(cells.sum()), 1))


def _distinct(tally: Tally) -> float:
    return distinct(tally.registers) if len(tally.registers) else float(np.count_nonzero(tally.cells))


def _tenths(cells: Counts) -> NDArray[np.intp]:
    """Where each tenth begins; a cell that holds more than a tenth is one of them."""
    below = np.cumsum(cells) / cells.sum()
    starts = np.searchsorted(below, np.arange(1, TENTHS) / TENTHS) + 1
    return np.unique(np.append(starts[starts < len(cells)], 0))
