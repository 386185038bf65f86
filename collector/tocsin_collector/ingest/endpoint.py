"""POST /v1/events as a bare ASGI callable: FastAPI's request and model layers would cost more than all the rest.

Measured per request of 1,000 events: 225 us as a bare callable, 388 us as a FastAPI route with a raw body, 21,000 us as
FastAPI with pydantic rows (docs/decisions/0031-wire-format.md). A small request whose body is there needs not even
that: ``at_once`` (docs/decisions/0092-small-requests-without-a-task.md).
"""

import asyncio
import contextlib
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping

from tocsin_collector.doors.caller import Caller, caller_of
from tocsin_collector.doors.quota import Hold, hold_of
from tocsin_collector.ingest.admission import Admission
from tocsin_collector.ingest.answer import JSON, Answer, Refusal, Reply
from tocsin_collector.ingest.body import Disconnected, Limits, Message, Receive, read_body
from tocsin_collector.ingest.form import Form, Given, form_of, query_of
from tocsin_collector.ingest.intake import Intake
from tocsin_collector.ingest.jsonbody import Parsed
from tocsin_collector.ingest.pairs import Pairs

Send = Callable[[Message], Awaitable[None]]
RETRY_AFTER_S = 5
MAX_HELD_BYTES = 128 << 20


class Endpoint:
    """The ASGI callable; give it to a Starlette ``Route``."""

    def __init__(self, intake: Intake, limits: Limits | None = None, admission: Admission | None = None) -> None:
        self._intake = intake
        self._admission = admission or Admission()
        self._bytes = 0
        self._limits = limits or Limits()
        self._pairs = Pairs()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request. Every refusal has the form of an answer."""
        headers = dict(scope["headers"])
        try:
            reply = self._told(await self._take(scope, headers, receive))
        except Refusal as refusal:
            reply = self._refused(refusal)
        except Disconnected:
            self._intake.counters.requests["disconnected"] += 1
            return
        await reply.give(send)

    async def _take(self, scope: Message, headers: dict[bytes, bytes], receive: Receive) -> Answer:
        form, parameters, caller = form_of(headers), query_of(scope.get("query_string", b"")), caller_of(scope)
        hold = hold_of(scope)
        body = await read_body(receive, headers, self._limits)
        hold.size_bytes = len(body)
        with self._held(len(body)):
            given = self._given(headers, parameters, caller)
            if len(body) <= form.inline_bytes:
                parsed = form.parse(body, given)
            else:
                parsed = await asyncio.to_thread(form.parse, body, given)
        return await self._stored(parsed, caller, hold, len(body))

    def form_at_once(self, headers: Mapping[bytes, bytes], size_bytes: int) -> Form | None:
        """The form of a body that ``at_once`` can take: no thread has to decompress or read it."""
        if b"content-encoding" in headers or size_bytes > self._limits.max_body_bytes:
            return None
        try:
            form = form_of(headers)
        except Refusal:
            return None
        return form if size_bytes <= form.inline_bytes else None

    def at_once(
        self,
        form: Form,
        headers: Mapping[bytes, bytes],
        query: bytes,
        body: bytes,
        caller: Caller,
        hold: Hold,
        tell: Callable[[Reply], None],
    ) -> None:
        """Take a body that is there, and ``tell`` once what becomes of it."""

        def told(stored: asyncio.Future[Answer]) -> None:
            try:
                tell(self._told(stored.result()))
            except Refusal as refusal:
                tell(self._refused(refusal))

        try:
            parsed = form.parse(body, self._given(headers, query_of(query), caller))
            self._stored(parsed, caller, hold, len(body)).add_done_callback(told)
        except Refusal as refusal:
            tell(self._refused(refusal))

    def _refused(self, refusal: Refusal) -> Reply:
        """What a client is told of a request that is refused, and count it."""
        self._intake.counters.rejected[refusal.code] += 1
        return self._told(refusal.answer(), refusal.status, refusal.retry_after_s)

    def _told(self, answer: Answer, status: int = 0, retry_after_s: int = 0) -> Reply:
        status = status or answer.status
        self._intake.counters.requests[str(status)] += 1
        headers: tuple[tuple[bytes, bytes], ...] = (JSON,)
        if status == 503 or retry_after_s:
            headers = (*headers, (b"retry-after", b"%d" % (retry_after_s or RETRY_AFTER_S)))
        if status == 408:
            # Only here: a connection that is closed while its client still sends is reset, and the client never reads
            # why. After a 413 uvicorn goes on reading and throws it away.
            headers = (*headers, (b"connection", b"close"))
        return Reply(status, headers, answer.to_json())

    def _stored(self, parsed: Parsed, caller: Caller, hold: Hold, size_bytes: int) -> asyncio.Future[Answer]:
        """Hand in what was read, as far as it may come in. Raises Refusal, as the answer may."""
        if lost := self._pairs.lost():
            self._intake.counters.rejected["no_other_half"] += lost
        self._check_room(size_bytes)
        place = self._admission.taken(caller, hold, parsed, size_bytes)
        taken = place.__enter__()  # left when the answer is there, long after this
        try:
            stored = self._intake.enter(taken, size_bytes)
        except BaseException:
            place.__exit__(*sys.exc_info())
            raise
        self._bytes += size_bytes

        def done(_: asyncio.Future[Answer]) -> None:
            self._bytes -= size_bytes
            place.__exit__(None, None, None)

        stored.add_done_callback(done)
        return stored

    def _given(self, headers: Mapping[bytes, bytes], parameters: Mapping[str, str], caller: Caller) -> Given:
        now_us = int(self._intake.clock() * 1e6)
        return Given(headers, parameters, now_us, self._limits.max_decompressed_bytes, self._pairs, caller.name)

    @contextlib.contextmanager
    def _held(self, size_bytes: int) -> Iterator[None]:
        """Keep a body after its gzip while it is read. Raises Refusal when there are too many of them."""
        self._check_room(size_bytes)
        self._bytes += size_bytes
        try:
            yield
        finally:
            self._bytes -= size_bytes

    def _check_room(self, size_bytes: int) -> None:
        if self._bytes + size_bytes > MAX_HELD_BYTES:
            raise Refusal(503, "busy", f"more than {MAX_HELD_BYTES} bytes of events at once; send it again")
