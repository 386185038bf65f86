"""Server CPU an event until the store has it, at 1,000 a request: the whole `tocsin collector`, MLflow's and Phoenix's
own servers.

Each is a process of its own and gets the same predictions: tocsin as blocks, and once more as OTLP logs, the others as
OTLP spans, each prediction a trace, with a model server's fields as the span's attributes. All three write SQLite or
files on the same disk. tocsin's and MLflow's acknowledgement means stored; Phoenix's means queued, so its database is
looked at until they are there. MLflow and Phoenix make rows for their pages of traces out of the spans and tocsin
windows of profiles, so this says what it costs to post predictions there, no more. CPU is that of all of a server's
processes; rounds alternate; the figures are medians.
"""

import contextlib
import http.client
import os
import random
import sqlite3
import statistics
import subprocess
import tempfile
from collections.abc import Iterator
from typing import Any, NamedTuple

import psutil

from tests.bench.ingest import _START_US, _block, _events
from tests.bench.ingest_forms import _otlp
from tests.bench.ingest_peers import _process, _tocsin
from tests.bench.measure import Measure
from tests.servers.process import free_port, until

ROUNDS, REQUESTS, ROWS = 5, 32, 1_000
OTLP_REQUESTS = 4
GOAL, GOAL_OTLP = 1 / 1000, 1 / 25
OTLP = "application/x-protobuf"
LIMIT_S = 600


class Store(NamedTuple):
    """A peer that runs, and where it keeps its spans."""

    pid: int
    port: int
    headers: dict[str, str]
    database: str

    def cpu_us(self, body: bytes, rows: int) -> float:
        """CPU of all its processes from a request until its spans are in the database."""
        before_s, wanted = self._used_s(), self._spans() + rows
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=LIMIT_S)) as connection:
            connection.request("POST", "/v1/traces", body, {"content-type": OTLP, **self.headers})
            answer = connection.getresponse()
            said = answer.read()
            assert answer.status == 200, said
        until(lambda: self._spans() >= wanted, "the spans are in the database", LIMIT_S, every_s=0.5)
        return (self._used_s() - before_s) * 1e6

    def _used_s(self) -> float:
        server = psutil.Process(self.pid)
        return sum(sum(process.cpu_times()[:4]) for process in (server, *server.children(recursive=True)))

    def _spans(self) -> int:
        with contextlib.closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=60)) as database:
            (count,) = database.execute("SELECT count(*) FROM spans").fetchone()
        return int(count)


def run() -> list[Measure]:
    """The first round warms up."""
    rng = random.Random(1)
    taken: dict[str, list[float]] = {name: [] for name in ("blocks", "otlp", "mlflow", "phoenix")}
    with tempfile.TemporaryDirectory() as folder, _tocsin(folder) as tocsin, _mlflow(folder) as mlflow:
        by_otlp = tocsin._replace(media_type=OTLP)
        with _phoenix(folder) as phoenix:
            for turn in range(ROUNDS + 1):
                blocks = [_block(_events(rng, ROWS), turn * REQUESTS + number) for number in range(REQUESTS)]
                taken["blocks"].append(tocsin.cpu_us(blocks) / REQUESTS / ROWS)
                logs = [_otlp(_events(rng, ROWS)) for _ in range(OTLP_REQUESTS)]
                taken["otlp"].append(by_otlp.cpu_us(logs) / OTLP_REQUESTS / ROWS)
                for name, store in (("mlflow", mlflow), ("phoenix", phoenix)):
                    taken[name].append(store.cpu_us(_spans(_events(rng, ROWS), rng), ROWS) / ROWS)
    found = {name: statistics.median(times[1:]) for name, times in taken.items()}
    measures: list[Measure] = []
    for name, package in (("mlflow", "mlflow"), ("phoenix", "arize-phoenix")):
        detail: dict[str, Any] = {"rounds": ROUNDS, "rows": ROWS, package: _version(name, package)}
        measures += [
            Measure(f"ingest_{name}", found["blocks"], found[name], GOAL, "us/event", detail),
            Measure(f"ingest_{name}_otlp", found["otlp"], found[name], GOAL_OTLP, "us/event", detail),
        ]
    return measures


def _spans(events: list[dict[str, Any]], rng: random.Random) -> bytes:
    """A trace of one span an event, as an instrumented model server exports them."""
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
    from opentelemetry.proto.trace.v1.trace_pb2 import Span

    request = ExportTraceServiceRequest()
    spans = request.resource_spans.add().scope_spans.add().spans
    for event in events:
        span = spans.add(
            trace_id=bytes.fromhex(event["id"]),
            span_id=rng.randbytes(8),
            name="predict",
            kind=Span.SPAN_KIND_SERVER,
            start_time_unix_nano=_START_US * 1000,
            end_time_unix_nano=_START_US * 1000 + int(event["latency_s"] * 1e9),
        )
        fields = {f"feature.{name}": value for name, value in event["features"].items()}
        fields |= {name: event[name] for name in ("model", "version", "prediction")}
        for name, value in (fields | {"score.yes": event["scores"]["yes"]}).items():
            attribute = span.attributes.add(key=name).value
            if isinstance(value, str):
                attribute.string_value = value
            elif isinstance(value, int):
                attribute.int_value = value
            else:
                attribute.double_value = value
    return request.SerializeToString()


@contextlib.contextmanager
def _mlflow(folder: str) -> Iterator[Store]:
    port, database = free_port(), os.path.join(folder, "mlflow.db")
    command = [_program("mlflow", "mlflow"), "server", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", f"sqlite:///{database}", "--artifacts-destination", folder]
    # Its runner of jobs polls all the time, which is no cost of an event.
    environ = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    with _process(command, port, "/health", folder, "mlflow", environ) as pid, _children_ended(pid):
        yield Store(pid, port, {"x-mlflow-experiment-id": "0"}, database)


@contextlib.contextmanager
def _phoenix(folder: str) -> Iterator[Store]:
    port = free_port()
    environ = {
        "PHOENIX_HOST": "127.0.0.1",
        "PHOENIX_PORT": str(port),
        "PHOENIX_GRPC_PORT": str(free_port()),
        "PHOENIX_WORKING_DIR": folder,
        "PHOENIX_TELEMETRY_ENABLED": "false",
        "PHOENIX_ALLOW_EXTERNAL_RESOURCES": "false",
    }
    with _process([_program("phoenix", "phoenix"), "serve"], port, "/healthz", folder, "phoenix", environ) as pid:
        yield Store(pid, port, {}, os.path.join(folder, "phoenix.db"))


@contextlib.contextmanager
def _children_ended(pid: int) -> Iterator[None]:
    """The workers of a server outlive it when it is killed."""
    try:
        yield
    finally:
        for child in psutil.Process(pid).children(recursive=True):
            child.kill()


def _program(environment: str, name: str) -> str:
    return os.path.join(os.getcwd(), f".venv-{environment}/bin/{name}")


def _version(environment: str, package: str) -> str:
    script = f"from importlib.metadata import version; print(version({package!r}))"
    return subprocess.run(
        [_program(environment, "python"), "-c", script], stdout=subprocess.PIPE, text=True, check=True
    ).stdout.strip()
