"""TLS between the bytes of a socket and those of a client: no socket in here. ``ssl`` is for those who configure it."""

import ssl

from tocsin_schema.web.names import MISSING, named

READ = 65_536


class Refused(Exception):  # noqa: N818 (it names what becomes of the client)
    """The client cannot be served under TLS; ``plain`` is what it gets to read, b"" for nothing."""

    def __init__(self, reason: str, plain: bytes = b"") -> None:
        super().__init__(reason)
        self.plain = plain


NOT_ENCRYPTED = b"Client sent an HTTP request to an HTTPS server.\n"
_PLAIN = (
    b"HTTP/1.0 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n" + NOT_ENCRYPTED
)


class Channel:
    """The TLS of one connection. ``allowed`` are the names of which a client's certificate must have one, if any."""

    __slots__ = ("_allowed", "_in", "_out", "_tls", "ended", "ready")

    def __init__(self, context: ssl.SSLContext, allowed: frozenset[str] = frozenset()) -> None:
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._in, self._out, server_side=True)
        self._allowed = allowed
        self.ready = False
        """Whether the handshake is over."""
        self.ended = False
        """Whether the client has said that nothing more comes."""

    def opened(self, data: bytes) -> bytes:
        """What bytes from the socket say. Raises Refused."""
        self._in.write(data)
        parts = []
        try:
            if not self.ready:
                self._tls.do_handshake()
                if not named(self._tls.getpeercert(), self._allowed):
                    raise Refused(MISSING)
                self.ready = True
            while part := self._tls.read(READ):
                parts.append(part)
            self.ended = True
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            self.ended = True
        except ssl.SSLError as error:
            plain = not self.ready and error.reason == "HTTP_REQUEST"
            raise Refused(error.reason or str(error), _PLAIN if plain else self._out.read()) from None
        return b"".join(parts)

    def sealed(self, data: bytes) -> bytes:
        """Bytes for the socket: what the handshake has to say, and data."""
        if data:
            self._tls.write(data)
        return self._out.read()

    def closed(self) -> bytes:
        """The last bytes for the socket: they tell the client that the answer was not cut."""
        try:
            self._tls.unwrap()
        except ssl.SSLError:
            pass  # it waits for the client to say the same: we do not
        return self._out.read()
