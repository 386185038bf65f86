"""A request's body, read within bounds: at most so many bytes as sent, so many after gzip, and so much time."""

import asyncio
import zlib
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, NamedTuple

from tocsin_collector.ingest.answer import Refusal

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]


class Limits(NamedTuple):
    """Bounds of a body."""

    max_body_bytes: int = 16 << 20
    max_decompressed_bytes: int = 32 << 20
    timeout_s: float = 30.0


class Disconnected(Exception):  # noqa: N818 - nobody is left to be told
    """The client went away before its body was complete."""


async def read_body(receive: Receive, headers: dict[bytes, bytes], limits: Limits) -> bytes:
    """The body after content-encoding. Raises Refusal 400, 408, 413 or 415, or Disconnected."""
    encoding = headers.get(b"content-encoding", b"identity").strip().lower()
    if encoding not in (b"identity", b"gzip"):
        raise Refusal(415, "unknown_encoding", f"content-encoding {encoding!a:.60}: gzip or none is accepted")
    length = headers.get(b"content-length", b"0")
    if length.isdigit() and int(length[:20]) > limits.max_body_bytes:
        raise _too_large(limits)
    try:
        async with asyncio.timeout(limits.timeout_s):
            pieces = await _pieces(receive, limits)
    except TimeoutError:
        raise Refusal(408, "too_slow", f"the body did not arrive within {limits.timeout_s:g} s") from None
    if encoding == b"gzip":
        return gunzip(pieces, limits.max_decompressed_bytes)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


async def _pieces(receive: Receive, limits: Limits) -> list[bytes]:
    pieces: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        piece = message.get("body", b"")
        size += len(piece)
        if size > limits.max_body_bytes:
            raise _too_large(limits)
        pieces.append(piece)
        if not message.get("more_body", False):
            return pieces


def gunzip(pieces: list[bytes], most: int) -> bytes:
    """Decompress gzip, one member or several, but never to more than ``most`` bytes."""
    found: list[bytes] = []
    left = most
    decoder = zlib.decompressobj(wbits=31)
    begun = False
    for piece in pieces:
        while piece:
            if decoder.eof:
                decoder = zlib.decompressobj(wbits=31)
            begun = True
            try:
                chunk = decoder.decompress(piece, left + 1)
            except zlib.error as error:
                raise Refusal(400, "malformed_gzip", f"the body is no gzip: {error}") from None
            left -= len(chunk)
            if left < 0:
                raise Refusal(413, "too_large", f"more than {most} bytes after gzip; send less in one request")
            found.append(chunk)
            piece = decoder.unused_data if decoder.eof else decoder.unconsumed_tail  # noqa: PLW2901 - what is left
    if not begun or not decoder.eof:
        raise Refusal(400, "malformed_gzip", "the gzip data ends too early")
    return b"".join(found)


def _too_large(limits: Limits) -> Refusal:
    return Refusal(413, "too_large", f"more than {limits.max_body_bytes} bytes; send less in one request")
