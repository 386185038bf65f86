"""The loop that serves every client in one thread: no client can hold another up, and a slow one is cut.

Pages that only format what is known are answered in the loop; handlers of tasks, which may wait for a file or for the
network, run in a thread each, a few at most. A page may hang all the same, in a source that should not have: then
another thread takes the loop over.
"""

import _socket
import os
from _thread import start_new_thread
from errno import EMFILE, ENFILE
from select import POLLERR, POLLHUP, POLLIN, POLLNVAL, POLLOUT, POLLPRI, poll
from time import monotonic, sleep

from tocsin_agent.guard import Deposed
from tocsin_agent.httpd import response
from tocsin_agent.httpd.client import ANSWERING, HANDSHAKE, HEAD, IDLE, LINGERING, PATIENCE_S, SENDING
from tocsin_agent.httpd.connection import Connection, least_missed
from tocsin_agent.httpd.local import OPERATORS, refusal
from tocsin_agent.httpd.request import BadRequest, Request
from tocsin_agent.httpd.response import RETRY
from tocsin_agent.log import event

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Protocol, TypeAlias

    from tocsin_agent.protection import Protection
    from tocsin_agent.source import Sampling
    from tocsin_agent.task import Answer, Handler

    class Waiting(Protocol):
        """An answer that is not there yet."""

        @property
        def due(self) -> bool:
            """Whether it is there, or its time is over."""

        @property
        def left_s(self) -> float:
            """The time that it has."""

        def answer(self) -> Answer:
            """The answer, or what there is of it."""

    class Pages(Protocol):
        """What answers the paths that no handler has."""

        def __call__(self, request: Request, /) -> Answer | Waiting: ...

        def depose(self) -> bool:
            """Take the request that is being answered from the thread that does it; False when it does none."""

        def resume(self) -> Answer | Waiting:
            """Go on with the request that was taken."""

    Work: TypeAlias = Callable[[], None]

BACKLOG = 128
MAX_CLIENTS = 64
MAX_HANDLERS = 8
MAX_CHECKS = 4
"""Of passwords, at once; they are checked one by one."""
MAX_BODIES_BYTES = 64 << 20
"""Of all bodies that are on their way or at a handler."""
GRACE_S = 0.5
"""How long clients that have begun to ask may take to say the rest when the server stops."""
DRAIN_S = 3.0
"""How long answers that are on their way may take then."""

BUSY = "too many requests at once; try again in a second"


