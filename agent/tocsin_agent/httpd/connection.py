"""A socket and what is known of the client at its other end: its state, its time, its encryption."""

import _socket
from time import monotonic

from tocsin_agent.httpd.client import BODY, HANDSHAKE, HEAD, IDLE, LINGERING, PATIENCE_S, SENDING, Client

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from tocsin_agent.httpd.server import Waiting
    from tocsin_agent.httpd.tls import Channel

CHUNK = 65_536
SLOW_S = 5.0
"""After this time a client that still sends its body, or still reads, may have to make room."""


class Connection:
    """One connection. ``channel`` is its TLS, None for plain HTTP."""

    __slots__ = ("channel", "client", "deadline", "fd", "gone", "sealed", "sock", "timed", "waiting")

    def __init__(self, sock: "_socket.socket", channel: "Channel | None" = None) -> None:
        self.sock = sock
        self.fd = sock.fileno()
        self.client = Client(HANDSHAKE if channel else IDLE)
        self.channel = channel
        self.sealed = memoryview(b"")
        """What TLS has made of the outbox and the socket has not taken yet."""
        self.gone = False
        self.waiting: Waiting | None = None
        """An answer that is not there yet, and the time that it has."""
        self.timed = ("", 0)
        self.renew()

    def renew(self) -> None:
        """Give the client the time of its phase, once a phase: bytes that trickle in gain it nothing."""
        phase = self.client.phase, self.client.taken
        if phase != self.timed:
            self.timed = phase
            left_s = self.waiting.left_s if self.waiting else PATIENCE_S[phase[0]]
            self.deadline = monotonic() + left_s

    def receive(self) -> bool:
        """Read what has come. False when the client has gone. Raises OSError, Refused."""
        try:
            data = self.sock.recv(CHUNK)
        except BlockingIOError:
            return True
        if not data:
            return False
        if self.channel is None:
            self.client.feed(data)
            return True
        plain = self.channel.opened(data)
        if self.client.phase == HANDSHAKE and self.channel.ready:
            self.client.phase = IDLE
        if plain:
            self.client.feed(plain)
        return bool(plain) or not self.channel.ended

    def send(self) -> bool:
        """Send what the socket takes. True when all is out. Raises OSError."""
        return self._send_plain() if self.channel is None else self._send_sealed(self.channel)

    def _send_plain(self) -> bool:
        outbox = self.client.outbox
        while outbox:
            try:
                count = self.sock.sendmsg(outbox)
            except BlockingIOError:
                return False
            _drop(outbox, count)
        return True

    def _send_sealed(self, channel: "Channel") -> bool:
        outbox = self.client.outbox
        while True:
            if not self.sealed:
                part = bytes(outbox[0][:CHUNK]) if outbox and channel.ready else b""
                _drop(outbox, len(part))
                self.sealed = memoryview(channel.sealed(part))
                if not self.sealed:
                    return not outbox
            try:
                self.sealed = self.sealed[self.sock.send(self.sealed) :]
            except BlockingIOError:
                return False

    def end(self) -> None:
        """Tell the client that nothing more comes."""
        if self.channel is not None:
            self.sock.send(self.channel.closed())
        self.sock.shutdown(_socket.SHUT_WR)

    @property
    def peer(self) -> str:
        """The address of the client, "" when it has gone."""
        try:
            return str(self.sock.getpeername()[0])
        except OSError:
            return ""

    @property
    def unsent(self) -> bool:
        """Whether something waits for room in the socket."""
        return bool(self.client.outbox or self.sealed)


def least_missed(connections: "Iterable[Connection]", now: float) -> Connection | None:
    """The connection that has to make room when there are too many, None when all are being answered."""
    ranked = [(rank, connection) for connection in connections if (rank := _rank(connection, now))]
    return min(ranked, key=lambda one: one[0])[1] if ranked else None


def _rank(connection: Connection, now: float) -> tuple[int, int, float] | None:
    """The lower, the less it is missed; of equals the one that has waited for longest."""
    client, deadline = connection.client, connection.deadline
    # 1. has its last answer, or has never asked anything
    if client.phase in (HANDSHAKE, LINGERING) or (client.phase == IDLE and not client.taken):
        return 1, 0, deadline
    # 2. has not said all of a request's head: a good client sends it in one piece
    if client.phase == HEAD:
        return 2, 0, deadline
    # 3. is idle between two requests: a scraper that comes again and again stays
    if client.phase == IDLE:
        return 3, client.taken, deadline
    # 4. takes long to send a body, or to read an answer
    if client.phase in (BODY, SENDING) and now - (deadline - PATIENCE_S[client.phase]) > SLOW_S:
        return 4, 0, deadline
    return None


def _drop(outbox: "list[bytes | memoryview]", count: int) -> None:
    """Take bytes from the front."""
    while outbox and count >= len(outbox[0]):
        count -= len(outbox.pop(0))
    if count:
        outbox[0] = memoryview(outbox[0])[count:]  # a slice of bytes would copy the rest at each turn
