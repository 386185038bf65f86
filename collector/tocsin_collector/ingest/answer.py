"""What a sender is told: how many rows were taken, how many were known, which were refused and why."""

import json
from typing import NamedTuple

from starlette.types import Send

JSON = (b"content-type", b"application/json")
_ENCODER = json.JSONEncoder(separators=(",", ":"))  # json.dumps would make one for each answer
_TAKEN = b'{"accepted":%d,"duplicate":%d,"rejected":[],"rejected_count":0,"position":"%b"}'
LISTED = 100
"""At most this many refused rows are listed in an answer; ``rejected_count`` has them all."""


class Reply(NamedTuple):
    """An answer as HTTP has it."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    """All but the length of the body."""
    body: bytes

    async def give(self, send: Send) -> None:
        """Answer an ASGI request with it."""
        headers = [*self.headers, (b"content-length", b"%d" % len(self.body))]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.body})


class Rejection(NamedTuple):
    """One refused row. ``row`` counts from 0 in the order of the body; None means the body as a whole.

    ``code`` is stable snake_case for programs, ``reason`` a sentence for people.
    """

    row: int | None
    code: str
    reason: str


class Answer(NamedTuple):
    """The outcome of one request. ``position`` is the journal's position once all of it is durable."""

    accepted: int
    duplicate: int
    rejected: list[Rejection]
    position: str

    @property
    def status(self) -> int:
        """The HTTP status: 400 when every row was refused, else 200."""
        return 400 if self.rejected and not self.accepted and not self.duplicate else 200

    def to_json(self) -> bytes:
        """The body of the answer."""
        if not self.rejected:
            return _TAKEN % (self.accepted, self.duplicate, self.position.encode())
        rejected = [rejection._asdict() for rejection in sorted(self.rejected[:LISTED], key=lambda item: item.row or 0)]
        document = {
            "accepted": self.accepted,
            "duplicate": self.duplicate,
            "rejected": rejected,
            "rejected_count": len(self.rejected),
            "position": self.position,
        }
        return _ENCODER.encode(document).encode()


class Refusal(Exception):  # noqa: N818 - not a fault of the program: what a sender gets to read
    """A whole request is refused, with its HTTP status; ``retry_after_s`` is when it may come again, 0 unknown."""

    def __init__(self, status: int, code: str, reason: str, retry_after_s: int = 0) -> None:
        super().__init__(reason)
        self.retry_after_s = retry_after_s
        self.status = status
        self.code = code
        self.reason = reason

    def answer(self) -> Answer:
        """The refusal in the form of every other answer."""
        return Answer(0, 0, [Rejection(None, self.code, self.reason)], "")
