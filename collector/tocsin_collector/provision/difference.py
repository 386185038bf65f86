"""What should be there against what is there: the steps from the one to the other. Pure.

The cases of an object, in their order: wanted and missing; there and not ours; ours and as wanted; ours and different,
but locked; ours and different; ours and no longer wanted; not ours and not wanted, which is named and left alone.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tocsin_collector.provision.stamp import Json, digest

CREATE, CHANGE, UNCHANGED, DELETE, KEEP, CONFLICT = "create", "change", "unchanged", "delete", "keep", "conflict"
BY_HAND, NEWER, BOTH = (
    "edited by hand",
    "tocsin's own has changed",
    "edited by hand, and tocsin's own has changed too",
)
_NAMED_PATHS = 4


@dataclass(frozen=True, slots=True)
class Item:
    """One object that should be there. ``body`` is compared; ``secret`` is written with it, never shown or compared."""

    kind: str
    key: str
    body: Any
    secret: Json = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Found:
    """One object that is there.

    ``now`` is the hash of its content where that is comparable as a whole, and ``stamp`` the hash it was written with;
    without ``now`` the values of ``body`` are compared that the wanted object sets. ``locked`` says why it cannot be
    written, ``settled`` why it is left although it differs, ``handle`` is what the server wants back at the write.
    """

    kind: str
    key: str
    owned: bool
    body: Any = None
    title: str = ""
    now: str = ""
    stamp: str = ""
    locked: str = ""
    settled: str = ""
    handle: Any = None


@dataclass(frozen=True, slots=True)
class Step:
    """What happens to one object, and why."""

    action: str
    kind: str
    key: str
    reason: str
    item: Item | None = None
    found: Found | None = None

    @property
    def name(self) -> str:
        """Key and title for people."""
        title = self.found.title if self.found else ""
        return f'{self.key} "{title}"' if title and title != self.key else self.key


def difference(desired: Sequence[Item], present: Iterable[Found]) -> list[Step]:
    """The steps, in the order of what is desired; what goes comes last, in the reverse order of ``present``."""
    there = {(found.kind, found.key): found for found in present}
    wanted = {(item.kind, item.key) for item in desired}
    steps = [_wanted(item, there.get((item.kind, item.key))) for item in desired]
    left = [found for key, found in there.items() if key not in wanted]
    return steps + [_unwanted(found) for found in reversed(left)]


def _wanted(item: Item, found: Found | None) -> Step:
    if found is None:
        return Step(CREATE, item.kind, item.key, "missing", item)
    action, reason = _compared(item, found)
    return Step(action, item.kind, item.key, reason, item, found)


def _compared(item: Item, found: Found) -> tuple[str, str]:
    if found.settled:
        return UNCHANGED, found.settled
    if not found.owned:
        return CONFLICT, found.locked or "there is one with this name that is not tocsin's: rename or remove it"
    reason = _reason(item, found)
    if not reason:
        return UNCHANGED, ""
    return (CONFLICT, f"{reason}, but {found.locked}") if found.locked else (CHANGE, reason)


def _reason(item: Item, found: Found) -> str:
    if not found.now:
        paths = differing(item.body, found.body)
        more = f" and {len(paths) - _NAMED_PATHS} more" if len(paths) > _NAMED_PATHS else ""
        return f"differs in {', '.join(paths[:_NAMED_PATHS])}{more}" if paths else ""
    wanted = digest(item.body)
    if found.now == wanted:
        return ""
    if found.stamp == wanted or not found.stamp:
        return BY_HAND
    return NEWER if found.stamp == found.now else BOTH


def _unwanted(found: Found) -> Step:
    if not found.owned:
        return Step(KEEP, found.kind, found.key, "not tocsin's", None, found)
    if found.locked:
        return Step(KEEP, found.kind, found.key, f"no longer wanted, but {found.locked}", None, found)
    return Step(DELETE, found.kind, found.key, "no longer wanted", None, found)


def differing(wanted: Any, there: Any, path: str = "") -> list[str]:
    """Where ``there`` is not as ``wanted`` says; what a server adds to an object does not count."""
    if isinstance(wanted, dict) and isinstance(there, dict):
        parts = [
            differing(value, there.get(name), f"{path}.{name}" if path else name) for name, value in wanted.items()
        ]
        return [found for part in parts for found in part]
    if isinstance(wanted, list) and isinstance(there, list) and len(wanted) == len(there):
        parts = [differing(*pair, f"{path}[{at}]") for at, pair in enumerate(zip(wanted, there, strict=True))]
        return [found for part in parts for found in part]
    return [] if wanted == there else [path]
