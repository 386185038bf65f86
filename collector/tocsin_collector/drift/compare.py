"""A window against the reference: one verdict a feature, with its reasons in plain words."""

from dataclasses import replace
from math import isfinite

import numpy as np

from tocsin_collector.drift.distance import Distance
from tocsin_collector.drift.measures import measures
from tocsin_collector.drift.reference import FEWEST_ROWS, FeatureReference, Reference, compared, distance_of
from tocsin_collector.drift.shares import distribution, percent, place
from tocsin_collector.profile import Profile, ProfileError, Tally
from tocsin_collector.verdict import CATEGORY, FeatureVerdict, dimensions_of

LARGEST = 1.0
"""Neither distance can be larger."""


def compare(reference: Reference, current: Profile, min_rows: int) -> dict[str, FeatureVerdict]:
    """Judge each feature of a window. A window with fewer rows than ``min_rows`` is described, not judged.

    Raises ProfileError when the window was profiled under another layout.
    """
    if current.layout.digest != reference.layout.digest:
        raise ProfileError("the window was profiled under another layout than the reference's; profile its rows again")
    judged = current.rows >= min_rows
    found = {}
    for name, known in reference.features.items():
        tally = current.tally(name)
        found[name] = replace(_verdict(known, tally, judged), distances=measures(reference.sides[name], tally))
    return found


def where(reference: Reference, current: Profile, name: str) -> str:
    """Where a feature differs most from the reference, as the middle of a sentence; empty with too few values."""
    known = reference.features[name]
    distance = _distance(known, current.tally(name))
    return place(known, distance) if distance else ""


def _verdict(known: FeatureReference, tally: Tally, judged: bool) -> FeatureVerdict:
    distance = _distance(known, tally) if judged else None
    threshold = _threshold(known, distance) if distance else None
    if threshold is not None and threshold >= LARGEST:
        distance = threshold = None  # nothing can be beyond it: the reference's windows were too few to tell
    valid = int(tally.cells.sum()) + tally.new
    missing = (tally.missing + tally.nan) / max(tally.rows, 1)
    new = tally.new / max(valid, 1)
    return FeatureVerdict(
        name=known.layout.name,
        kind=known.layout.kind,
        method=known.method,
        rows=tally.rows,
        score=distance.score if distance else None,
        threshold=threshold,
        missing_ratio=missing,
        missing_reference=known.missing.ratio,
        missing_threshold=known.missing.threshold(tally.rows),
        new_ratio=new,
        new_threshold=known.new.threshold(valid),
        distribution=distribution(known, tally),
        reasons=_reasons(known, tally, distance, threshold) if judged else (),
        invalid_ratio=(tally.infinite + tally.other_kind) / max(tally.rows, 1),
        invalid_threshold=known.invalid.threshold(tally.rows),
    )


def _distance(known: FeatureReference, tally: Tally) -> Distance | None:
    current, pool = compared(known.layout, tally), known.pool
    if known.layout.kind == CATEGORY:
        current, pool = np.append(current, tally.new), np.append(pool, 0)
    if tally.cells.sum() + tally.new < FEWEST_ROWS or not known.cells.sum():
        return None
    return distance_of(known.layout)[1](current, pool)


def _threshold(known: FeatureReference, distance: Distance) -> float:
    return max(known.distance.bound(distance.noise), distance.floor(known.method, known.alpha))


def _reasons(
    known: FeatureReference, tally: Tally, distance: Distance | None, threshold: float | None
) -> tuple[str, ...]:
    name = known.layout.name
    missing = tally.missing + tally.nan
    invalid = tally.infinite + tally.other_kind
    valid = int(tally.cells.sum()) + tally.new
    checks = (
        (known.missing, missing, tally.rows, "of values are missing"),
        (known.invalid, invalid, tally.rows, f"of values {invalid_text(known.layout.kind)}"),
        (known.new, tally.new, valid, "of values are categories that the reference does not have"),
    )
    reasons = []
    for normal, hits, rows, what in checks:
        bound = normal.threshold(rows)
        if hits and not hits / rows <= bound:
            worst = f"the reference's worst window had {percent(normal.worst)} (bound {percent(bound)})"
            reasons.append(f"{name}: {percent(hits / rows)} {what}, {worst}")
    if distance is not None and threshold is not None and not distance.score <= threshold:
        reasons.append(f"{name}: {_how_far(known, distance, threshold)}")
    return tuple(reasons)


def invalid_text(kind: str) -> str:
    """What is said of values that are invalid."""
    return f"are all zero, infinite or no {kind}" if dimensions_of(kind) else f"are infinite or no {kind}"


def _how_far(known: FeatureReference, distance: Distance, threshold: float) -> str:
    # A NaN here means a damaged reference: it must wake someone, not pass for silence.
    if not (isfinite(distance.score) and isfinite(threshold)):
        return f"its distance {distance.score} cannot be held against the bound {threshold}; build the reference again"
    return f"{place(known, distance)} (distance {distance.score:.2f}, bound {threshold:.2f})"
