"""The headers of every answer: what a browser may do with it, unless the page itself or ``web.yml`` says otherwise."""

from collections.abc import Iterable, Mapping
from functools import lru_cache

from starlette.types import Message, Send

Header = tuple[bytes, bytes]
DEFAULTS = {
    b"x-content-type-options": b"nosniff",
    b"x-frame-options": b"DENY",
    b"referrer-policy": b"no-referrer",
    b"cross-origin-resource-policy": b"same-origin",
    b"content-security-policy": b"default-src 'none'; frame-ancestors 'none'",
    b"cache-control": b"no-store",
}


def headed(send: Send, more: Mapping[str, str]) -> Send:
    """``send`` with the headers."""

    async def told(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = headers(message.get("headers", ()), more.items())
        await send(message)

    return told


def in_text(more: Mapping[str, str]) -> dict[str, str]:
    """The headers of an answer that has none of its own: those of ``more``, and ours beside them."""
    return {name.decode(): value.decode() for name, value in DEFAULTS.items()} | {
        name.lower(): value for name, value in more.items()
    }


def headers(own: Iterable[Header], more: Iterable[tuple[str, str]]) -> tuple[Header, ...]:
    """All headers of an answer: those of ``more`` before its own, and these before ours."""
    wanted = {name.lower().encode(): value.encode() for name, value in more}
    kept = [header for header in own if header[0].lower() not in wanted]
    there = {name.lower() for name, _ in kept}
    ours = {name: value for name, value in DEFAULTS.items() if name not in there and name not in wanted}
    return (*kept, *wanted.items(), *ours.items())


known_headers = lru_cache(64)(headers)
"""For answers whose own headers come again and again."""
