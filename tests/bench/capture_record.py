"""CPU of one recorded prediction, from the call to the block at its endpoint: tocsin's capture, prometheus_client's
observe, and the OpenTelemetry SDK's logs.

All three run in this process, one after the other in each round, and get the same events: an id, a time, a prediction
and 20 features (14 floats, 3 integers, 3 texts); prometheus_client only takes one number of each. Blocks and OTLP go to
an HTTP server in another process that answers at once. CPU is that of this whole process, background threads included,
until everything was sent. The detail has the call alone, what the thread of a request pays, and the floor: what the
standard library takes to copy the mappings and to pack their values, with nothing checked and nothing sent.
"""

import gc
import json
import random
import socketserver
import statistics
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from itertools import chain
from operator import itemgetter
from typing import Any, NamedTuple

from prometheus_client import CollectorRegistry, Histogram

from tests.bench import target
from tests.bench.measure import Measure
from tocsin_agent.capture import Capture

ROUNDS, EVENTS, BATCH = 7, 8_000, 1_000
GOAL_OBSERVE, GOAL_LOGS = 1.0, 1 / 50
_START_S = 1_795_000_000.0


class Event(NamedTuple):
    """One prediction as a model server has it."""

    id: str
    time: float
    features: dict[str, float | int | str]
    prediction: str


class Recorder(NamedTuple):
    """``record`` takes one event; ``settle`` returns when all of them have left."""

    record: Callable[[Event], object]
    settle: Callable[[], object]


def run() -> list[Measure]:
    """Each figure is the median of its rounds; the first one warms up."""
    rng, found = random.Random(4), dict[str, list[tuple[float, float]]]()
    with target.served(__name__) as port, _recorders(f"http://127.0.0.1:{port}") as recorders:
        for _ in range(ROUNDS + 1):
            events = [_event(rng) for _ in range(EVENTS)]
            for name, recorder in recorders.items():
                found.setdefault(name, []).append(_cost_us(recorder, events))
    whole = {name: statistics.median(each[0] for each in costs[1:]) for name, costs in found.items()}
    calls = {f"{name}_call_us": statistics.median(each[1] for each in costs[1:]) for name, costs in found.items()}
    detail: dict[str, Any] = {**calls, "floor_us": whole["floor"], "rounds": ROUNDS, "events": EVENTS, "features": 20}
    return [
        Measure("capture_record", whole["tocsin"], whole["observe"], GOAL_OBSERVE, "us/event", detail),
        Measure("capture_record_logs", whole["tocsin"], whole["otel"], GOAL_LOGS, "us/event", {}),
    ]


def _cost_us(recorder: Recorder, events: list[Event]) -> tuple[float, float]:
    """CPU of the process an event, and that of the calls alone."""
    record = recorder.record
    gc.collect()  # the events are new: whoever came first would pay for looking at all of them
    whole, call = time.process_time(), time.thread_time()
    for event in events:
        record(event)
    call = time.thread_time() - call
    recorder.settle()
    return (time.process_time() - whole) / len(events) * 1e6, call / len(events) * 1e6


@contextmanager
def _recorders(url: str) -> Iterator[dict[str, Recorder]]:
    capture = Capture(model="credit", version="3", project="bench", endpoint=url, runtime_dir="")
    logs, provider = _otel(url)
    yield {"tocsin": _tocsin(capture), "observe": _observe(), "floor": _floor(), "otel": logs}
    provider.shutdown()
    assert capture.close(10)


def _tocsin(capture: Capture) -> Recorder:
    def record(event: Event) -> None:
        capture.prediction(id=event.id, features=event.features, prediction=event.prediction, time=event.time)

    def settle() -> None:
        assert capture.flush(60)

    return Recorder(record, settle)


def _observe() -> Recorder:
    histogram = Histogram("f0", "One feature.", registry=CollectorRegistry())
    return Recorder(lambda event: histogram.observe(event.features["f0"]), lambda: None)  # type: ignore[arg-type]


def _floor() -> Recorder:
    kept: list[Any] = []

    def record(event: Event) -> None:
        kept.extend((event.id, event.time, event.prediction, dict(event.features)))

    def settle() -> None:
        rows = len(kept) // 4
        names = [*kept[3]]
        taken = [*chain.from_iterable(map(itemgetter(*names), kept[3::4]))]
        for at in range(14):
            struct.pack(f"{rows}d", *taken[at :: len(names)])
        for at in range(14, 17):
            struct.pack(f"{rows}q", *taken[at :: len(names)])
        for texts in (taken[17 :: len(names)], taken[18 :: len(names)], taken[19 :: len(names)], kept[2::4]):
            codes = dict(zip(set(texts), range(rows), strict=False))
            struct.pack(f"{rows}I", *map(codes.__getitem__, texts))
        struct.pack(f"{rows}d", *kept[1::4])
        "".join(kept[::4]).encode()
        kept.clear()

    return Recorder(record, settle)


def _otel(url: str) -> tuple[Recorder, Any]:
    from opentelemetry._logs import LogRecord
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
    from opentelemetry.sdk._logs import LoggerProvider
    from opentelemetry.sdk._logs.export import BatchLogRecordProcessor

    provider = LoggerProvider()
    exporter = OTLPLogExporter(endpoint=f"{url}/v1/logs")
    provider.add_log_record_processor(
        BatchLogRecordProcessor(exporter, max_queue_size=2 * EVENTS, max_export_batch_size=BATCH)
    )
    logger = provider.get_logger("bench")

    def record(event: Event) -> None:
        said = {"id": event.id, "prediction": event.prediction, **event.features}
        logger.emit(LogRecord(timestamp=int(event.time * 1e9), body="prediction", attributes=said))

    def settle() -> None:
        assert provider.force_flush(60_000)

    return Recorder(record, settle), provider


def _event(rng: random.Random) -> Event:
    features: dict[str, float | int | str] = {f"f{n}": rng.gauss(0, 1) for n in range(14)}
    features |= {f"i{n}": rng.randrange(100) for n in range(3)}
    features |= {f"c{n}": rng.choice(["red", "green", "blue", "none"]) for n in range(3)}
    return Event(f"{rng.getrandbits(128):032x}", _START_S + rng.random(), features, rng.choice(["yes", "no"]))


def serve() -> None:
    """The endpoint's process: answers blocks as the collector does, and OTLP with nothing."""
    answer = json.dumps({"accepted": BATCH, "duplicate": 0, "rejected": [], "position": ""}).encode()

    class Sink(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            body = answer if self.path == "/v1/events" else b""
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Sink) as server:
        server.daemon_threads = True
        print(server.server_address[1], flush=True)
        server.serve_forever()
