"""Blocks that are not made yet: checked events, which others of the same model version may still join.

Events share a block as long as each field keeps its kind: a feature that is a number in one row and a text in the next
must not turn the number into a text. A field that is null in all rows of a block is left out of it.
"""

from array import array
from collections.abc import Mapping
from functools import lru_cache

from tocsin_collector.ingest.events import Event
from tocsin_collector.ingest.headroom import fitted, names_fit
from tocsin_schema.block import Block, Column, column, vectors

NO_PRODUCER = "0" * 32
"""The producer of blocks that the collector makes itself: such rows are told apart by their ids alone."""
_NEWEST = 8  # more kinds than these mixed in one body only cost a block each, never a quadratic search
KINDS: dict[type, str] = {bool: "bool", int: "number", float: "number", str: "text"}


class Draft:
    """Events of one type and model version, and the kinds of their fields."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.kinds: Mapping[str, str] = {}

    @property
    def type(self) -> str:
        """Prediction, label or outcome."""
        return self.events[0].type

    @property
    def project(self) -> str:
        """Whose events they are."""
        return self.events[0].project

    @property
    def model(self) -> str:
        """Which model they are of."""
        return self.events[0].model

    @property
    def version(self) -> str:
        """Which version of it."""
        return self.events[0].version

    @property
    def rows(self) -> int:
        """How many events."""
        return len(self.events)

    def takes(self, kinds: Mapping[str, str]) -> bool:
        """Whether events with fields of these kinds can join."""
        if kinds is self.kinds or kinds == self.kinds:
            return True
        return all(self.kinds.get(name, kind) == kind for name, kind in kinds.items()) and (
            kinds.keys() <= self.kinds.keys() or names_fit(self.kinds.keys() | kinds.keys())
        )

    def add(self, events: list[Event], kinds: Mapping[str, str]) -> None:
        """Take some events in, as the last rows."""
        self.events += events
        if kinds is not self.kinds:  # which the events of one form share
            self.kinds = {**self.kinds, **kinds} if self.kinds else kinds

    def block(self) -> Block:
        """The block of all of them."""
        first = self.events[0]
        columns = [
            column("time", [event.time_us for event in self.events], "time"),
            column("id", [event.id for event in self.events], "str"),
            *(self._column(name) for name in self.kinds),
        ]
        return Block(
            first.type,
            project=first.project,
            model=first.model,
            version=first.version,
            rows=len(self.events),
            producer=NO_PRODUCER,
            sequence=0,
            columns={item.name: item for item in fitted(columns)},
        )

    def _column(self, name: str) -> Column:
        return column(name, [event.columns.get(name) for event in self.events])


Drafts = dict[tuple[str, str, str, str], list[Draft]]
"""By type, project, model and version."""


def join(drafts: Drafts, events: list[Event], kinds: Mapping[str, str]) -> Draft:
    """Add events of one model version to a draft that takes them, a new one if there is none; gives that draft."""
    same = drafts.setdefault(events[0][:4], [])
    draft = next((draft for draft in same[-_NEWEST:] if draft.takes(kinds)), None)
    if draft is None:
        draft = Draft()
        same.append(draft)
    draft.add(events, kinds)
    return draft


def kinds_of(event: Event) -> dict[str, str]:
    """The kinds of the fields that an event has."""
    names, types = tuple(event.columns), tuple(map(type, event.columns.values()))
    kinds = (_known_kinds if sum(map(len, names)) <= _KNOWN_CHARS else _kinds)(names, types)
    if array not in types:
        return kinds
    embedded = {name: value for name, value in event.columns.items() if isinstance(value, array)}
    return kinds | {name: vectors(len(value)) for name, value in embedded.items()}


def _kinds(names: tuple[str, ...], types: tuple[type, ...]) -> dict[str, str]:
    return {name: KINDS[type] for name, type in zip(names, types, strict=True) if type in KINDS}


_known_kinds = lru_cache(256)(_kinds)  # the same names and types come again with each event
_KNOWN_CHARS = 16_384
