"""One client's connection: uvicorn's, and what it does not look at.

uvicorn has a time for a connection between two requests and none for anything else: no first request has to come, a
head or a body may take for ever, a head may be of any size, and nobody counts connections before a request is whole.
The phases of a connection here, and their clocks:
1. a head is due, from its first moment or the first byte of a next request on: after ``head_s`` it is closed
2. a body is due: every ``body_s`` it is closed if less than ``body_bytes`` have come, and at once if what comes is
   beside the body for longer than a head may be: the extension of a chunk, or trailers, which nobody here reads
3. an answer is on its way: while too much of it waits for its reader, every ``body_s`` it is closed if none of it went
4. between two requests: uvicorn's own
A small request of events whose head and body come together has no phase 2: it is told to the gate at once, without
what uvicorn has for every request (docs/decisions/0092-small-requests-without-a-task.md).
When there are too many, the one that is in 1 or 4 for longest makes room; without any, the new one is closed.
"""

import asyncio
from asyncio import TimerHandle
from functools import lru_cache, partial
from typing import Any, NamedTuple

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from tocsin_collector.doors.counts import Counts
from tocsin_collector.doors.gate import Gate
from tocsin_collector.doors.headers import Header, in_text
from tocsin_collector.doors.routes import EVENTS
from tocsin_collector.ingest.answer import Reply
from tocsin_schema.web.names import named
from tocsin_schema.web.protection import Protection

MAX_HEAD_BYTES = 65_536
_EVENTS = EVENTS.encode()
_TOO_LARGE = "431 Request Header Fields Too Large"


class Patience(NamedTuple):
    """What a connection may take. ``body_bytes`` come in ``body_s``, or the client is too slow."""

    connections: int = 1_000
    head_s: float = 10.0
    body_s: float = 30.0
    body_bytes: int = 32_768


class Room:
    """What the connections of a server share; ``waiting`` are those that nobody works for, the longest first."""

    def __init__(self, patience: Patience, protection: Protection | None, counts: Counts) -> None:
        self.patience = patience
        self.protection = protection
        self.counts = counts
        self.waiting: dict[Connection, None] = {}

    def make(self) -> bool:
        """Room for one more. False when every connection is at work, or its client still reads."""
        oldest = next((each for each in self.waiting if not each.unread), None)
        if oldest is None:
            return False
        oldest.end("evicted")
        return True


class Whole:
    """A request that may be there as a whole, and what uvicorn asks of the one that a connection works on."""

    __slots__ = ("body", "disconnected", "keep_alive", "response_complete")
    message_event = asyncio.Event()
    """Nobody waits for it."""

    def __init__(self) -> None:
        self.body: list[bytes] = []
        self.disconnected = self.response_complete = False
        self.keep_alive = True


