"""Quality over many windows as JSON: what their labels say together."""

from collections.abc import Sequence
from itertools import islice

import numpy as np

from tocsin_collector.logs.route import rfc3339
from tocsin_collector.quality.summary import summary
from tocsin_collector.verdict import ModelView, WindowVerdict


def quality(views: Sequence[ModelView], windows: int) -> dict[str, object]:
    """The newest mature windows of each version, at most so many, added up."""
    return {"versions": [_version(view, newest(view, windows)) for view in views]}


def newest(view: ModelView, windows: int) -> list[WindowVerdict]:
    """The newest windows whose labels have come, oldest first."""
    mature = (verdict for verdict in reversed(view.verdicts) if verdict.quality and verdict.quality.mature)
    return list(islice(mature, windows))[::-1]


def _version(view: ModelView, used: Sequence[WindowVerdict]) -> dict[str, object]:
    return {
        "version": view.key.version,
        "start": rfc3339(used[0].start_s) if used else None,
        "end": rfc3339(used[-1].end_s) if used else None,
        "summary": plain(summary(verdict.quality for verdict in used if verdict.quality)),
        "remarks": list(used[-1].quality.remarks) if used and used[-1].quality else [],
    }


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
