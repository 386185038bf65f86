"""The ASGI middleware: what is measured of a request, and how little it does while the request runs.

The wrapped ``send`` is a plain function that hands out the server's own awaitable, ``receive`` is the server's own, and
headers are not read: the trace id is parsed when somebody asks for it. The duration ends with the last byte handed to
the server, so background tasks do not count; the time to the first byte ends with the first byte of the body.
"""

import os
from _thread import allocate_lock
from contextvars import ContextVar
from time import perf_counter_ns

from tocsin_agent.capture import ids, trace
from tocsin_agent.capture.series import CANCELLED, CLIENT_ERROR, OK, SERVER_ERROR
from tocsin_schema.metric import OVERFLOW

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, MutableMapping
    from typing import Any, TypeAlias

    from tocsin_agent.capture.series import Series
    from tocsin_agent.capture.worker import Worker

    Scope: TypeAlias = MutableMapping[str, Any]
    Message: TypeAlias = MutableMapping[str, Any]
    Receive: TypeAlias = Callable[[], Awaitable[Message]]
    Send: TypeAlias = Callable[[Message], Awaitable[None]]
    App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

PROBES = frozenset(
    (
        *("/health", "/healthz", "/livez", "/readyz", "/ping", "/health/live", "/health/ready"),
        *("/v2/health/live", "/v2/health/ready", "/metrics", "/docs", "/openapi.json", "/favicon.ico"),
    )
)
"""Paths that no model answers. A probe each second would be most of a quiet model's traffic."""

GONE = frozenset(("CancelledError", "Cancelled", "GeneratorExit", "ClientDisconnect", "ClientDisconnected"))
"""Exceptions, by name, that say that nobody waits for the answer: asyncio's, trio's, Starlette's and uvicorn's."""

FILES = ("http.response.pathsend", "http.response.zerocopysend")

_making = allocate_lock()
os.register_at_fork(after_in_child=lambda: globals().update(_making=allocate_lock()))


class Exchange:
    """One request while it is served, and after, as long as a row of it waits."""

    __slots__ = ("_headers", "_trace", "end_ns", "error", "first_ns", "start_ns", "status")

    def __init__(self, headers: "Iterable[tuple[bytes, bytes]]") -> None:
        self._headers = headers
        self._trace: str | None = None
        self.status = 0
        self.error = ""
        self.first_ns = 0
        self.end_ns = 0
        self.start_ns = perf_counter_ns()

    def trace_id(self) -> str:
        """The caller's trace id, or one made here; the same whenever it is asked."""
        if self._trace is None:
            with _making:
                self._trace = self._trace or trace.from_headers(self._headers) or ids.make()
                self._headers = ()
        return self._trace

    def outcome(self) -> int:
        """How it ended, once the application has returned."""
        # 1. The last byte went out: the status tells, also when a background task failed after it.
        # 2. The application failed, or was cancelled because the client had gone.
        # 3. It returned in the middle of its answer: Starlette's streams do when the client has gone.
        # 4. It returned without any answer, for which servers send a 500.
        if self.end_ns:
            return OK if self.status < 400 else CLIENT_ERROR if self.status < 500 else SERVER_ERROR
        if self.error:
            return CANCELLED if self.error in GONE else SERVER_ERROR
        return CANCELLED if self.status else SERVER_ERROR


current: "ContextVar[Exchange | None]" = ContextVar("tocsin_exchange", default=None)


def middleware(app: "App", series: "Series", worker: "Worker") -> "App":
    """``app`` with its requests observed; lifespan, websockets and probes pass untouched."""

    async def observed_app(scope: "Scope", receive: "Receive", send: "Send") -> None:
        if scope["type"] != "http" or scope.get("path") in PROBES:
            if scope["type"] == "lifespan":
                worker.start()
            await app(scope, receive, send)
            return
        if not worker.running:
            worker.start()
        exchange = Exchange(scope.get("headers", ()))

        def observed_send(message: "Message") -> "Awaitable[None]":
            try:
                kind = message["type"]
                if kind == "http.response.body":
                    if not message.get("more_body"):
                        exchange.end_ns = perf_counter_ns()
                    elif not exchange.first_ns and message.get("body"):
                        exchange.first_ns = perf_counter_ns()
                elif kind == "http.response.start":
                    exchange.status = message["status"]
                elif kind in FILES and not message.get("more_body"):
                    exchange.end_ns = perf_counter_ns()
            except Exception as error:
                worker.fault(error)
            return send(message)

        live = series.live
        live.add(exchange)
        token = current.set(exchange)
        try:
            await app(scope, receive, observed_send)
        except BaseException as error:
            exchange.error = type(error).__name__
            raise
        finally:
            live.discard(exchange)
            try:
                current.reset(token)
                outcome, end_ns, first_ns = exchange.outcome(), exchange.end_ns, exchange.first_ns
                if not end_ns:
                    end_ns = exchange.end_ns = perf_counter_ns()
                elif not first_ns:
                    first_ns = end_ns
                start_ns = exchange.start_ns
                route = getattr(scope.get("route"), "path", OVERFLOW)
                worker.observe(series, route, outcome, end_ns - start_ns, first_ns - start_ns if first_ns else -1)
            except Exception as error:
                worker.fault(error)

    return observed_app
