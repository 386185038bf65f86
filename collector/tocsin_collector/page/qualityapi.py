"""Quality over many windows as JSON: what their labels say together."""

from collections.abc import Sequence
from itertools import islice

import numpy as np

from tocsin_collector.logs.route import rfc3339
from tocsin_collector.quality.outcomes import summary as outcomes
from tocsin_collector.quality.summary import summary
from tocsin_collector.quality.versions import compare_versions
from tocsin_collector.verdict import ModelView, WindowVerdict


def quality(views: Sequence[ModelView], windows: int) -> dict[str, object]:
    """The newest mature windows of each version, at most so many, added up."""
    return {"versions": [_version(view, newest(view, windows), windows) for view in views]}


def newest(view: ModelView, windows: int) -> list[WindowVerdict]:
    """The newest windows whose labels have come, oldest first."""
    mature = (verdict for verdict in reversed(view.verdicts) if verdict.quality and verdict.quality.mature)
    return list(islice(mature, windows))[::-1]


def _version(view: ModelView, used: Sequence[WindowVerdict], windows: int) -> dict[str, object]:
    return {
        "version": view.key.version,
        "start": rfc3339(used[0].start_s) if used else None,
        "end": rfc3339(used[-1].end_s) if used else None,
        "summary": plain(summary(verdict.quality for verdict in used if verdict.quality)),
        "outcomes": plain(outcomes(view.verdicts[-windows:])),
        "remarks": list(used[-1].quality.remarks) if used and used[-1].quality else [],
    }


def comparison(views: Sequence[ModelView], first: str | None, second: str | None) -> dict[str, object] | None:
    """Two versions against each other; without names the newest and the one before it. None where one is missing."""
    pair = versions(views, first, second)
    if pair is None:
        return None
    found = compare_versions(pair[0].verdicts, pair[1].verdicts)
    return {
        "first": pair[0].key.version,
        "second": pair[1].key.version,
        "scores": {
            name: {
                "first": plain(one.comparison.first),
                "second": plain(one.comparison.second),
                "difference": plain(one.comparison.difference),
                "decided": None if one.decided_s is None else rfc3339(one.decided_s),
            }
            for name, one in found.items()
        },
    }


def versions(views: Sequence[ModelView], first: str | None, second: str | None) -> tuple[ModelView, ModelView] | None:
    """The two that are compared: where they are not named, the newest by first event, and that one's neighbour."""
    ordered = by_age(views)
    by_name = {view.key.version: view for view in ordered}
    newest_first = [view for view in reversed(ordered) if view.key.version != first]
    two = by_name.get(second) if second is not None else next(iter(newest_first), None)
    one = by_name.get(first) if first is not None else two and neighbour(ordered, two)
    return (one, two) if one and two and one is not two else None


def by_age(views: Sequence[ModelView]) -> list[ModelView]:
    """The versions by their first events, the oldest first."""
    return sorted(views, key=lambda view: (view.first_event_s or 0.0, view.key.version))


def neighbour(ordered: Sequence[ModelView], view: ModelView) -> ModelView | None:
    """The version before it, or after it where it is the oldest."""
    place = [one.key for one in ordered].index(view.key)
    return ordered[place - 1] if place else ordered[1] if len(ordered) > 1 else None


def plain(value: object) -> object:
    """Named tuples as objects, numbers that JSON has: no NaN, no infinity."""
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        value = value._asdict()
    if isinstance(value, dict):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, tuple | list):
        return [plain(one) for one in value]
    if isinstance(value, float):
        return value if abs(value) < float("inf") else None
    return value
