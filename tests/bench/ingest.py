"""Server CPU an event: blocks, durable, deduplicated and profiled, against FastAPI + pydantic rows just parsed.

Both are real uvicorn servers in processes of their own and get the same events: 14 floats, 3 integers and 3
categories as features, a prediction, a score, a latency. The peer validates them and answers; it stores nothing. Each
round sends to one, then to the other; the figures are medians of the rounds. CPU is the server's own process time,
all of its threads.
"""

import contextlib
import gc
import http.client
import json
import os
import random
import socket
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from tests.bench import target
from tests.bench.measure import Measure
from tocsin_schema.block import MEDIA_TYPE, Block, column, encode

ROUNDS = 5


class Size(NamedTuple):
    """Events a request, requests a round, clients at once, and the bar. A single event is sent as JSON, as curl and
    most languages send it; more of them as a block."""

    events: int
    requests: int
    clients: int
    goal: float


SIZES = {"ingest": Size(1_000, 64, 8, 0.05), "ingest_32": Size(32, 128, 8, 0.25), "ingest_1": Size(1, 512, 64, 0.5)}
_START_US = 1_795_000_000_000_000


def run() -> list[Measure]:
    """A measure a size of request."""
    with tempfile.TemporaryDirectory() as folder, served("tocsin", folder) as tocsin, served("peer", folder) as peer:
        return [
            Measure(name, *_compare(tocsin, peer, size), size.goal, "us/event", {"rounds": ROUNDS})
            for name, size in SIZES.items()
        ]


def _compare(tocsin: int, peer: int, size: Size) -> tuple[float, float]:
    rng = random.Random(size.events)
    ours, theirs = [], []
    for turn in range(ROUNDS + 1):
        batches = [_events(rng, size.events) for _ in range(size.requests)]
        rows = [json.dumps(batch).encode() for batch in batches]
        if size.events == 1:
            media_type, bodies = "application/json", rows
        else:
            media_type = MEDIA_TYPE
            bodies = [_block(batch, turn * size.requests + number) for number, batch in enumerate(batches)]
        ours.append(_cpu_us(tocsin, "/v1/events", media_type, bodies, size))
        theirs.append(_cpu_us(peer, "/events", "application/json", rows, size))
    return statistics.median(ours[1:]), statistics.median(theirs[1:])  # the first round warms up


def _cpu_us(port: int, path: str, media_type: str, bodies: list[bytes], size: Size) -> float:
    before = _process_us(port)
    with ThreadPoolExecutor(size.clients) as clients:
        parts = (bodies[n :: size.clients] for n in range(size.clients))
        list(clients.map(lambda part: _send(port, path, media_type, part), parts))
    return (_process_us(port) - before) / size.requests / size.events


def _send(port: int, path: str, media_type: str, bodies: list[bytes]) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    for body in bodies:
        connection.request("POST", path, body, {"content-type": media_type})
        response = connection.getresponse()
        answer = json.loads(response.read())
        assert response.status == 200, answer
        assert answer["accepted"] > 0, answer
        assert not answer.get("rejected"), answer
    connection.close()


def _process_us(port: int) -> float:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)  # none is kept open: it might time out
    connection.request("GET", "/cpu")
    used_s = float(json.loads(connection.getresponse().read()))
    connection.close()
    return used_s * 1e6


def _events(rng: random.Random, size: int) -> list[dict[str, Any]]:
    return [
        {
            "type": "prediction",
            "project": "bench",
            "model": "credit",
            "version": "3",
            "id": f"{rng.getrandbits(128):032x}",
            "time": "2026-11-18T11:06:40Z",
            "features": {f"f{n}": rng.gauss(0, 1) for n in range(14)}
            | {f"i{n}": rng.randrange(100) for n in range(3)}
            | {f"c{n}": rng.choice(["red", "green", "blue", "none"]) for n in range(3)},
            "prediction": rng.choice(["yes", "no"]),
            "scores": {"yes": rng.random()},
            "latency_s": rng.random() / 100,
        }
        for _ in range(size)
    ]


