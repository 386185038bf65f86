"""Labels and outcomes find their predictions by id, whichever of the two comes first."""

from collections import OrderedDict
from collections.abc import Iterable
from typing import NamedTuple

WAITING_MOST = 200_000
"""Ids of one model whose label may wait for its prediction; the oldest makes room and is counted."""


class Place(NamedTuple):
    """Where a prediction's row is kept."""

    version: str
    window: int
    row: int


class Late(NamedTuple):
    """A label (``name`` is empty) or a named outcome, with its own time in microseconds."""

    id: str
    name: str
    value: str | float
    time_us: int


class Join:
    """The ids of one model, over all its versions: a label does not know which version answered."""

    def __init__(self) -> None:
        self._places: dict[str, Place] = {}
        self._waiting: OrderedDict[str, dict[str, Late]] = OrderedDict()
        self.unmatched_total = 0

    def predicted(self, ids: Iterable[str], places: Iterable[Place]) -> list[tuple[Place, Late]]:
        """Remember where predictions are kept; returns what was waiting for them."""
        found: list[tuple[Place, Late]] = []
        for event_id, place in zip(ids, places, strict=True):
            self._places[event_id] = place
            found.extend((place, late) for late in self._waiting.pop(event_id, {}).values())
        return found

    def came(self, late: Late) -> Place | None:
        """Where a label or outcome belongs; None makes it wait."""
        place = self._places.get(late.id)
        if place is None:
            self._wait(late)
        return place

    def _wait(self, late: Late) -> None:
        book = self._waiting.setdefault(late.id, {})
        known = book.get(late.name)
        if known is None or known.time_us <= late.time_us:
            book[late.name] = late
        if len(self._waiting) > WAITING_MOST:
            self.unmatched_total += len(self._waiting.popitem(last=False)[1])

    def forget(self, ids: Iterable[str]) -> None:
        """Drop predictions whose time for labels is over."""
        for event_id in ids:
            self._places.pop(event_id, None)

    def expire(self, before_us: int) -> None:
        """Give up on what has waited since before a time of the event's own clock."""
        old = [
            event_id
            for event_id, book in self._waiting.items()
            if max(late.time_us for late in book.values()) < before_us
        ]
        for event_id in old:
            self.unmatched_total += len(self._waiting.pop(event_id))

    @property
    def waiting(self) -> int:
        """How many ids have a label or outcome that waits for their prediction."""
        return len(self._waiting)