class Server:
    """Listens at once; ``serve`` runs until ``stop``. Raises OSError when the address cannot be had."""

    def __init__(self, host: str, port: int) -> None:
        self.requests: dict[int, int] = {}
        """How many were answered, by status."""
        self.cut = 0
        """How many connections were ended because the client was too slow, or had to make room."""
        self.refused = 0
        """How many connections were ended because TLS could not be agreed on."""
        self.taken_over = 0
        """How many times another thread took over from one that hung."""
        self.connections: dict[int, Connection] = {}
        self.protection: Protection | None = None
        self.watch: Callable[[], float] = _nobody_watches
        """Called once a turn of the loop; gives the seconds after which it wants to be called again."""
        self._poll = poll()
        self._wake, self._waker = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._poll.register(self._wake, POLLIN)
        self._listen(listener(host, port))
        self._pages: Pages = Nothing()
        self._handlers: dict[str, Handler] = {}
        self._samplers: tuple[Sampling, ...] = ()
        self._alarms: dict[int, Sampling] = {}
        self._done: list[Work] = []
        self._handling = self._checking = 0
        self._asking: Connection | None = None
        self._late: list[Connection] = []
        self._stopping = False

    def answer_with(self, pages: "Pages", handlers: "dict[str, Handler]") -> None:
        """Answer requests with these from now on.

        ``handlers`` by path run in threads; ``pages`` answers everything else, in the loop.
        """
        self._pages, self._handlers = pages, handlers

    def sample_with(self, samplers: "Iterable[Sampling]") -> None:
        """Let these look between scrapes from now on, and no other; before ``serve``, or in the loop."""
        for fd in self._alarms:
            self._poll.unregister(fd)
        self._samplers = tuple(samplers)
        self._alarms = {fd: sampler for sampler in self._samplers for fd in sampler.alarms()}
        for fd in self._alarms:
            self._poll.register(fd, POLLPRI)

    def serve(self) -> bool:
        """Serve until ``stop``, then finish the answers that are on their way.

        False when another thread has taken over meanwhile, and serves still.
        """
        try:
            while not self._stopping:
                self._turn()
            self._drain()
        except Deposed:
            return False
        os.close(self._wake)
        wake, self._waker = self._waker, -1
        os.close(wake)
        return True

    def take_over(self, ended: "Work") -> bool:
        """Let a thread of its own serve on, if the one that serves hangs in a page; that one will end by itself.

        ``ended`` is called when it has served to the end. False when no thread can be had: then try again.
        """
        try:
            start_new_thread(self._follow, (ended,))
        except RuntimeError:
            return False
        return True

    def stop(self) -> None:
        """Make ``serve`` return; from any thread or signal handler."""
        self._stopping = True
        self.ring()

    def call(self, work: "Work") -> None:
        """Have the loop do something between two turns; from any thread."""
        self._done.append(work)
        self.ring()

    def move(self, sock: "_socket.socket") -> None:
        """Listen with another socket instead; in the loop only."""
        self._leave()
        self._listen(sock)

    def ring(self) -> None:
        """Make the loop look around; from any thread."""
        try:
            os.write(self._waker, b"\0")
        except OSError:
            pass  # full: the loop wakes anyway; closed: there is no loop any more

    def _listen(self, sock: "_socket.socket") -> None:
        self._listener = sock
        self.host, self.port = sock.getsockname()[:2]
        self._poll.register(sock.fileno(), POLLIN)

    def _leave(self) -> None:
        self._poll.unregister(self._listener.fileno())
        self._listener.close()

    # --- who serves ---------------------------------------------------------------------------------------------------

    def _follow(self, ended: "Work") -> None:
        if not self._pages.depose():
            return  # the other thread has come back
        self.taken_over += 1
        event("serving_thread_hung", taken_over=self.taken_over)
        connection = self._asking
        try:
            if connection is not None:
                self._settle(connection, self._pages.resume)
                self._advance_safely(connection)
        except Deposed:
            return
        self.ring()  # whatever the other thread had begun to look at
        if self.serve():
            ended()

    def _drain(self) -> None:
        """Take nobody new; answer who has begun to ask, and let who reads read on, for a while."""
        for _ in range(BACKLOG):
            if not self._accept():
                break
        self._leave()
        begun = monotonic()
        while (now := monotonic()) < begun + DRAIN_S and self._unfinished(asking=now < begun + GRACE_S):
            self._turn(50)
        for connection in list(self.connections.values()):
            self._close(connection)
        self._poll.unregister(self._wake)

    def _unfinished(self, *, asking: bool) -> bool:
        """Whether an answer is on its way, or with ``asking`` may still be asked for."""
        clients = [connection.client for connection in self.connections.values()]
        phases = (ANSWERING, SENDING, HEAD, HANDSHAKE) if asking else (ANSWERING, SENDING)
        return any(
            client.phase in phases or (asking and client.phase == IDLE and not client.taken) for client in clients
        )

    # --- one turn of the loop ----------------------------------------------------------------------------------------

    def _turn(self, at_most_ms: float = 60_000) -> None:
        at_most_ms = min(at_most_ms, self.watch() * 1000)
        for sampler in self._samplers:
            at_most_ms = min(at_most_ms, sampler.sample() * 1000)
        soonest = min([connection.deadline for connection in self.connections.values()], default=monotonic() + 60)
        wait_ms = min(max((soonest - monotonic()) * 1000, 0) + 1, at_most_ms)
        for fd, events in self._poll.poll(wait_ms):
            if fd == self._wake:
                self._look_around()
            elif fd in self.connections:
                self._serve_connection(self.connections[fd], events)
            elif fd in self._alarms:
                self._sound(fd, events)
            elif not self._stopping:
                self._accept()
        now = monotonic()
        for connection in [one for one in self.connections.values() if one.deadline < now]:
            self._cut_off(connection)

    def _sound(self, fd: int, events: int) -> None:
        """An alarm went off, or will never again."""
        if events & (POLLERR | POLLHUP | POLLNVAL):  # a trigger that is gone says POLLPRI too, for ever
            self._poll.unregister(fd)
            del self._alarms[fd]
        else:
            self._alarms[fd].alarmed(fd)

    def _accept(self) -> bool:
        """Take one client in. False when nobody waits."""
        try:
            fd, _ = self._listener._accept()  # type: ignore[attr-defined]  # what socket.accept calls
        except OSError as error:
            if error.errno in (EMFILE, ENFILE) and not self._make_room():
                sleep(0.05)  # nothing to give up: do not spin
            return False
        sock = _socket.socket(fileno=fd)
        sock.setblocking(False)
        sock.setsockopt(_socket.IPPROTO_TCP, _socket.TCP_NODELAY, 1)
        if len(self.connections) >= MAX_CLIENTS and not self._make_room():
            self._refuse(sock)
            return True
        connection = Connection(sock, self.protection.channel() if self.protection else None)
        self.connections[connection.fd] = connection
        self._poll.register(connection.fd, POLLIN)
        return True

    def _make_room(self) -> bool:
        """End the connection that will be missed least."""
        connection = least_missed(self.connections.values(), monotonic())
        if connection is None:
            return False
        if connection.client.phase not in (IDLE, LINGERING):
            self.cut += 1
        self._close(connection)
        return True

    def _refuse(self, sock: "_socket.socket") -> None:
        self._count(503)
        body = f"{BUSY}\n".encode()
        try:
            if not (self.protection and self.protection.encrypted):
                sock.send(response.head(503, RETRY, len(body), keep_alive=False) + body)
        except OSError:
            pass
        sock.close()

    def _serve_connection(self, connection: Connection, events: int) -> None:
        try:
            if events & POLLIN:
                if not self._receive(connection):
                    self._close(connection)
            elif events & (POLLERR | POLLHUP | POLLNVAL):
                self._close(connection)
            if not connection.gone:
                self._advance(connection)
        except OSError:
            self._close(connection)

    def _receive(self, connection: Connection) -> bool:
        """Read what has come. False when the connection is at its end."""
        if connection.channel is None:
            return connection.receive()
        from tocsin_agent.httpd.tls import Refused

        try:
            return connection.receive()
        except Refused as refusal:
            self.refused += 1
            if refusal.plain:
                connection.sock.send(refusal.plain)
                connection.sock.shutdown(_socket.SHUT_WR)
                connection.channel = None
                connection.client.phase = LINGERING
                return True
            return False

    def _advance(self, connection: Connection) -> None:
        """Take one request if it is whole, and send what is due; one who pipelines more waits for the next turn."""
        client = connection.client
        if client.reading and client.phase != LINGERING:
            self._take(connection)
        finished = connection.send() and client.phase == SENDING
        if finished and client.sent():
            connection.end()
        connection.renew()
        again = finished and client.inbox
        events = (POLLIN if client.reading else 0) | (POLLOUT if connection.unsent or again else 0)
        self._poll.modify(connection.fd, events)

    def _advance_safely(self, connection: Connection) -> None:
        try:
            self._advance(connection)
        except OSError:
            self._close(connection)

    def _take(self, connection: Connection) -> None:
        client = connection.client
        try:
            request = client.take()
        except BadRequest as error:
            self._reject(connection, error)
            return
        if request is not None:
            self._admit(connection, request)
        elif client.request is not None and self._bodies() > MAX_BODIES_BYTES:
            self._reject(connection, BadRequest(503, BUSY))

    def _reject(self, connection: Connection, error: BadRequest) -> None:
        """Answer what cannot be served; what follows it on the connection cannot be told apart, so it ends."""
        connection.client.last = True
        connection.client.inbox.clear()
        self._answer(connection, (error.status, dict(response.PLAIN), f"{error}\n".encode()))

    def _bodies(self) -> int:
        requests = [connection.client.request for connection in self.connections.values()]
        return sum([request.length for request in requests if request is not None])

    # --- answers ------------------------------------------------------------------------------------------------------

    def _admit(self, connection: Connection, request: Request) -> None:
        """Begin a request, if its client may ask for anything."""
        protection = self.protection
        if protection is None:
            self._begin(connection, request)
            return
        protection.refresh()
        users, given = protection.users, request.headers.get("authorization", "")
        verdict = users.known(given) if users else True
        if not protection.allows():
            self._answer(connection, (429, dict(RETRY), b"Too Many Requests\n"))
        elif users is None or verdict:
            self._begin(connection, request)
        elif verdict is not None:
            self._answer(connection, NOT_ADMITTED)
        elif self._checking >= MAX_CHECKS or not self._in_thread(lambda: self._check(connection, request)):
            self._answer(connection, (503, RETRY, f"{BUSY}\n".encode()))
        else:
            self._checking += 1

    def _check(self, connection: Connection, request: Request) -> None:
        """In a thread: check a password that is not known yet."""
        protection = self.protection
        users = protection.users if protection else None
        right = users is None or users.check(request.headers.get("authorization", ""))

        def admit() -> None:
            self._checking -= 1
            if not connection.gone and connection.client.request is request:
                if right:
                    self._begin(connection, request)
                else:
                    self._answer(connection, NOT_ADMITTED)
                self._advance_safely(connection)

        self.call(admit)

    def _begin(self, connection: Connection, request: Request) -> None:
        handler = self._handlers.get(request.path)
        if handler is None:
            self._asking = connection
            self._settle(connection, lambda: self._pages(request))
        elif request.path.startswith(OPERATORS) and (reason := refusal(connection.peer, request.headers)):
            self._answer(connection, (403, dict(response.PLAIN), f"{reason}\n".encode()))
        elif self._handling >= MAX_HANDLERS or not self._in_thread(lambda: self._handle(connection, handler, request)):
            self._answer(connection, (503, RETRY, f"{BUSY}\n".encode()))
        else:
            self._handling += 1  # counted down in this thread only, so not too late here

    @staticmethod
    def _in_thread(work: "Work") -> bool:
        """False when the host has no thread left for us."""
        try:
            start_new_thread(work, ())
        except RuntimeError:
            return False
        return True

    def _settle(self, connection: Connection, ask: "Callable[[], Answer | Waiting]") -> None:
        """Take an answer of the pages, or let the connection wait for it."""
        try:
            answer = ask()
        except Exception as error:  # a fault in a page is one client's answer and a line in the log
            event("page_failed", error=f"{type(error).__name__}: {error}")
            answer = FAULT
        if isinstance(answer, tuple):
            self._answer(connection, answer)
        else:
            connection.waiting = answer
            self._late.append(connection)

    def _handle(self, connection: Connection, handler: "Handler", request: Request) -> None:
        """In a thread: let a handler answer."""
        try:
            answer = handler(request)
        except Exception as error:  # a fault in a handler is one client's answer and a line in the log
            event("handler_failed", path=request.path, error=f"{type(error).__name__}: {error}")
            answer = FAULT

        def finish() -> None:
            self._handling -= 1
            if not connection.gone and connection.client.request is request:
                self._answer(connection, answer)
                self._advance_safely(connection)

        self.call(finish)

    def _look_around(self) -> None:
        """Do what other threads have asked for, and answer those whose answer has come meanwhile."""
        try:
            os.read(self._wake, 4096)
        except BlockingIOError:
            pass
        while self._done:
            self._done.pop(0)()
        for connection in [one for one in self._late if one.gone or (one.waiting and one.waiting.due)]:
            self._answer_late(connection)

    def _answer_late(self, connection: Connection) -> None:
        self._late.remove(connection)
        waiting, connection.waiting = connection.waiting, None
        if waiting is None or connection.gone:
            return
        self._settle(connection, waiting.answer)
        self._advance_safely(connection)

    def _answer(self, connection: Connection, answer: "Answer") -> None:
        status, headers, body = answer
        self._count(status)
        client = connection.client
        client.last = client.last or self._stopping
        if self.protection and self.protection.headers:
            headers = headers | self.protection.headers
        first = response.head(status, headers, len(body), keep_alive=not client.last)
        without_body = client.request is not None and client.request.method == "HEAD"
        client.answer(first, b"" if without_body else body)

    def _count(self, status: int) -> None:
        self.requests[status] = self.requests.get(status, 0) + 1

    # --- ends ---------------------------------------------------------------------------------------------------------

    def _cut_off(self, connection: Connection) -> None:
        """A client that has used up its time: a 408 if it was still asking, in any case the end."""
        phase = connection.client.phase
        if connection.waiting is not None:
            self._answer_late(connection)
            return
        if phase not in (IDLE, LINGERING):
            self.cut += 1
        if connection.client.reading and phase not in (HANDSHAKE, IDLE, LINGERING):
            connection.client.last = True
            reason = f"{phase} not whole after {PATIENCE_S[phase]:g} s\n".encode()
            self._answer(connection, (408, dict(response.PLAIN), reason))
            self._advance_safely(connection)
        else:
            self._close(connection)

    def _close(self, connection: Connection) -> None:
        if not connection.gone:
            connection.gone = True
            del self.connections[connection.fd]
            self._poll.unregister(connection.fd)
            connection.sock.close()