def _block(events: list[dict[str, Any]], sequence: int) -> bytes:
    columns = [
        column("time", [_START_US] * len(events), "time"),
        column("id", [event["id"] for event in events], "str"),
        *(column(f"feature.{name}", [event["features"][name] for event in events]) for name in events[0]["features"]),
        column("prediction", [event["prediction"] for event in events]),
        column("score.yes", [event["scores"]["yes"] for event in events]),
        column("latency_s", [event["latency_s"] for event in events]),
    ]
    return encode(
        Block(
            "prediction",
            project="bench",
            model="credit",
            version="3",
            rows=len(events),
            producer=f"{len(events):032x}",
            sequence=sequence,
            columns={item.name: item for item in columns},
        )
    )


def served(kind: str, folder: str) -> contextlib.AbstractContextManager[int]:
    """tocsin or its peer; its port."""
    return target.served(__name__, kind, folder)


def serve(kind: str, folder: str) -> None:
    """The server's process: prints its port, serves until SIGTERM."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as the command does
    from fastapi import FastAPI

    app = FastAPI()

    @app.get("/cpu")
    async def cpu() -> float:
        return time.process_time()

    listener = socket.create_server(("127.0.0.1", 0))
    run = {"tocsin": _tocsin, "peer": _peer}[kind](app, folder)
    print(listener.getsockname()[1], flush=True)
    run(listener)


def _tocsin(app: Any, folder: str) -> Callable[[socket.socket], None]:
    """Behind its own doors, as the command runs it."""
    import uvloop

    from tocsin_collector.audit import Folder, Writer
    from tocsin_collector.doors.connection import Patience, Room
    from tocsin_collector.doors.counts import Counts
    from tocsin_collector.doors.gate import Gate
    from tocsin_collector.doors.keys import Keyring, path_of
    from tocsin_collector.doors.quota import Quotas
    from tocsin_collector.doors.server import serve
    from tocsin_collector.garbage import collect_later
    from tocsin_collector.ingest.admission import Admission
    from tocsin_collector.ingest.endpoint import Endpoint
    from tocsin_collector.ingest.intake import Intake
    from tocsin_collector.ingest.openapi import mount
    from tocsin_collector.journal import open_journal
    from tocsin_schema.config import load
    from tocsin_schema.settings.collector import COLLECTOR

    journal = open_journal(os.path.join(folder, "journal"))
    counts = Counts()
    quotas = Quotas(load(COLLECTOR, None, {}), counts, time.monotonic)
    endpoint = Endpoint(Intake(journal, _monitor().apply, clock=lambda: _START_US / 1e6), None, Admission(quotas))
    mount(app, endpoint)
    keyring = Keyring(path_of(folder), print)
    gate = Gate(app, None, keyring, quotas, counts, Writer(Folder(os.path.join(folder, "audit"), time.time)), endpoint)
    assert threading.active_count() == 1
    collect_later()  # as the command does
    return lambda listener: uvloop.run(serve(gate, listener, Room(Patience(), None, counts)))


def _monitor() -> Any:
    """Windows under a reference, so that each event is counted in the cells of its features."""
    from tocsin_collector.frame import frame
    from tocsin_collector.monitor.monitor import Monitor
    from tocsin_collector.monitor.reference_file import ReferenceRows
    from tocsin_collector.monitor.windows import Calendar
    from tocsin_schema.block import decode

    rows = frame(decode(_block(_events(random.Random(7), 5_000), 0)))
    clock = _START_US / 1e6
    monitor = Monitor(Calendar(3_600), keep=200, min_rows=200, on_verdict=lambda _: None, clock=lambda: clock)
    monitor.set_reference(rows.key, ReferenceRows(rows, None, {}), {})
    return monitor


def _peer(app: Any, folder: str) -> Callable[[socket.socket], None]:
    from datetime import datetime
    from typing import Literal

    import uvicorn
    from pydantic import BaseModel

    class Event(BaseModel):
        type: Literal["prediction"]
        project: str
        model: str
        version: str
        id: str
        time: datetime
        features: dict[str, float | int | str | None]
        prediction: str | float
        scores: dict[str, float]
        latency_s: float

    @app.post("/events")
    async def events(rows: list[Event]) -> dict[str, int]:
        return {"accepted": len(rows)}

    gc.freeze()
    config = uvicorn.Config(app, access_log=False, log_level="warning", lifespan="off", ws="none")
    return lambda listener: uvicorn.Server(config).run([listener])
