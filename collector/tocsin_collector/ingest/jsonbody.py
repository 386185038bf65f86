"""JSON bodies: an object, a list, or one object a line; good rows become drafts of blocks, bad ones reasons."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import count, repeat
from typing import NamedTuple

from pydantic_core import from_json

from tocsin_collector.ingest.answer import Refusal, Rejection
from tocsin_collector.ingest.drafts import Draft, Drafts, join, kinds_of
from tocsin_collector.ingest.events import Event, EventError, Repeated, read
from tocsin_collector.ingest.jsonsize import MAX_VALUES, too_many_values
from tocsin_collector.ingest.plain import Plain, plain
from tocsin_schema.block import Block

MAX_EVENTS = 20_000
MAX_BLOCKS = 1_000
"""Blocks that one body may become: each costs as much as hundreds of rows, and all who wait share that."""
_NESTED = (dict, list, Plain)


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
    found = document(body, now_us)
    events = found if isinstance(found, list) else [found]
    return collect(zip(count(), events, repeat(None)), len(events), now_us)


def document(body: bytes, now_us: int | None = None) -> object:
    """The value of a body that is one JSON document, as ``decoded`` gives it. Raises Refusal."""
    try:
        return decoded(body, now_us)
    except EventError as error:
        raise Refusal(413 if error.code == "too_many_values" else 400, error.code, error.reason) from None


def parse_ndjson(body: bytes, now_us: int) -> Parsed:
    """One JSON object a line; empty lines are skipped and count as rows. A bad line is a bad row and nothing else."""
    lines = body.split(b"\n")
    return collect(_lines(lines, now_us), sum(1 for line in lines if line.strip()), now_us)


def _lines(lines: list[bytes], now_us: int) -> Iterator[tuple[int, object, EventError | None]]:
    for row, line in enumerate(lines):
        if not line.strip():
            continue
        try:
            yield row, decoded(line, now_us), None
        except EventError as error:
            yield row, None, error


def decoded(raw: bytes, now_us: int | None = None) -> object:
    """The value of a JSON text. Raises EventError when it is none, or one of too many values.

    With the time of its receipt, a value, or each one of a list, that is a usual prediction becomes Plain: its names
    need not be counted then.
    """
    if too_many_values(raw):
        raise EventError("too_many_values", f"more than {MAX_VALUES} values in JSON; split them or send blocks")
    try:
        found = from_json(raw)
    except ValueError:
        return _decoded(raw)
    if now_us is not None:
        found = [_read(one, now_us) for one in found] if isinstance(found, list) else _read(found, now_us)
    return found if _quotes(raw) == 2 * _texts(found) else _decoded(raw)


def _decoded(raw: bytes) -> object:
    """By the standard library, which tells what is wrong."""
    try:
        return _DECODER.decode(raw.decode())
    except (ValueError, RecursionError) as error:
        raise EventError(*_malformed(error)) from None


def _read(value: object, now_us: int) -> object:
    return plain(value, now_us) or value


def _quotes(raw: bytes) -> int:
    """How many quotes are around the names and texts of a JSON text.

    pydantic's parser takes a third of the time of the standard library's, but of a name that stands twice in an object
    it keeps the last and says nothing. Then there are more quotes than around the names and texts that were kept.
    """
    if b"\\" not in raw:
        return raw.count(b'"')
    single = raw.replace(rb"\\", b"")  # now a backslash before a quote says that it is within a text
    return single.count(b'"') - single.count(rb"\"")


def _texts(value: object) -> int:
    """How many names and texts a JSON value has."""
    if isinstance(value, Plain):
        return value.texts
    if not isinstance(value, dict | list):
        return int(isinstance(value, str))
    names, inner = (len(value), value.values()) if isinstance(value, dict) else (0, value)
    types = list(map(type, inner))
    return names + types.count(str) + sum([_texts(one) for one in inner if type(one) in _NESTED])


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
            event, kinds = value[:2] if isinstance(value, Plain) else _careful(value, now_us)
        except EventError as fault:
            rejected.append(Rejection(row, fault.code, fault.reason))
            continue
        draft = join(drafts, [event], kinds)
        if draft not in rows and len(rows) == MAX_BLOCKS:
            rejected.append(Rejection(row, "too_many_kinds", _TOO_MANY_KINDS))
            continue
        rows.setdefault(draft, []).append(row)
    return Parsed(list(rows), list(rows.values()), rejected)


def _careful(value: object, now_us: int) -> tuple[Event, Mapping[str, str]]:
    event = read(value, now_us)
    return event, kinds_of(event)


def _pairs(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    return found if len(found) == len(pairs) else Repeated(found)


def _int(digits: str) -> int:
    """An integer; of one that Python does not read because it is too long, enough to be refused where it stands."""
    return int(digits[:1_000])


_DECODER = json.JSONDecoder(object_pairs_hook=_pairs, parse_int=_int)


def _malformed(error: ValueError | RecursionError) -> tuple[str, str]:
    if isinstance(error, RecursionError):
        return "too_deep", "the JSON is nested too deeply; an event needs three levels"
    if isinstance(error, UnicodeDecodeError):
        return "malformed_json", f"no UTF-8 at byte {error.start}"
    return "malformed_json", f"no JSON: {error}"[:200]