FAULT = 500, response.PLAIN, b"it failed; the agent's log says why\n"
NOT_ADMITTED = 401, response.PLAIN | {"WWW-Authenticate": "Basic"}, b"Unauthorized\n"


class Nothing:
    """The pages of a server that has none yet."""

    def __call__(self, _request: Request) -> "Answer":
        """Not ready."""
        return 503, RETRY, b"not ready\n"

    def depose(self) -> bool:
        """It never hangs."""
        return False

    def resume(self) -> "Answer":
        """There is nothing to go on with."""
        return 503, RETRY, b"not ready\n"


def _nobody_watches() -> float:
    return 60.0


def listener(host: str, port: int) -> "_socket.socket":
    """A socket that listens. Raises OSError."""
    # As bytes: for a str Python imports its table of international names, and `re` with it, 8 ms and 1.5 MiB.
    found = _socket.getaddrinfo(host.encode(), port, 0, _socket.SOCK_STREAM, 0, _socket.AI_PASSIVE)
    family, kind, protocol, _, address = found[0]
    sock = _socket.socket(family, kind, protocol)
    try:
        sock.setsockopt(_socket.SOL_SOCKET, _socket.SO_REUSEADDR, 1)
        sock.bind(address)
        sock.listen(BACKLOG)
        sock.setblocking(False)
    except OSError:
        sock.close()
        raise
    return sock
