"""Server CPU an event by wire form, 1,000 events a request, durable and deduplicated, beside FastAPI + pydantic rows.

The servers, the events and the peer are those of ``ingest``; here the same events come as JSON, CSV, Arrow and OTLP. In
one run each round sends every form once, then the peer's rows. Blocks are what programs should send; this says what the
other forms cost instead, and the goals hold that it becomes no more.
"""

import csv
import io
import json
import random
import statistics
import tempfile
from collections.abc import Callable
from datetime import datetime
from typing import Any

from tests.bench.ingest import Size, _block, _cpu_us, _events, served
from tests.bench.measure import Measure
from tocsin_schema.block import MEDIA_TYPE

ROUNDS, SIZE, REQUESTS = 5, 1_000, 16
AT_ONCE = Size(SIZE, REQUESTS, clients=1, goal=0.0)  # the goals are those of the forms
GOALS = {"block": 0.15, "arrow": 0.5, "csv": 2.5, "json": 3.5, "otlp": 8.0}
Event = dict[str, Any]


def run() -> list[Measure]:
    """One measure a form; the detail has the bytes of a request."""
    rng = random.Random(1)
    taken: dict[str, list[float]] = {name: [] for name in [*FORMS, "peer"]}
    sizes: dict[str, int] = {}
    with tempfile.TemporaryDirectory() as folder, served("tocsin", folder) as tocsin, served("peer", folder) as peer:
        for _ in range(ROUNDS + 1):
            for name, (media_type, encode) in FORMS.items():
                bodies = [encode(_events(rng, SIZE)) for _ in range(REQUESTS)]
                sizes[name] = len(bodies[0])
                taken[name].append(_cpu_us(tocsin, "/v1/events", media_type, bodies, AT_ONCE))
            rows = [json.dumps(_events(rng, SIZE)).encode() for _ in range(REQUESTS)]
            taken["peer"].append(_cpu_us(peer, "/events", "application/json", rows, AT_ONCE))
    found = {name: statistics.median(times[1:]) for name, times in taken.items()}  # the first round warms up
    return [
        Measure(
            f"ingest_{name}",
            found[name],
            found["peer"],
            GOALS[name],
            "us/event",
            {"request_bytes": sizes[name], "rounds": ROUNDS},
        )
        for name in FORMS
    ]


def _flat(event: Event) -> Event:
    """An event as a row of a table."""
    row = {name: event[name] for name in ("project", "model", "version", "id", "time", "prediction", "latency_s")}
    row |= {f"feature.{name}": value for name, value in event["features"].items()}
    return row | {f"score.{name}": value for name, value in event["scores"].items()}


def _csv(events: list[Event]) -> bytes:
    rows = [_flat(event) for event in events]
    sink = io.StringIO()
    writer = csv.DictWriter(sink, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return sink.getvalue().encode()


def _arrow(events: list[Event]) -> bytes:
    import pyarrow as pa

    rows = [_flat(event) | {"time": datetime.fromisoformat(event["time"])} for event in events]
    table = pa.Table.from_pylist(rows)
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def _otlp(events: list[Event]) -> bytes:
    from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

    made = ExportLogsServiceRequest()
    logs = made.resource_logs.add().scope_logs.add().log_records
    for event in events:
        _fill(logs.add(event_name="tocsin.prediction").body, event)
    return made.SerializeToString()


def _fill(value: Any, plain: Any) -> None:
    if isinstance(plain, dict):
        for name, inner in plain.items():
            _fill(value.kvlist_value.values.add(key=name).value, inner)
    elif isinstance(plain, str):
        value.string_value = plain
    elif isinstance(plain, int):
        value.int_value = plain
    else:
        value.double_value = plain


_sequence = iter(range(1, 1 << 30))
FORMS: dict[str, tuple[str, Callable[[list[Event]], bytes]]] = {
    "block": (MEDIA_TYPE, lambda events: _block(events, next(_sequence))),
    "arrow": ("application/vnd.apache.arrow.stream", _arrow),
    "csv": ("text/csv", _csv),
    "json": ("application/json", lambda events: json.dumps(events).encode()),
    "otlp": ("application/x-protobuf", _otlp),
}
