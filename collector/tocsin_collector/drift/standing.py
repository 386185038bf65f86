"""How what has drifted stands against further references: is it new, or known from the training set, or from last week?

Nothing alarms by them, so they say neither that it is right nor that it is wrong.
"""

from collections.abc import Iterable
from typing import NamedTuple

from tocsin_collector.verdict import Beside, FeatureVerdict, WindowVerdict

NAMED_MOST = 3


class Standing(NamedTuple):
    """Features against one reference: those further from it than usual, those that are as there, and those of which too
    few rows or windows tell neither. ``drifted`` of its ``windows`` had drifted themselves."""

    reference: str
    rows: int
    windows: int
    drifted: int
    unlike: tuple[str, ...]
    alike: tuple[str, ...]
    unclear: tuple[str, ...]


def standings(verdict: WindowVerdict) -> tuple[Standing, ...]:
    """The features whose values alarm against each further reference; none where none does. Of missing values these
    references say nothing: one that alarms by those alone may have the other values of ever."""
    wanted = [one.name for one in verdict.features.values() if len(one.reasons) > _is_missing(one)]
    return tuple(_standing(one, wanted) for one in verdict.beside) if wanted else ()


def told(one: Standing) -> str:
    """It in words: ``age unlike training; city as in training``."""
    parts = (
        (one.unlike, f"unlike {one.reference}"),
        (one.alike, f"as in {one.reference}"),
        (one.unclear, f"not told apart from {one.reference} by so little"),
    )
    text = "; ".join(f"{_some(names)} {what}" for names, what in parts if names)
    if not one.drifted:
        return text
    whose = f"{one.drifted} of its {one.windows} windows" if one.windows > 1 else "it"
    return f"{text} ({whose} had drifted too)"


def _is_missing(one: FeatureVerdict) -> bool:
    return one.missing_ratio > one.missing_threshold


def _standing(beside: Beside, wanted: Iterable[str]) -> Standing:
    unlike, alike, unclear = list[str](), list[str](), list[str]()
    for name in wanted:
        found = beside.features.get(name)
        (unclear if found is None else unlike if found.beyond else alike if found.alike else unclear).append(name)
    return Standing(*beside[:4], tuple(unlike), tuple(alike), tuple(unclear))


def _some(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - NAMED_MOST} more" if len(names) > NAMED_MOST else ""
    return ", ".join(names[:NAMED_MOST]) + more
