"""One client's connection: uvicorn's, and what it does not look at.

uvicorn has a time for a connection between two requests and none for anything else: no first request has to come, a
head or a body may take for ever, a head may be of any size, and nobody counts connections before a request is whole.
The phases of a connection here, and their clocks:
1. a head is due, from its first moment or the first byte of a next request on: after ``head_s`` it is closed
2. a body is due: every ``body_s`` it is closed if less than ``body_bytes`` have come, and at once if what comes is
   beside the body for longer than a head may be: the extension of a chunk, or trailers, which nobody here reads
3. an answer is on its way: while too much of it waits for its reader, every ``body_s`` it is closed if none of it went
4. between two requests: uvicorn's own
When there are too many, the one that is in 1 or 4 for longest makes room; without any, the new one is closed.
"""

import asyncio
from asyncio import TimerHandle
from typing import Any, NamedTuple

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from tocsin_collector.doors.counts import Counts
from tocsin_collector.doors.headers import in_text
from tocsin_schema.web.names import named
from tocsin_schema.web.protection import Protection

MAX_HEAD_BYTES = 65_536
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


class Connection(HttpToolsProtocol):
    """A connection in a room."""

    def __init__(self, room: Room, **given: Any) -> None:
        super().__init__(**given)
        self._room = room
        self._clock: TimerHandle | None = None
        self._reader_clock: TimerHandle | None = None
        self._body_due = False
        self._received = 0
        """Bytes of the head, or of the body since its clock was looked at."""
        self._beside = 0
        """Bytes since the last one that was of a body."""

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
            self._await_head()
        self._received += len(data)
        self._beside += len(data)
        super().data_received(data)
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
        super().on_body(body)

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self._stop()
        self._received, self._beside, self._body_due = 0, 0, True
        self._clock = self.loop.call_later(self._room.patience.body_s, self._look_at_body)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The body is whole. Where its answer is out already (413), uvicorn has no clock for what comes next."""
        self._stop()
        self._body_due = False
        super().on_message_complete()
        if self._idle:
            self._await_head()

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
        self._received = 0
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
