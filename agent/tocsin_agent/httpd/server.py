"""The loop that serves every client in one thread: no client can hold another up, and a slow one is cut.

Pages that only format what is known are answered in the loop; handlers of tasks, which may wait for a file or for the
network, run in a thread each, a few at most.
"""

import _socket
import os
from _thread import start_new_thread
from errno import EMFILE, ENFILE
from select import POLLERR, POLLHUP, POLLIN, POLLNVAL, POLLOUT, poll
from time import monotonic, sleep

from tocsin_agent.httpd import response
from tocsin_agent.httpd.client import ANSWERING, IDLE, LINGERING, PATIENCE_S, SENDING, Client
from tocsin_agent.httpd.request import BadRequest, Request
from tocsin_agent.log import event

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from tocsin_agent.task import Answer, Handler

    Pages: TypeAlias = Callable[[Request], Answer]

MAX_CLIENTS = 64
MAX_HANDLERS = 8
MAX_BODIES_BYTES = 64 << 20
"""Of all bodies that are on their way or at a handler."""
CHUNK = 65_536
GRACE_S = 0.5
"""How long answers that are on their way may take when the server stops."""

BUSY = "too many requests at once; try again in a second"
RETRY = response.PLAIN | {"Retry-After": "1"}


class Connection:
    """A socket, its client and its deadline."""

    __slots__ = ("client", "deadline", "fd", "gone", "sock", "timed")

    def __init__(self, sock: "_socket.socket") -> None:
        self.sock = sock
        self.fd = sock.fileno()
        self.client = Client()
        self.gone = False
        self.timed = ("", 0)
        self.renew()

    def renew(self) -> None:
        """Give the client the time of its phase, once a phase: bytes that trickle in gain it nothing."""
        phase = self.client.phase, self.client.taken
        if phase != self.timed:
            self.timed = phase
            self.deadline = monotonic() + PATIENCE_S[phase[0]]


