"""A bad input by name, and what it is told."""

import json
from typing import Any, NamedTuple

from tests.collector.ingest.blocks import NOW_S

NOW = "2026-11-18T10:00:00Z"
assert NOW_S == 1_795_000_000.0


class Case(NamedTuple):
    """``code`` is the first code of the answer; ``accepted`` the rows that are kept beside what is bad."""

    name: str
    body: bytes
    media_type: str
    code: str
    status: int = 400
    accepted: int = 0
    path: str = "/v1/events"
    query: bytes = b""
    headers: dict[str, str] = {}  # noqa: RUF012 - nobody writes to it


def text(value: Any) -> bytes:
    """JSON as UTF-8."""
    return json.dumps(value).encode()


def event(**more: Any) -> dict[str, Any]:
    """A good prediction but for what is given; fields that are ``...`` are left out."""
    fields = {"type": "prediction", "model": "m", "id": "bad", "prediction": 1, "features": {"x": 1}} | more
    return {name: value for name, value in fields.items() if value is not ...}


def good(name: str) -> dict[str, Any]:
    """A good prediction of this id."""
    return event(id=f"good {name}")
