"""The headers of every answer: what a browser may do with it, unless the page itself or ``web.yml`` says otherwise."""

from collections.abc import Mapping

from starlette.types import Message, Send

DEFAULTS = {
    b"x-content-type-options": b"nosniff",
    b"x-frame-options": b"DENY",
    b"referrer-policy": b"no-referrer",
    b"cross-origin-resource-policy": b"same-origin",
    b"content-security-policy": b"default-src 'none'; frame-ancestors 'none'",
    b"cache-control": b"no-store",
}


def headed(send: Send, more: Mapping[str, str]) -> Send:
    """``send`` with the headers: those of ``more`` before those of the answer, and these before our own."""
    wanted = {name.lower().encode(): value.encode() for name, value in more.items()}

    async def told(message: Message) -> None:
        if message["type"] == "http.response.start":
            own = [header for header in message.get("headers", ()) if header[0].lower() not in wanted]
            there = {name.lower() for name, _ in own}
            ours = {name: value for name, value in DEFAULTS.items() if name not in there and name not in wanted}
            message["headers"] = [*own, *wanted.items(), *ours.items()]
        await send(message)

    return told


def in_text(more: Mapping[str, str]) -> dict[str, str]:
    """The headers of an answer that has none of its own: those of ``more``, and ours beside them."""
    return {name.decode(): value.decode() for name, value in DEFAULTS.items()} | {
        name.lower(): value for name, value in more.items()
    }
