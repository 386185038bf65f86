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


def added_us(variants: dict[str, tuple[App, Callable[[], object]]]) -> dict[str, float]:
    """The median of what each variant adds to the bare application of the same round."""
    found: dict[str, list[float]] = {name: [] for name in variants}
    for _ in range(ROUNDS):
        base = cpu_us(bare, bool)
        for name, (app, settle) in variants.items():
            found[name].append(cpu_us(app, settle) - base)
    return {name: statistics.median(values) for name, values in found.items()}


def run() -> list[Measure]:
    """The requests first, then what a prediction costs on top, so that its rows do not disturb the comparison."""
    runtime = tempfile.mkdtemp(prefix="tocsin-bench-")
    with socket.create_server(("127.0.0.1", 0)) as silent:  # an endpoint that is down
        capture = Capture("bench", endpoint=f"http://127.0.0.1:{silent.getsockname()[1]}", runtime_dir=runtime)
        peer = PrometheusInstrumentatorMiddleware(bare, registry=CollectorRegistry())
        added = added_us({"tocsin": (capture.asgi(bare), lambda: capture.flush(1)), "peer": (peer, bool)})
        rows = added_us({"rows": (capture.asgi(predicting(capture)), lambda: capture.flush(0.5))})
        capture.close(0.1)
    shutil.rmtree(runtime)
    detail = {"rounds": ROUNDS, "requests": REQUESTS, "added_with_a_prediction_us": rows["rows"]}
    return [Measure("capture-asgi", added["tocsin"], added["peer"], 0.1, "us", detail)]
