"""Some records of a segment changed for good: the segment is written anew beside itself and takes its own place.

Every record keeps its position, so that nothing else has to know. Where records side by side are gone altogether, one
void takes their place, whose bytes go back to the disk.
"""

from collections.abc import Callable, Iterable

from tocsin_collector.journal.reading import JournalError, items
from tocsin_collector.journal.records import HEADER, VOID, Record
from tocsin_collector.journal.segment import Name, Place
from tocsin_collector.journal.stores import store_of

Change = Callable[[int, bytes], tuple[int, bytes] | None]
GONE = VOID, b""
"""What a change gives for a record of which nothing is left."""


def rewrite(name: Name, change: Change) -> int:
    """Give each record's type and payload to ``change`` and put what it returns in their place; None leaves it.

    Returns how many were changed. Raises JournalError, and changes nothing, when one would become longer; OSError.
    """
    places: list[Place] = []
    for found in items(name):
        made = change(found.type, found.payload) if isinstance(found, Record) else None
        if made is None:
            continue
        if len(made[1]) > found.end - found.start - HEADER.size:
            raise JournalError(
                f"{name.path}: the record at {name.base + found.start} has no room for what is left of it"
            )
        places.append(Place(found.start, found.end, *made))
    if places:
        store_of(name).rewrite(name, _merged(places))
    return len(places)


def _merged(places: Iterable[Place]) -> list[Place]:
    """Voids side by side as one."""
    merged: list[Place] = []
    for place in places:
        if merged and merged[-1].end == place.start and merged[-1].type == place.type == VOID:
            merged[-1] = merged[-1]._replace(end=place.end)
        else:
            merged.append(place)
    return merged
