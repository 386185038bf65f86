"""POST /v1/events as a bare ASGI callable: FastAPI's request and model layers would cost more than all the rest.

Measured per request of 1,000 events: 225 us as a bare callable, 388 us as a FastAPI route with a raw body, 21,000 us as
FastAPI with pydantic rows (docs/decisions/0031-wire-format.md).
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator

from tocsin_collector.doors.caller import caller_of
from tocsin_collector.doors.quota import hold_of
from tocsin_collector.ingest.admission import Admission
from tocsin_collector.ingest.answer import Answer, Refusal
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
        counters = self._intake.counters
        retry_after_s = 0
        try:
            answer = await self._take(scope, headers, receive)
            status = answer.status
        except Refusal as refusal:
            answer, status, retry_after_s = refusal.answer(), refusal.status, refusal.retry_after_s
            counters.rejected[refusal.code] += 1
        except Disconnected:
            counters.requests["disconnected"] += 1
            return
        counters.requests[str(status)] += 1
        await _reply(send, status, answer, retry_after_s)

    async def _take(self, scope: Message, headers: dict[bytes, bytes], receive: Receive) -> Answer:
        form, parameters, caller = form_of(headers), query_of(scope.get("query_string", b"")), caller_of(scope)
        hold = hold_of(scope)
        body = await read_body(receive, headers, self._limits)
        hold.size_bytes = len(body)
        with self._held(len(body)):
            now_us = int(self._intake.clock() * 1e6)
            most_bytes = self._limits.max_decompressed_bytes
            given = Given(headers, parameters, now_us, most_bytes, self._pairs, caller.name)
            parsed = await _parsed(form, body, given)
            if lost := self._pairs.lost():
                self._intake.counters.rejected["no_other_half"] += lost
            with self._admission.taken(caller, hold, parsed, len(body)) as taken:
                return await self._intake.submit(*taken, size_bytes=len(body))

    @contextlib.contextmanager
    def _held(self, size_bytes: int) -> Iterator[None]:
        """Keep a body after its gzip until the journal has it. Raises Refusal when there are too many of them."""
        if self._bytes + size_bytes > MAX_HELD_BYTES:
            raise Refusal(503, "busy", f"more than {MAX_HELD_BYTES} bytes of events at once; send it again")
        self._bytes += size_bytes
        try:
            yield
        finally:
            self._bytes -= size_bytes


async def _parsed(form: Form, body: bytes, given: Given) -> Parsed:
    if len(body) <= form.inline_bytes:
        return form.parse(body, given)
    return await asyncio.to_thread(form.parse, body, given)


async def _reply(send: Send, status: int, answer: Answer, retry_after_s: int) -> None:
    body = answer.to_json()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    if status == 503 or retry_after_s:
        headers.append((b"retry-after", b"%d" % (retry_after_s or RETRY_AFTER_S)))
    if status == 408:
        # Only here: a connection that is closed while its client still sends is reset, and the client never reads why.
        # After a 413 uvicorn goes on reading and throws it away.
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
