"""Two tables compared: which features differ by more than chance, and where."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from tocsin_collector.drift import compare as judged
from tocsin_collector.drift import fit
from tocsin_collector.drift.reference import by_chance_alone
from tocsin_collector.frame import Frame
from tocsin_collector.monitor.windows import Calendar
from tocsin_collector.profile import Layout, Profile, empty, layout_of, merge, merged, profile
from tocsin_collector.reports.page import fragment
from tocsin_collector.tables import open_table
from tocsin_collector.tables.rows import numbered
from tocsin_collector.tables.scan import scan
from tocsin_collector.tables.shared import shared_features
from tocsin_collector.tables.table import Table, TableError
from tocsin_collector.tables.windows import cut, frame_of, profiled
from tocsin_collector.verdict import FeatureVerdict

MOST_CHUNKS, CHUNK_ROWS = 28, 200
"""A reference is compared with itself in so many stretches, of no fewer rows: what they differ by is no drift."""
FEWEST_ROWS = 30
SHORT = (
    "the reference is one stretch of rows, so that nothing shows how far its own stretches differ: distances are held"
    " against what chance brings to independent rows"
)


@dataclass(frozen=True, slots=True)
class Comparison:
    """What `compare` found; ``features`` has a verdict each, those that differ first."""

    reference_rows: int
    rows: int
    features: dict[str, FeatureVerdict]
    notes: tuple[str, ...]

    @property
    def differing(self) -> list[str]:
        """The features that differ by more than chance."""
        return [name for name, verdict in self.features.items() if verdict.alarmed]

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain values, ready for JSON."""
        return {
            "reference_rows": self.reference_rows,
            "rows": self.rows,
            "differing": self.differing,
            "features": {name: _plain(verdict) for name, verdict in self.features.items()},
            "notes": list(self.notes),
        }

    def __repr__(self) -> str:
        """For a terminal, where the cell's table and charts are not."""
        told = f"{len(self.differing)} of {len(self.features)} features differ"
        reasons = [reason for verdict in self.features.values() for reason in verdict.reasons]
        return "\n".join((f"{told}: {self.rows:,} rows beside {self.reference_rows:,}", *reasons, *self.notes))

    def _repr_html_(self) -> str:
        return fragment(self)


def compare(reference: Any, current: Any) -> Comparison:
    """Compare two tables: data frames (pandas, Polars, pyarrow), dicts of arrays, or paths of CSV, Parquet and Arrow
    files. Columns that both have are compared; rows are taken in the order in which they stand.

    Raises TableError for what is no table, or has no column in common.
    """
    before, now = open_table(reference, _named(reference, "reference")), open_table(current, _named(current, "current"))
    notes: list[str] = []
    looked = scan(before, shared_features(before, now, set(), notes))
    layout = layout_of(map(frame_of, looked.sample))
    chunks = _windows(before, looked.kinds, layout, _chunk_rows(looked.rows))
    found = _windows(now, looked.kinds, layout, CHUNK_ROWS * MOST_CHUNKS)
    return _compared(chunks, found, layout, [*before.notes.values(), *now.notes.values(), *notes])


def compare_profiles(layout: Layout, reference: Sequence[Profile], current: Frame) -> Comparison:
    """Compare a frame's features with the profiles of a reference, in order of time. Raises TableError."""
    lone = sorted(current.group("feature.").keys() - layout.by_name.keys())
    notes = [f"left out, not in the reference: {', '.join(lone)}"] if lone else []
    return _compared(_stretches(reference, layout), [profile(current, layout)], layout, notes)


def _stretches(profiles: Sequence[Profile], layout: Layout) -> list[Profile]:
    """Neighbours added up until each has rows enough."""
    needed = _chunk_rows(sum(one.rows for one in profiles))
    found = [empty(layout)]
    for one in profiles:
        if found[-1].rows >= needed:
            found.append(empty(layout))
        found[-1] = merge(found[-1], one)
    return found


def _named(source: Any, role: str) -> str:
    return "" if isinstance(source, str) else role


def _chunks(rows: int) -> int:
    return min(MOST_CHUNKS, max(1, rows // CHUNK_ROWS))


def _chunk_rows(rows: int) -> int:
    return max(1, math.ceil(rows / _chunks(rows)))


def _windows(table: Table, kinds: dict[str, str], layout: Layout, rows: int) -> list[Profile]:
    """The table's profiles, so many rows each: a row's number stands for its time."""
    return list(profiled(cut(numbered(table, kinds), Calendar(length_s=rows)), layout).values())


def _compared(chunks: Sequence[Profile], current: Iterable[Profile], layout: Layout, notes: list[str]) -> Comparison:
    found = merged(current, layout)
    known = fit(list(chunks), layout)
    if not known.rows or not found.rows:
        raise TableError(f"the {'current table' if known.rows else 'reference'} has no row")
    if known.windows == 1:
        known, notes = by_chance_alone(known), [*notes, SHORT]
    verdicts = judged(known, found, FEWEST_ROWS).values()
    ranked = sorted(verdicts, key=lambda one: (not one.alarmed, -_share_of_bound(one), one.name))
    return Comparison(known.rows, found.rows, {one.name: one for one in ranked}, tuple(notes))


def _share_of_bound(verdict: FeatureVerdict) -> float:
    if verdict.score is None or not verdict.threshold:
        return 0.0
    share = verdict.score / verdict.threshold
    return share if math.isfinite(share) else math.inf


def _plain(verdict: FeatureVerdict) -> dict[str, Any]:
    shown = verdict.distribution
    return {
        "kind": verdict.kind,
        "differs": verdict.alarmed,
        "reasons": list(verdict.reasons),
        "method": verdict.method,
        **{
            name: _finite(getattr(verdict, name))
            for name in ("score", "threshold", "missing_ratio", "missing_reference", "new_ratio", "invalid_ratio")
        },
        "distances": {name: _finite(value) for name, value in verdict.distances.items()},
        "cells": list(shown.cells),
        "reference": list(shown.reference),
        "current": list(shown.current),
    }


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
