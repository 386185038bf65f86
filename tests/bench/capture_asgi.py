"""Added CPU of one request: tocsin's middleware against prometheus-fastapi-instrumentator over the same bare ASGI app.

Both wrap an application that answers at once, so that the difference to the bare one is what observing costs. CPU is
that of the whole process (tocsin's background thread folds into its file meanwhile), the variants alternate, and each
figure is the median of its rounds. The detail has the cost with one prediction of 20 features a request on top, encoded
into blocks; the peer has no counterpart to that.
"""

import asyncio
import shutil
import socket
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_fastapi_instrumentator.middleware import PrometheusInstrumentatorMiddleware

from tests.bench.measure import Measure
from tocsin_agent.capture import Capture

App = Callable[[dict[str, Any], Any, Any], Awaitable[None]]

ROUNDS, REQUESTS = 11, 4_000
FEATURES = {f"f{number}": float(number) for number in range(20)}
HEADERS = [(b"host", b"model"), (b"content-type", b"application/json"), (b"content-length", b"110")]


async def bare(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """An application that answers at once."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": b"ok"})


async def receive() -> dict[str, Any]:
    """No body."""
    return {"type": "http.request", "body": b"", "more_body": False}


async def send(message: dict[str, Any]) -> None:
    """The server's end: nothing."""


async def requests(app: App) -> None:
    """A round of requests, each with a scope of its own, as a server makes it."""
    for _ in range(REQUESTS):
        scope = {"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "root_path": ""}
        scope |= {
            "path": "/predict",
            "raw_path": b"/predict",
            "query_string": b"",
            "scheme": "http",
            "headers": HEADERS,
        }
        scope |= {"client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80)}
        await app(scope, receive, send)


def cpu_us(app: App, settle: Callable[[], object]) -> float:
    """CPU of the process a request, in microseconds, with what the requests left for the background thread."""
    start = time.process_time()
    asyncio.run(requests(app))
    settle()
    return (time.process_time() - start) / REQUESTS * 1e6


def predicting(capture: Capture) -> App:
    """The bare application with one row of 20 features a request."""

    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
        capture.prediction(features=FEATURES, prediction=1.0)
        await bare(scope, receive, send)

    return app


def run() -> list[Measure]:
    """The medians over alternating rounds."""
    runtime = tempfile.mkdtemp(prefix="tocsin-bench-")
    with socket.create_server(("127.0.0.1", 0)) as silent:  # an endpoint that is down
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        capture = Capture("bench", endpoint=address, runtime_dir=runtime)
        rows = Capture("rows", endpoint=f"{address}/rows", runtime_dir=runtime)
        peer = PrometheusInstrumentatorMiddleware(bare, registry=CollectorRegistry())
        variants: dict[str, tuple[App, Callable[[], object]]] = {
            "bare": (bare, bool),
            "tocsin": (capture.asgi(bare), lambda: capture.flush(0.1)),
            "peer": (peer, bool),
            "rows": (rows.asgi(predicting(rows)), lambda: rows.flush(0.5)),
        }
        found: dict[str, list[float]] = {name: [] for name in variants}
        for _ in range(ROUNDS):
            for name, (app, settle) in variants.items():
                found[name].append(cpu_us(app, settle))
        capture.close(0.1)
        rows.close(0.1)
    shutil.rmtree(runtime)
    base = statistics.median(found["bare"])
    added = {name: statistics.median(values) - base for name, values in found.items()}
    detail = {"base_us": base, "rounds": ROUNDS, "requests": REQUESTS, "added_with_a_prediction_us": added["rows"]}
    return [Measure("capture-asgi", added["tocsin"], added["peer"], 0.1, "us", detail)]
