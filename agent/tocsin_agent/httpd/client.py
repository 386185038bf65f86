"""One client's connection: bytes in, requests out, bytes to send. No socket, no clock: the server brings both."""

from tocsin_agent.httpd.request import MAX_HEAD_BYTES, BadRequest, Request, check_start, parse
from tocsin_agent.httpd.response import CONTINUE

# The phases of a connection, each with the seconds that a client has for it:
# 0. HANDSHAKE of a connection under TLS: nothing can be asked yet
# 1. IDLE      between two requests; nothing of the next one has come
# 2. HEAD      some bytes of a head have come
# 3. BODY      the head is whole, the body is not
# 4. ANSWERING a request is whole; its handler runs
# 5. SENDING   the answer is on its way
# 6. LINGERING the last answer is out; what still comes is dropped, so that the client reads the answer before a reset
HANDSHAKE, IDLE, HEAD, BODY = "handshake", "idle", "head", "body"
ANSWERING, SENDING, LINGERING = "answering", "sending", "lingering"
PATIENCE_S = {HANDSHAKE: 10.0, IDLE: 300.0, HEAD: 10.0, BODY: 30.0, ANSWERING: 30.0, SENDING: 30.0, LINGERING: 2.0}


class Client:
    """The state of one connection. Pipelined requests wait in ``inbox`` until the answer before them is out."""

    __slots__ = ("inbox", "last", "outbox", "phase", "request", "taken")

    def __init__(self, phase: str = IDLE) -> None:
        self.inbox = bytearray()
        self.outbox: list[bytes | memoryview] = []
        self.phase = phase
        self.request: Request | None = None
        self.taken = 0
        """How many requests have come whole."""
        self.last = False
        """Whether the connection ends after the answer."""

    def __repr__(self) -> str:
        return f"<client {self.phase} in={len(self.inbox)} out={sum(map(len, self.outbox))} {self.request or ''}>"

    @property
    def reading(self) -> bool:
        """Whether the server should read from it: not while an answer is due, so that nothing piles up."""
        return self.phase in (HANDSHAKE, IDLE, HEAD, BODY, LINGERING)

    def feed(self, data: bytes) -> None:
        """Bytes that have come."""
        if self.phase == LINGERING:
            return
        self.inbox += data
        if self.phase == IDLE:
            self.phase = HEAD

    def take(self) -> Request | None:
        """The next request once it is whole; the phase is then ANSWERING. Raises BadRequest."""
        if self.phase == IDLE and self.inbox:
            self.phase = HEAD
        if self.phase == HEAD:
            self._take_head()
        if self.phase == BODY and self.request is not None and len(self.inbox) >= self.request.length:
            self.request.body = bytes(self.inbox[: self.request.length])
            del self.inbox[: self.request.length]
            self.phase = ANSWERING
            self.taken += 1
            self.last = not self.request.keep_alive
            return self.request
        return None

    def _take_head(self) -> None:
        while self.inbox.startswith(b"\r\n"):  # RFC 9112, 2.2: empty lines before a request are ignored
            del self.inbox[:2]
        if self.inbox:
            check_start(self.inbox[0])
        end = self.inbox.find(b"\r\n\r\n", 0, MAX_HEAD_BYTES + 4)
        if end < 0:
            if len(self.inbox) >= MAX_HEAD_BYTES + 4:  # a head of the most bytes may lack the rest of its end
                raise BadRequest(431, f"a head of at most {MAX_HEAD_BYTES} bytes expected")
            if not self.inbox:
                self.phase = IDLE
            return
        self.request = parse(bytes(self.inbox[:end]))
        del self.inbox[: end + 4]
        self.phase = BODY
        expects = self.request.headers.get("expect", "").lower() == "100-continue"
        if expects and len(self.inbox) < self.request.length:
            self.outbox.append(CONTINUE)

    def answer(self, *parts: bytes) -> None:
        """The parts of an answer, to be sent."""
        self.outbox.extend(part for part in parts if part)
        self.phase = SENDING

    def sent(self) -> bool:
        """The answer is out. True when the connection ends here."""
        self.request = None
        self.phase = LINGERING if self.last else HEAD if self.inbox else IDLE
        return self.last
