"""How much memory the bodies of all requests together may take: a thousand clients that each send as much as one may
would be sixteen gigabytes."""

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BYTES = 128 << 20


class Bodies:
    """The bytes of all bodies under way; those of a request are given back when its answer is out."""

    def __init__(self, most: int = MAX_BYTES) -> None:
        self.most = most
        self.held = 0

    def keep(self, size_bytes: int) -> bool:
        """Count a body that is there, where there is room for it; the caller takes it from ``held`` again."""
        if self.held + size_bytes > self.most:
            return False
        self.held += size_bytes
        return True

    async def through(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> bool:
        """Run a request. False when it found no room: its application was told that the client has gone, and whatever
        it answered to that was kept back, so that another answer can be sent."""
        size, full = 0, False

        async def received() -> Message:
            nonlocal size, full
            message = await receive()
            piece = len(message.get("body", b""))
            full = full or self.held + piece > self.most
            if full:
                return {"type": "http.disconnect"}
            size, self.held = size + piece, self.held + piece
            return message

        async def sent(message: Message) -> None:
            if not full:
                await send(message)

        try:
            await app(scope, received, sent)
        except ClientDisconnect:
            if not full:
                raise
        finally:
            self.held -= size
        return not full
