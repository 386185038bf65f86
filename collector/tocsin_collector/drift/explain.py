"""Why a window alarms: which features, where in them, since when, and what else became different then.

From the verdicts that are kept and the changes of the schema alone: it asks no rows again. What changed beside is told,
not blamed.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from tocsin_collector.drift.changepoint import changepoint
from tocsin_collector.drift.standing import Standing, standings
from tocsin_collector.verdict import FeatureVerdict, SchemaChange, WindowVerdict

FEATURES_MOST, CELLS_MOST, BESIDE_MOST = 3, 2, 5
WINDOWS_MOST = 200
FEWEST_BEFORE = 5
"""With fewer windows before the change nobody knows what was usual."""
_SURPRISE = 4.0
"""Standard deviations of the windows before: with dozens of segments three would be chance."""
_DISTANCE = "distribution"


class Moved(NamedTuple):
    """The share of one cell, segment or class: as it is and as it was."""

    name: str
    now: float
    before: float


class FeatureChange(NamedTuple):
    """``what`` changed of it (its distribution, missing values, new categories, values of another kind), since the
    start of which window, in how many windows; ``cells`` moved most, where it is the distribution."""

    feature: str
    what: str
    since_s: float
    windows: int
    cells: tuple[Moved, ...]


class Explanation(NamedTuple):
    """``features`` are the worst first. ``segments`` and ``classes`` are those whose share of rows is none that the
    windows before had, ``rows`` and ``latency_s`` (p99) likewise, None where they are as usual. ``changes`` are those
    of the schema and version, from one window before on."""

    features: tuple[FeatureChange, ...]
    segments: tuple[Moved, ...]
    classes: tuple[Moved, ...]
    rows: Moved | None
    latency_s: Moved | None
    changes: tuple[SchemaChange, ...]
    standings: tuple[Standing, ...] = ()
    """The drifted features against further references."""


def explain(verdicts: Sequence[WindowVerdict], changes: Sequence[SchemaChange]) -> Explanation | None:
    """Explain the last of the verdicts, which are in order of time; None where it does not alarm."""
    if not verdicts or not verdicts[-1].reasons:
        return None
    verdicts = verdicts[-WINDOWS_MOST:]
    last = verdicts[-1]
    worst = sorted((one for one in last.features.values() if one.alarmed), key=_excess, reverse=True)
    features = tuple(_feature(one, verdicts) for one in worst[:FEATURES_MOST]) + _together(verdicts)
    since_s = min((one.since_s for one in features), default=last.start_s)
    before = [verdict for verdict in verdicts if verdict.start_s < since_s]
    return Explanation(
        features,
        _moved(_segments(last), [_segments(verdict) for verdict in before]),
        _moved(last.classes, [verdict.classes for verdict in before]),
        _level("rows", float(last.rows), [float(verdict.rows) for verdict in before]),
        _level("p99", last.latency_s.get("p99"), [one.latency_s["p99"] for one in before if "p99" in one.latency_s]),
        around(changes, since_s, last),
        standings(last),
    )


def around(changes: Iterable[SchemaChange], since_s: float, verdict: WindowVerdict) -> tuple[SchemaChange, ...]:
    """What changed from a window before ``since_s`` on to a verdict's end, the newest, in order of time."""
    first_s = since_s - (verdict.end_s - verdict.start_s)
    found = [one for one in changes if first_s <= one.time_s < verdict.end_s]
    return tuple(sorted(found, key=lambda one: one.time_s)[-BESIDE_MOST:])


def since(verdict: WindowVerdict) -> float:
    """Where what alarms begins, as the window alone has it."""
    incidents = verdict.decision.incidents if verdict.decision else ()
    return min((one.since_s for one in incidents), default=verdict.start_s)


def _signals(feature: FeatureVerdict) -> dict[str, float]:
    """Each thing that may alarm, as a share of its bound."""
    found = {
        "missing values": (feature.missing_ratio, feature.missing_threshold),
        "values of another kind": (feature.invalid_ratio, feature.invalid_threshold),
        "new categories": (feature.new_ratio, feature.new_threshold),
        _DISTANCE: (feature.score or 0.0, feature.threshold or 1.0),
    }
    return {name: value / bound if bound else float(value > 0) * 2 for name, (value, bound) in found.items()}


def _excess(feature: FeatureVerdict) -> float:
    return max(_signals(feature).values())


def _feature(feature: FeatureVerdict, verdicts: Sequence[WindowVerdict]) -> FeatureChange:
    signals = _signals(feature)
    what = max(signals, key=signals.__getitem__)
    told = [verdict for verdict in verdicts if feature.name in verdict.features]
    series = [_signals(verdict.features[feature.name])[what] for verdict in told]
    first = changepoint(series)
    cells = _cells(feature) if what == _DISTANCE else ()
    return FeatureChange(feature.name, what, told[first].start_s, len(told) - first, cells)


def _together(verdicts: Sequence[WindowVerdict]) -> tuple[FeatureChange, ...]:
    """The pairs that go together otherwise, since when the joint score is higher."""
    told = [(verdict, verdict.joint) for verdict in verdicts if verdict.joint is not None]
    if not told or verdicts[-1].joint is None or not verdicts[-1].joint.pairs:
        return ()
    first = changepoint([joint.score for _, joint in told])
    names = [f"{one} with {other}" for one, other, _ in verdicts[-1].joint.pairs]
    return tuple(FeatureChange(name, "dependence", told[first][0].start_s, len(told) - first, ()) for name in names)


def _cells(feature: FeatureVerdict) -> tuple[Moved, ...]:
    shares = feature.distribution
    found = [Moved(*one) for one in zip(shares.cells, shares.current, shares.reference, strict=True)]
    ranked = sorted(found, key=lambda one: -abs(one.now - one.before))[:CELLS_MOST]
    return tuple(one for one in ranked if one.now != one.before)


def _segments(verdict: WindowVerdict) -> dict[str, float]:
    """The share of each value in the rows that have the segment."""
    return {
        f"{segment} {value}": rows / max(sum(counts.values()), 1)
        for segment, counts in verdict.segments.items()
        for value, rows in counts.items()
    }


def _moved(now: dict[str, float], before: Sequence[dict[str, float]]) -> tuple[Moved, ...]:
    """Shares that surprise, those that moved most first."""
    names = sorted({*now, *(name for one in before for name in one)})
    told = (_level(name, now.get(name, 0.0), [one.get(name, 0.0) for one in before]) for name in names)
    found = [one for one in told if one is not None]
    return tuple(sorted(found, key=lambda one: -abs(one.now - one.before))[:BESIDE_MOST])


def _level(name: str, now: float | None, before: Sequence[float]) -> Moved | None:
    """A level outside all that was before, by several of its standard deviations."""
    if now is None or len(before) < FEWEST_BEFORE:
        return None
    mean, deviation = float(np.mean(before)), float(np.std(before, ddof=1))
    outside = not min(before) <= now <= max(before)
    return Moved(name, now, mean) if outside and abs(now - mean) > _SURPRISE * deviation else None
