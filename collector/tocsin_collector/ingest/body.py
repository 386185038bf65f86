"""A request's body, read within bounds: at most so many bytes as sent, so many decompressed, and so much time."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, NamedTuple

from tocsin_collector.ingest.answer import Refusal
from tocsin_collector.ingest.compressed import DECODERS

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
    decode = DECODERS.get(encoding)
    if decode is None and encoding != b"identity":
        name = encoding.decode("latin-1")
        raise Refusal(415, "unknown_encoding", f"content-encoding {name!a:.60}: gzip, zstd or none is accepted")
    length = headers.get(b"content-length", b"0")
    if length.isdigit() and int(length[:20]) > limits.max_body_bytes:
        raise _too_large(limits)
    try:
        async with asyncio.timeout(limits.timeout_s):
            pieces = await _pieces(receive, limits)
    except TimeoutError:
        raise Refusal(408, "too_slow", f"the body did not arrive within {limits.timeout_s:g} s") from None
    if decode is not None:
        # In a thread: a few kilobytes may become 32 MiB, and the page and other requests go on.
        return await asyncio.to_thread(decode, pieces, limits.max_decompressed_bytes)
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


def _too_large(limits: Limits) -> Refusal:
    return Refusal(413, "too_large", f"more than {limits.max_body_bytes} bytes; send less in one request")