class Server:
    """Listens at once; ``serve`` runs until ``stop``. Raises OSError when the address cannot be had."""

    def __init__(self, host: str, port: int) -> None:
        self.requests: dict[int, int] = {}
        """How many were answered, by status."""
        self.cut = 0
        """How many connections were ended because the client was too slow."""
        self.connections: dict[int, Connection] = {}
        self._listener = _listen(host, port)
        self.host, self.port = self._listener.getsockname()[:2]
        self._wake, self._waker = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._poll = poll()
        self._poll.register(self._listener.fileno(), POLLIN)
        self._poll.register(self._wake, POLLIN)
        self._pages: Pages = _nothing_here
        self._handlers: dict[str, Handler] = {}
        self._done: list[tuple[Connection, Request, Answer]] = []
        self._handling = 0
        self._stopping = False

    def serve(self, pages: "Pages", handlers: "dict[str, Handler]") -> None:
        """Serve until ``stop``, then finish the answers that are on their way.

        ``handlers`` by path run in threads; ``pages`` answers everything else, in the loop.
        """
        self._pages, self._handlers = pages, handlers
        while not self._stopping:
            self._turn()
        self._poll.unregister(self._listener.fileno())
        self._listener.close()
        until = monotonic() + GRACE_S
        while self._unfinished() and monotonic() < until:
            self._turn(50)
        for connection in list(self.connections.values()):
            self._close(connection)
        self._poll.unregister(self._wake)
        os.close(self._wake)
        wake, self._waker = self._waker, -1
        os.close(wake)

    def stop(self) -> None:
        """Make ``serve`` return; from any thread or signal handler."""
        self._stopping = True
        self._ring()

    @property
    def waker(self) -> int:
        """A byte written to this descriptor makes ``serve`` look around; for ``signal.set_wakeup_fd``."""
        return self._waker

    def _ring(self) -> None:
        try:
            os.write(self._waker, b"\0")
        except OSError:
            pass  # full: the loop wakes anyway; closed: there is no loop any more

    def _unfinished(self) -> bool:
        return any(connection.client.phase in (ANSWERING, SENDING) for connection in self.connections.values())

    # --- one turn of the loop ----------------------------------------------------------------------------------------

    def _turn(self, at_most_ms: float = 60_000) -> None:
        soonest = min([connection.deadline for connection in self.connections.values()], default=monotonic() + 60)
        wait_ms = min(max((soonest - monotonic()) * 1000, 0) + 1, at_most_ms)
        for fd, events in self._poll.poll(wait_ms):
            if fd == self._wake:
                self._finish_handlers()
            elif fd in self.connections:
                self._serve_connection(self.connections[fd], events)
            elif not self._stopping:
                self._accept()
        now = monotonic()
        for connection in [one for one in self.connections.values() if one.deadline < now]:
            self._cut_off(connection)

    def _accept(self) -> None:
        try:
            fd, _ = self._listener._accept()  # type: ignore[attr-defined]  # what socket.accept calls
        except OSError as error:
            if error.errno in (EMFILE, ENFILE) and not self._evict():
                sleep(0.05)  # nothing to give up: do not spin
            return
        sock = _socket.socket(fileno=fd)
        sock.setblocking(False)
        sock.setsockopt(_socket.IPPROTO_TCP, _socket.TCP_NODELAY, 1)
        if len(self.connections) >= MAX_CLIENTS and not self._evict():
            self._refuse(sock)
            return
        connection = Connection(sock)
        self.connections[connection.fd] = connection
        self._poll.register(connection.fd, POLLIN)

    def _evict(self) -> bool:
        """Make room: end the connection that has been idle for longest."""
        idle = [connection for connection in self.connections.values() if connection.client.phase == IDLE]
        if idle:
            self._close(min(idle, key=lambda connection: connection.deadline))
        return bool(idle)

    def _refuse(self, sock: "_socket.socket") -> None:
        self._count(503)
        body = f"{BUSY}\n".encode()
        try:
            sock.send(response.head(503, RETRY, len(body), keep_alive=False) + body)
        except OSError:
            pass
        sock.close()

    def _serve_connection(self, connection: Connection, events: int) -> None:
        try:
            if events & POLLIN:
                self._receive(connection)
            elif events & (POLLERR | POLLHUP | POLLNVAL):
                self._close(connection)
            if not connection.gone:
                self._advance(connection)
        except OSError:
            self._close(connection)

    def _receive(self, connection: Connection) -> None:
        try:
            data = connection.sock.recv(CHUNK)
        except BlockingIOError:
            return
        if data:
            connection.client.feed(data)
        else:
            self._close(connection)

    def _advance(self, connection: Connection) -> None:
        """Take one request if it is whole, and send what is due; one who pipelines more waits for the next turn."""
        client = connection.client
        if client.reading and client.phase != LINGERING:
            self._take(connection)
        finished = self._send(connection) and client.phase == SENDING
        if finished and client.sent():
            connection.sock.shutdown(_socket.SHUT_WR)
        connection.renew()
        again = finished and client.inbox
        events = (POLLIN if client.reading else 0) | (POLLOUT if client.outbox or again else 0)
        self._poll.modify(connection.fd, events)

    def _take(self, connection: Connection) -> None:
        client = connection.client
        try:
            request = client.take()
        except BadRequest as error:
            self._reject(connection, error)
            return
        if request is not None:
            self._begin(connection, request)
        elif client.request is not None and self._bodies() > MAX_BODIES_BYTES:
            self._reject(connection, BadRequest(503, BUSY))

    def _reject(self, connection: Connection, error: BadRequest) -> None:
        """Answer what cannot be served; what follows it on the connection cannot be told apart, so it ends."""
        connection.client.last = True
        self._answer(connection, (error.status, dict(response.PLAIN), f"{error}\n".encode()))

    def _bodies(self) -> int:
        requests = [connection.client.request for connection in self.connections.values()]
        return sum([request.length for request in requests if request is not None])

    def _send(self, connection: Connection) -> bool:
        """Send what the socket takes. True when all is out."""
        outbox = connection.client.outbox
        while outbox:
            try:
                count = connection.sock.sendmsg(outbox)
            except BlockingIOError:
                return False
            while outbox and count >= len(outbox[0]):
                count -= len(outbox.pop(0))
            if count:
                outbox[0] = memoryview(outbox[0])[count:]  # a slice of bytes would copy the rest at each turn
        return True

    # --- answers ------------------------------------------------------------------------------------------------------

    def _begin(self, connection: Connection, request: Request) -> None:
        handler = self._handlers.get(request.path)
        if handler is None:
            self._answer(connection, self._pages(request))
        elif self._handling >= MAX_HANDLERS:
            self._answer(connection, (503, RETRY, f"{BUSY}\n".encode()))
        else:
            try:
                start_new_thread(self._handle, (connection, handler, request))
            except RuntimeError:  # the host has no thread left for us
                self._answer(connection, (503, RETRY, f"{BUSY}\n".encode()))
            else:
                self._handling += 1  # counted down in this thread only, so not too late here

    def _handle(self, connection: Connection, handler: "Handler", request: Request) -> None:
        try:
            answer = handler(request.method, request.path, request.headers, request.body)
        except Exception as error:  # a fault in a handler is one client's answer and a line in the log
            event("handler_failed", path=request.path, error=f"{type(error).__name__}: {error}")
            answer = 500, dict(response.PLAIN), b"the handler failed; the agent's log says why\n"
        self._done.append((connection, request, answer))
        self._ring()

    def _finish_handlers(self) -> None:
        try:
            os.read(self._wake, 4096)
        except BlockingIOError:
            pass
        while self._done:
            connection, request, answer = self._done.pop()
            self._handling -= 1
            if not connection.gone and connection.client.request is request:
                self._answer(connection, answer)
                try:
                    self._advance(connection)
                except OSError:
                    self._close(connection)

    def _answer(self, connection: Connection, answer: "Answer") -> None:
        status, headers, body = answer
        self._count(status)
        client = connection.client
        first = response.head(status, headers, len(body), keep_alive=not client.last)
        without_body = client.request is not None and client.request.method == "HEAD"
        client.answer(first, b"" if without_body else body)

    def _count(self, status: int) -> None:
        self.requests[status] = self.requests.get(status, 0) + 1

    # --- ends ---------------------------------------------------------------------------------------------------------

    def _cut_off(self, connection: Connection) -> None:
        """A client that has used up its time: a 408 if it was still asking, in any case the end."""
        if connection.client.phase not in (IDLE, LINGERING):
            self.cut += 1
        if connection.client.reading and connection.client.phase not in (IDLE, LINGERING):
            connection.client.last = True
            reason = f"{connection.client.phase} not whole after {PATIENCE_S[connection.client.phase]:g} s\n".encode()
            self._answer(connection, (408, dict(response.PLAIN), reason))
            try:
                self._advance(connection)
                return
            except OSError:
                pass
        self._close(connection)

    def _close(self, connection: Connection) -> None:
        if not connection.gone:
            connection.gone = True
            del self.connections[connection.fd]
            self._poll.unregister(connection.fd)
            connection.sock.close()


def _nothing_here(_request: Request) -> "Answer":
    return 503, RETRY, b"not ready\n"


def _listen(host: str, port: int) -> "_socket.socket":
    family, kind, protocol, _, address = _socket.getaddrinfo(host, port, 0, _socket.SOCK_STREAM, 0, _socket.AI_PASSIVE)[
        0
    ]
    sock = _socket.socket(family, kind, protocol)
    try:
        sock.setsockopt(_socket.SOL_SOCKET, _socket.SO_REUSEADDR, 1)
        sock.bind(address)
        sock.listen(128)
        sock.setblocking(False)
    except OSError:
        sock.close()
        raise
    return sock
