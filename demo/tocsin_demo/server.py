"""The model as a service: FastAPI under uvicorn, watched by tocsin's capture middleware.

    python -m tocsin_demo.server --listen 127.0.0.1:8000 --log predictions.log
    curl 127.0.0.1:8000/predict -H 'content-type: application/json' -d '{"flights": [{"id": "2013-12-05-B6917-JFK",
      "time": "2013-12-05T22:10:00Z", "scheduled_hour": 16, "dep_delay_min": 41, "distance_mi": 187, "seats": 100,
      "carrier": "B6", "origin": "JFK", "dest": "BOS"}]}'

Where events and metrics go: TOCSIN_ENDPOINT and TOCSIN_RUNTIME_DIR.
"""

import argparse
import logging
import signal
import socket
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import numpy as np
import uvicorn
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from starlette.types import ASGIApp, Receive, Scope, Send

from tocsin_agent.capture import Capture
from tocsin_demo import data, model
from tocsin_demo.model import LATE, ON_TIME, Inputs, Model

MAX_FLIGHTS = 64
MAX_BODY = 65_536
_log = logging.getLogger("tocsin_demo.server")


class Flight(BaseModel):
    """A flight that leaves the gate now."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    id: Annotated[str, Field(max_length=64, pattern=r"^[A-Za-z0-9._:-]+$")]
    time: AwareDatetime
    scheduled_hour: Annotated[int, Field(ge=0, le=23)]
    dep_delay_min: Annotated[float, Field(ge=-240, le=2_880)] | None = None
    distance_mi: Annotated[float, Field(ge=0, le=12_500)]
    seats: Annotated[float, Field(ge=1, le=1_000)] | None = None
    carrier: Annotated[str, Field(min_length=1, max_length=8)]
    origin: Annotated[str, Field(min_length=3, max_length=4)]
    dest: Annotated[str, Field(min_length=3, max_length=4)]


class Batch(BaseModel):
    """Some flights."""

    flights: Annotated[list[Flight], Field(min_length=1, max_length=MAX_FLIGHTS)]


class Answer(BaseModel):
    """What will become of each flight, and how probable it is that it comes late; in the order asked."""

    predictions: list[str]
    late: list[float]


def application(trained: Model, capture: Capture) -> FastAPI:
    """The service, without the middleware around it."""
    app = FastAPI(title="flights", version=model.VERSION)

    @app.post("/predict")
    async def predict(batch: Batch) -> Answer:  # async: a tenth of a millisecond of work needs no thread
        begun = time.perf_counter()
        late = trained.late(_inputs(batch.flights))
        answer = Answer(predictions=model.classes(late), late=[round(p, 6) for p in late.tolist()])
        _record(capture, batch.flights, answer)
        _tell(batch.flights, answer, time.perf_counter() - begun)
        return answer

    @app.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "ok", "model": model.NAME, "version": model.VERSION, "digest": trained.digest}

    @app.exception_handler(RequestValidationError)
    async def refuse(_request: Request, error: RequestValidationError) -> JSONResponse:
        # Without the input that was refused: a NaN or a lone surrogate in it could not be written as JSON.
        detail = [{name: fault[name] for name in ("loc", "msg", "type")} for fault in error.errors()[:10]]
        return JSONResponse({"detail": detail}, status_code=422)

    return app


def bounded(app: ASGIApp, max_bytes: int = MAX_BODY) -> ASGIApp:
    """Refuse a request body that says no length (411) or too large a one (413), before it is read."""

    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "POST":
            length = dict(scope["headers"]).get(b"content-length", b"")
            if not length.isdigit():
                return await JSONResponse({"detail": "a Content-Length is needed"}, 411)(scope, receive, send)
            if len(length) > 9 or int(length) > max_bytes:
                return await JSONResponse({"detail": f"at most {max_bytes} bytes"}, 413)(scope, receive, send)
        return await app(scope, receive, send)

    return guarded


def _inputs(flights: list[Flight]) -> Inputs:
    return Inputs(
        scheduled_hour=np.array([flight.scheduled_hour for flight in flights]),
        distance_mi=np.array([flight.distance_mi for flight in flights], np.float64),
        seats=np.array([flight.seats for flight in flights], np.float64),  # None becomes NaN
        carrier=np.array([flight.carrier for flight in flights]),
        origin=np.array([flight.origin for flight in flights]),
        dest=np.array([flight.dest for flight in flights]),
    )


def _record(capture: Capture, flights: list[Flight], answer: Answer) -> None:
    carriers, origins = [flight.carrier for flight in flights], [flight.origin for flight in flights]
    parts = data.part_of_day(np.array([flight.scheduled_hour for flight in flights]))
    capture.predictions(
        ids=[flight.id for flight in flights],
        time=[flight.time.timestamp() for flight in flights],
        features={
            "dep_delay_min": [flight.dep_delay_min for flight in flights],
            "distance_mi": [flight.distance_mi for flight in flights],
            "seats": [flight.seats for flight in flights],
            "carrier": carriers,
            "origin": origins,
            "dest": [flight.dest for flight in flights],
        },
        prediction=answer.predictions,
        scores={LATE: answer.late, ON_TIME: [round(1 - p, 6) for p in answer.late]},
        segment={"carrier": carriers, "origin": origins, "part_of_day": parts},
    )


def _tell(flights: list[Flight], answer: Answer, took_s: float) -> None:
    event_time = flights[-1].time.isoformat()
    late = answer.predictions.count(LATE)
    _log.info("predicted flights=%d late=%d event_time=%s took_ms=%.2f", len(flights), late, event_time, took_s * 1e3)
    gone = [flight for flight in flights if flight.dep_delay_min is None]
    if gone:
        _log.warning(
            "input_missing feature=dep_delay_min flights=%d first=%s event_time=%s", len(gone), gone[0].id, event_time
        )


def _log_to(path: Path) -> None:
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s.%(msecs)03dZ %(levelname)s %(message)s", "%Y-%m-%dT%H:%M:%S"))
    handler.formatter.converter = time.gmtime  # type: ignore[union-attr]
    _log.addHandler(handler)
    _log.setLevel(logging.INFO)


def _listener(listen: str) -> socket.socket:
    host, _, port = listen.rpartition(":")
    return socket.create_server((host, int(port)), backlog=128)


class _Server(uvicorn.Server):
    """uvicorn, which says on standard error where it listens once it does."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for host, port in (listener.getsockname()[:2] for listener in sockets or ()):
            print(f"tocsin_demo_server_listening address=http://{host}:{port}", file=sys.stderr, flush=True)


def main(arguments: Iterable[str] | None = None) -> int:
    """Serve until SIGINT or SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m tocsin_demo.server", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--listen", default="127.0.0.1:8000", metavar="ADDR:PORT", help="port 0 takes a free one")
    parser.add_argument(
        "--log", type=Path, metavar="FILE", help="where the service writes its log; without it, nowhere"
    )
    options = parser.parse_args(None if arguments is None else list(arguments))
    try:
        trained = model.load(data.load())
        if options.log:
            _log_to(options.log)
        listener = _listener(options.listen)
    except (data.DataError, OSError, ValueError, OverflowError) as error:
        print(f"tocsin_demo_server_failed error={error}", file=sys.stderr)
        return 1
    capture = Capture(model=model.NAME, version=model.VERSION, project=model.PROJECT)
    app = capture.asgi(bounded(application(trained, capture)))
    config = uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=2)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        _Server(config).run(sockets=[listener])
    except KeyboardInterrupt:
        pass  # uvicorn has served what was under way, and raises the signal again
    finally:
        capture.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
