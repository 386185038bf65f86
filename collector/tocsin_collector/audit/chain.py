"""One record of the audit log as a line, and what it must have to follow the record before it.

A line is the hash, a space, and a JSON document with the record's number in ``n``. The hash is the SHA-256 of the hash
before it and the document, so that a record can be changed, taken out or moved only by doing all after it anew.
"""

import hashlib
import json
from typing import Any, NamedTuple

FIRST = "0" * 64
"""The hash before the first record."""
MAX_TEXT = 512
"""Characters of each text of an entry; the rest is cut."""


class Entry(NamedTuple):
    """What is recorded: who (a key, a user), from which address, did what kind of thing, to what, and how it ended."""

    who: str
    address: str
    did: str
    what: str
    outcome: str


class Head(NamedTuple):
    """The end of a chain: how many records there are, and the hash of the last."""

    records: int = 0
    hash: str = FIRST


class BrokenError(Exception):
    """A line does not follow the one before it; the message says how."""


def line(head: Head, entry: Entry, time: str) -> tuple[bytes, Head]:
    """The line of the next record, with its line end, and the head after it."""
    texts = {name: text[:MAX_TEXT] for name, text in entry._asdict().items()}
    document = json.dumps({"n": head.records, "time": time} | texts).encode()
    found = _hash(head.hash, document)
    return found.encode() + b" " + document + b"\n", Head(head.records + 1, found)


def follow(head: Head, text: bytes) -> tuple[Head, dict[str, Any]]:
    """The head after a line, and its document. Raises BrokenError."""
    found, _, document = text.rstrip(b"\n").partition(b" ")
    try:
        said: dict[str, Any] = json.loads(document)
        number = said["n"]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise BrokenError("no record: it was cut or overwritten") from None
    if number != head.records:
        raise BrokenError(f"record {number!r:.40} stands where record {head.records} was: one was taken out or moved")
    if found.decode("ascii", "replace") != _hash(head.hash, document):
        raise BrokenError(f"record {number} was changed, or one before it")
    return Head(head.records + 1, _hash(head.hash, document)), said


def _hash(before: str, document: bytes) -> str:
    return hashlib.sha256(before.encode() + document).hexdigest()
