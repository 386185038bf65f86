"""JSON bodies: an object, a list, or one object a line; good rows become blocks, bad ones reasons.

Rows of one model version share a block as long as each field keeps its kind: a feature that is a number in one row
and a text in the next must not turn the number into a text. A field that is null in all rows of a block is left out
of it.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from tocsin_collector.ingest.answer import Refusal, Rejection
from tocsin_collector.ingest.events import Event, EventError, Repeated, read
from tocsin_collector.ingest.headroom import fitted, names_fit
from tocsin_collector.ingest.jsonsize import MAX_VALUES, too_many_values
from tocsin_schema.block import Block, Column, column

MAX_EVENTS = 20_000
NO_PRODUCER = "0" * 32
"""The producer of blocks that were made from JSON: such rows are told apart by their ids alone."""


class Parsed(NamedTuple):
    """The blocks of a body, the row numbers of each block's events, and the rows that were refused.

    ``raw`` has the bytes of the one block that a binary body is.
    """

    blocks: list[Block]
    rows: Sequence[Sequence[int]]
    rejected: list[Rejection]
    raw: bytes | None = None


def parse_json(body: bytes, now_us: int) -> Parsed:
    """One JSON document: an object is one event, a list many. Raises Refusal when it is no JSON."""
    found = document(body)
    events = found if isinstance(found, list) else [found]
    return collect(((row, event, None) for row, event in enumerate(events)), len(events), now_us)


def document(body: bytes) -> object:
    """The value of a body that is one JSON document. Raises Refusal."""
    try:
        return decoded(body)
    except EventError as error:
        raise Refusal(413 if error.code == "too_many_values" else 400, error.code, error.reason) from None


def parse_ndjson(body: bytes, now_us: int) -> Parsed:
    """One JSON object a line; empty lines are skipped and count as rows. A bad line is a bad row and nothing else."""
    lines = body.split(b"\n")
    return collect(_lines(lines), sum(1 for line in lines if line.strip()), now_us)


def _lines(lines: list[bytes]) -> Iterator[tuple[int, object, EventError | None]]:
    for row, line in enumerate(lines):
        if not line.strip():
            continue
        try:
            yield row, decoded(line), None
        except EventError as error:
            yield row, None, error


def decoded(raw: bytes) -> object:
    """The value of a JSON text. Raises EventError when it is none, or one of too many values."""
    if too_many_values(raw):
        raise EventError("too_many_values", f"more than {MAX_VALUES} values in JSON; split them or send blocks")
    try:
        return _DECODER.decode(raw.decode())
    except (ValueError, RecursionError) as error:
        raise EventError(*_malformed(error)) from None


def collect(items: Iterable[tuple[int, object, EventError | None]], count: int, now_us: int) -> Parsed:
    """The blocks of decoded events, each with its row or why it is none. Raises Refusal for none or too many."""
    if count == 0:
        raise Refusal(400, "no_events", "the body holds no event")
    if count > MAX_EVENTS:
        raise Refusal(
            413, "too_many_events", f"{count} events in JSON, at most {MAX_EVENTS}; split them or send blocks"
        )
    groups: dict[tuple[str, str, str, str], list[_Group]] = {}
    rejected: list[Rejection] = []
    for row, value, error in items:
        try:
            if error is not None:
                raise error
            event = read(value, now_us)
        except EventError as fault:
            rejected.append(Rejection(row, fault.code, fault.reason))
            continue
        _group_of(groups.setdefault(event[:4], []), event).add(row, event)
    found = [group for same in groups.values() for group in same]
    return Parsed([group.block() for group in found], [group.rows for group in found], rejected)


class _Group:
    """Events that share a block."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.rows: list[int] = []
        self.kinds: dict[str, str] = {}

    def takes(self, kinds: dict[str, str]) -> bool:
        return all(self.kinds.get(name, kind) == kind for name, kind in kinds.items()) and (
            kinds.keys() <= self.kinds.keys() or names_fit(self.kinds.keys() | kinds.keys())
        )

    def add(self, row: int, event: Event) -> None:
        self.events.append(event)
        self.rows.append(row)
        self.kinds.update(_kinds(event))

    def block(self) -> Block:
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


_NEWEST_GROUPS = 8  # more kinds than these mixed in one body only cost a block each, never a quadratic search


def _group_of(groups: list[_Group], event: Event) -> _Group:
    kinds = _kinds(event)
    for group in groups[-_NEWEST_GROUPS:]:
        if group.takes(kinds):
            return group
    groups.append(_Group())
    return groups[-1]


def _kinds(event: Event) -> dict[str, str]:
    return {name: _KIND[type(value)] for name, value in event.columns.items() if value is not None}


_KIND: dict[type, str] = {bool: "bool", int: "number", float: "number", str: "text"}


def _pairs(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    return found if len(found) == len(pairs) else Repeated(found)


_DECODER = json.JSONDecoder(object_pairs_hook=_pairs)


def _malformed(error: ValueError | RecursionError) -> tuple[str, str]:
    if isinstance(error, RecursionError):
        return "too_deep", "the JSON is nested too deeply; an event needs three levels"
    if isinstance(error, UnicodeDecodeError):
        return "malformed_json", f"no UTF-8 at byte {error.start}"
    return "malformed_json", f"no JSON: {error}"[:200]
