"""JSON bodies: an object, a list, or one object a line; good rows become drafts of blocks, bad ones reasons."""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import NamedTuple

from pydantic_core import from_json

from tocsin_collector.ingest.answer import Refusal, Rejection
from tocsin_collector.ingest.drafts import Draft, Drafts, join, kinds_of
from tocsin_collector.ingest.events import EventError, Repeated, read
from tocsin_collector.ingest.jsonsize import MAX_VALUES, too_many_values
from tocsin_schema.block import Block

MAX_EVENTS = 20_000
MAX_BLOCKS = 1_000
"""Blocks that one body may become: each costs as much as hundreds of rows, and all who wait share that."""


class Parsed(NamedTuple):
    """The blocks of a body or their drafts, the row numbers of each one's events, and the rows that were refused.

    ``raw`` has the bytes of the one block that a binary body is.
    """

    blocks: Sequence[Block | Draft]
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
    with suppress(ValueError):
        found = from_json(raw)
        if not _may_repeat(raw, found):
            return found
    try:
        return _DECODER.decode(raw.decode())
    except (ValueError, RecursionError) as error:
        raise EventError(*_malformed(error)) from None


def _may_repeat(raw: bytes, found: object) -> bool:
    """Whether a name may stand twice in an object of a text: pydantic's parser, which takes a third of the time, keeps
    the last one and says nothing.

    Without the spaces, each name in a text ends in a quote and a colon. There may be more of these (in the values) than
    names, never fewer: when there are as many as names that were kept, every name was.
    """
    return raw.translate(None, b" \t\r\n").count(b'":') != _names(found)


def _names(value: object) -> int:
    if isinstance(value, dict):
        return len(value) + sum([_names(inner) for inner in value.values() if type(inner) in _NESTED])
    return sum(map(_names, value)) if isinstance(value, list) else 0


_TOO_MANY_KINDS = (
    f"{MAX_BLOCKS} model versions, or features of other kinds, are in this body already; send the others in another one"
)


def collect(items: Iterable[tuple[int, object, EventError | None]], count: int, now_us: int) -> Parsed:
    """The drafts of decoded events, each with its row or why it is none. Raises Refusal for none or too many."""
    if count == 0:
        raise Refusal(400, "no_events", "the body holds no event")
    if count > MAX_EVENTS:
        raise Refusal(
            413, "too_many_events", f"{count} events in JSON, at most {MAX_EVENTS}; split them or send blocks"
        )
    drafts: Drafts = {}
    rows: dict[Draft, list[int]] = {}
    rejected: list[Rejection] = []
    for row, value, error in items:
        try:
            if error is not None:
                raise error
            event = read(value, now_us)
        except EventError as fault:
            rejected.append(Rejection(row, fault.code, fault.reason))
            continue
        draft = join(drafts, [event], kinds_of(event))
        if draft not in rows and len(rows) == MAX_BLOCKS:
            rejected.append(Rejection(row, "too_many_kinds", _TOO_MANY_KINDS))
            continue
        rows.setdefault(draft, []).append(row)
    return Parsed(list(rows), list(rows.values()), rejected)


def _pairs(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    return found if len(found) == len(pairs) else Repeated(found)


def _int(digits: str) -> int:
    """An integer; of one that Python does not read because it is too long, enough to be refused where it stands."""
    return int(digits[:1_000])


_NESTED = (dict, list)
_DECODER = json.JSONDecoder(object_pairs_hook=_pairs, parse_int=_int)


def _malformed(error: ValueError | RecursionError) -> tuple[str, str]:
    if isinstance(error, RecursionError):
        return "too_deep", "the JSON is nested too deeply; an event needs three levels"
    if isinstance(error, UnicodeDecodeError):
        return "malformed_json", f"no UTF-8 at byte {error.start}"
    return "malformed_json", f"no JSON: {error}"[:200]