class Connection(HttpToolsProtocol):
    """A connection in a room."""

    def __init__(self, room: Room, gate: Gate, **given: Any) -> None:
        super().__init__(**given)
        self._room = room
        self._gate = gate
        self._clock: TimerHandle | None = None
        self._reader_clock: TimerHandle | None = None
        self._body_due = False
        self._received = 0
        """Bytes of the head, or of the body since its clock was looked at."""
        self._beside = 0
        """Bytes since the last one that was of a body."""
        self._coming: Whole | None = None
        """A request whose body goes on."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Let a client in who has a right certificate, where one is asked for, and for whom there is room."""
        room = self._room
        if room.protection and not named(transport.get_extra_info("peercert"), room.protection.allowed):
            room.counts.ended["certificate"] += 1
            transport.abort()
            return
        if len(self.connections) >= room.patience.connections and not room.make():
            room.counts.ended["no_room"] += 1
            transport.abort()
            return
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        self._stop()
        if self._reader_clock is not None:
            self._reader_clock.cancel()
        if self.transport is not None:
            super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Bytes of heads and bodies."""
        if self.transport is None or self.transport.is_closing():
            return
        if self._clock is None and self._idle:
            self._received = 0
        self._received += len(data)
        self._beside += len(data)
        super().data_received(data)
        if self._coming is not None and not self.transport.is_closing():
            self._go_on(self._coming)
        elif self._clock is None and self._idle and self.timeout_keep_alive_task is None:
            self._await_head()
        if self in self._room.waiting and self._received > MAX_HEAD_BYTES:
            self._stop()
            self._room.counts.ended["head_too_large"] += 1
            self._refuse(_TOO_LARGE)
        elif self._body_due and self._beside > MAX_HEAD_BYTES:
            self.end("head_too_large")

    def send_400_response(self, msg: str) -> None:
        """What came is no HTTP."""
        self._refuse("400 Bad Request", msg.encode())

    def _refuse(self, status: str, body: bytes = b"") -> None:
        """Answer what no application was asked for, and end."""
        protection = self._room.protection
        headers = {"content-type": "text/plain; charset=utf-8", "content-length": str(len(body)), "connection": "close"}
        headers |= in_text(protection.headers if protection else {})
        lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
        self.transport.write("\r\n".join(lines).encode() + body)
        self.transport.close()

    def on_header(self, name: bytes, value: bytes) -> None:
        """A field of the head. One behind the body must not be taken for it (RFC 9110, 6.5.1)."""
        if not self._body_due:
            super().on_header(name, value)

    def on_body(self, body: bytes) -> None:
        """A part of a body."""
        self._beside = 0
        if self._coming is None:
            super().on_body(body)
        else:
            self._coming.body.append(body)

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self._stop()
        self._received, self._beside, self._body_due = 0, 0, True
        if self.url.partition(b"?")[0] == _EVENTS and self._may_be_whole():
            self._coming = Whole()
        else:
            self._begin()

    def on_message_complete(self) -> None:
        """The body is whole. Where its answer is out already (413), uvicorn has no clock for what comes next."""
        whole = self._coming
        if whole is not None and self._taken_at_once(whole):
            self._coming, self._body_due = None, False
            return
        if whole is not None:
            self._go_on(whole)
        self._stop()
        self._body_due = False
        super().on_message_complete()
        if self._idle:
            self._received = 0
            self._await_head()

    def _may_be_whole(self) -> bool:
        """Whether a body may follow a head at once, and an answer go out when it is there."""
        return (
            (self.cycle is None or self.cycle.response_complete)
            and self.parser.get_method() == b"POST"
            and self.parser.get_http_version() == "1.1"
            and self.parser.should_keep_alive()
            and not self.parser.should_upgrade()
            and not self.expect_100_continue
            and not self.flow.write_paused
        )

    def _taken_at_once(self, whole: Whole) -> bool:
        before, self.cycle = self.cycle, whole  # type: ignore[assignment]  # what uvicorn asks of a cycle it has
        query = self.url.partition(b"?")[2]
        taken = self._gate.at_once(dict(self.headers), query, b"".join(whole.body), partial(self._tell, whole))
        if not taken:
            self.cycle = before
        return taken

    def _tell(self, whole: Whole, reply: Reply) -> None:
        """Answer a request that was whole."""
        whole.response_complete = True
        if whole.disconnected or self.transport.is_closing():
            return
        closing = b"" if whole.keep_alive else b"connection: close\r\n"
        length = b"content-length: %d\r\n\r\n" % len(reply.body)
        lines = [*map(_line, self.server_state.default_headers), closing, length, reply.body]
        self.transport.write(_head(reply.status, reply.headers) + b"".join(lines))
        if not whole.keep_alive:
            self.transport.close()
        self.on_response_complete()

    def _begin(self) -> None:
        """As uvicorn has it."""
        self._clock = self.loop.call_later(self._room.patience.body_s, self._look_at_body)
        super().on_headers_complete()

    def _go_on(self, part: Whole) -> None:
        """What may have been whole is not, or has to go uvicorn's way."""
        self._coming = None
        self._begin()
        for piece in part.body:
            super().on_body(piece)

    def on_response_complete(self) -> None:
        """The answer is out."""
        super().on_response_complete()
        if self._idle:
            self._room.waiting[self] = None

    def pause_writing(self) -> None:
        """Too much waits for who should read it."""
        super().pause_writing()
        self._reader_clock = self.loop.call_later(self._room.patience.body_s, self._look_at_reader, self.unread)

    def resume_writing(self) -> None:
        """It was read."""
        super().resume_writing()
        if self._reader_clock is not None:
            self._reader_clock.cancel()

    def _look_at_reader(self, before: int) -> None:
        if self.unread >= before:
            self.end("slow_reader")
            return
        self._reader_clock = self.loop.call_later(self._room.patience.body_s, self._look_at_reader, self.unread)

    @property
    def unread(self) -> int:
        """Bytes of an answer that its client has yet to take."""
        return self.transport.get_write_buffer_size()

    def end(self, reason: str) -> None:
        """End it at once, and count why: the end of TLS would wait half a minute for its client."""
        self._stop()
        self._room.counts.ended[reason] += 1
        self.transport.abort()

    def shutdown(self) -> None:
        """The server ends: an idle connection goes at once, since the end of TLS would wait for its client."""
        if self._idle and not self.unread:
            self.transport.abort()
        else:
            super().shutdown()

    @property
    def _idle(self) -> bool:
        return self.cycle is None or (self.cycle.response_complete and not self._body_due)

    def _await_head(self) -> None:
        self._room.waiting[self] = None
        self._clock = self.loop.call_later(self._room.patience.head_s, self.end, "slow_head")

    def _look_at_body(self) -> None:
        # Who is not read at the moment is not slow: the application has yet to take what has come.
        if self._received < self._room.patience.body_bytes and not self.flow.read_paused:
            self.end("slow_body")
            return
        self._received = 0
        self._clock = self.loop.call_later(self._room.patience.body_s, self._look_at_body)

    def _stop(self) -> None:
        self._room.waiting.pop(self, None)
        if self._clock is not None:
            self._clock.cancel()
            self._clock = None


def _line(header: Header) -> bytes:
    return b"%b: %b\r\n" % header


@lru_cache(64)
def _head(status: int, headers: tuple[Header, ...]) -> bytes:
    """The first lines of an answer; the same ones come again with each."""
    return STATUS_LINE[status] + b"".join(map(_line, headers))
