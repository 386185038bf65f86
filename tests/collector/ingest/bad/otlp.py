"""OTLP requests that are torn or bombs, and records that are no events; the answers at /v1/logs are OTLP's own."""

import json
from collections.abc import Iterator
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from tests.collector.ingest.bad.case import Case
from tocsin_collector.logs.otlp.fromproto import MEDIA_TYPE

LOGS = "/v1/logs"
_RECORD: dict[str, Any] = {"timeUnixNano": "1386237600123456789", "body": {"stringValue": "x"}}


def message(*bodies: Any) -> bytes:
    """A request with a record for each body: a text, or a map for an event."""
    made = ExportLogsServiceRequest()
    logs = made.resource_logs.add().scope_logs.add().log_records
    for body in bodies:
        log = logs.add(event_name="tocsin.prediction")
        if isinstance(body, str):
            log.body.string_value = body
        for name, value in body.items() if isinstance(body, dict) else ():
            log.body.kvlist_value.values.add(key=name).value.string_value = value
    return made.SerializeToString()


def cases() -> Iterator[Case]:
    """Every case of this file."""
    good = {"model": "m", "id": "good o", "prediction": "y"}
    for name, body, code in (
        ("an empty request", b"", "no_events"),
        ("no protobuf", b"\xff\xff\xff", "protobuf"),
        ("half a message", message(good)[:-3], "protobuf"),
        ("a group", b"\x0b" * 50, "protobuf"),
        ("a varint without an end", b"\x80" * 50, "protobuf"),
        ("a length past the end", b"\x0a\xff\xff\xff\xff\x0f", "protobuf"),
        ("a text that is no UTF-8", message("x").replace(b"x", b"\xff"), "protobuf"),
        ("JSON", b'{"resourceLogs":[]}', "protobuf"),
        ("a body that is a text", message("x"), "wrong_type"),
        ("a record without a body", message(None), "wrong_type"),
        ("an event without a model", message({"id": "a", "prediction": "y"}), "missing_field"),
        ("an event with an unknown field", message({**good, "colour": "red"}), "unknown_field"),
        ("a bomb of empty messages", b"\x0a\x00" * 500_000, "too_many"),
    ):
        status = 413 if code == "too_many" else 400
        yield Case(f"otlp events: {name}", body, MEDIA_TYPE, code, status)
    yield Case("otlp events: a good one between", message("x", good, {"id": "b"}), MEDIA_TYPE, "wrong_type", 200, 1)
    for name, body, status in (
        ("no protobuf", b"\xff\xff\xff", 400),
        ("half a message", message("x")[:-1], 400),
        ("JSON", b'{"resourceLogs":[]}', 400),
        ("messages nested to a depth of 500", _nested(500), 400),
        ("a bomb of empty messages", b"\x0a\x00" * 500_000, 413),
        ("values nested to a depth of 40", _nested(40), 200),
    ):
        yield Case(f"otlp logs: {name}", body, MEDIA_TYPE, "", status, path=LOGS)
    for name, more in (
        ("a time that is a word", {"timeUnixNano": "soon"}),
        ("a time that is a list", {"timeUnixNano": [1]}),
        ("a time past 2199", {"timeUnixNano": str(1 << 63)}),
        ("a negative time", {"timeUnixNano": -1}),
        ("a time that is infinite", {"timeUnixNano": float("inf")}),
        ("a severity that is a word", {"severityNumber": "SEVERITY_NUMBER_INFO"}),
        ("a trace id that is too short", {"traceId": "ab"}),
        ("a span id that is no hex", {"spanId": "x" * 16}),
        ("a body that is too deep", {"body": json.loads('{"arrayValue":{"values":[' * 40 + "{}" + "]}}" * 40)}),
        ("attributes past 256", {"attributes": [{"key": f"a{n}", "value": {"intValue": n}} for n in range(300)]}),
        ("attributes of 100 KB", {"attributes": [{"key": "a", "value": {"stringValue": "x" * 100_000}}]}),
    ):
        tree = {"resourceLogs": [{"scopeLogs": [{"logRecords": [_RECORD, {**_RECORD, **more}, 7]}]}]}
        yield Case(f"otlp json: {name}", json.dumps(tree).encode(), "application/json", "", 200, path=LOGS)
    for name, tree in (
        ("resource logs that are an object", {"resourceLogs": {}}),
        ("resource logs of numbers", {"resourceLogs": [1, None, "x"]}),
        ("a resource that is a text", {"resourceLogs": [{"resource": "x", "scopeLogs": [{"logRecords": [_RECORD]}]}]}),
        ("scope logs that are a text", {"resourceLogs": [{"scopeLogs": "x"}]}),
        ("attributes without keys", {"resourceLogs": [{"resource": {"attributes": [{}, 1, {"value": 1}]}}]}),
    ):
        yield Case(f"otlp json: {name}", json.dumps(tree).encode(), "application/json", "", 200, path=LOGS)
    many = b'{"resourceLogs":[' + b"[]," * 400_000 + b"[]]}"
    yield Case("otlp json: a million values", many, "application/json", "too_many", 413, path=LOGS)
    for name, body, code in (
        ("half a request", b'{"resourceLogs":[', "json"),
        ("a request that is too deep", b'{"resourceLogs":' * 40_000, "depth"),
        ("nothing", b"", "empty"),
        ("a record without a message", b"{}", "message"),
        ("a number", b"1", "object"),
        ("no UTF-8", b"\xff", "utf8"),
        ("NaN", b'{"message":"x","a":NaN}', "json"),
        ("a long id", json.dumps({"message": "x", "event.id": "x" * 65}).encode(), "id"),
        ("an id that is a number", b'{"message":"x","event.id":1}', "id"),
        ("a time that is a word", b'{"message":"x","@timestamp":"soon"}', "timestamp"),
        ("a time in 2200", b'{"message":"x","@timestamp":"2200-01-01T00:00:00Z"}', "timestamp"),
        ("too many fields", json.dumps({"message": "x"} | {str(n): n for n in range(300)}).encode(), "fields"),
    ):
        yield Case(f"logs: {name}", body, "application/json", code, 400, path=LOGS)
    yield Case("logs: 100,001 lines", b"1\n" * 100_001, "application/x-ndjson", "too_many", 413, path=LOGS)
    yield Case("logs: an image", b"x", "image/png", "content_type", 415, path=LOGS)
    yield Case("logs: a good line between", b'{\n{"message":"good"}\n', "application/x-ndjson", "json", 200, 1, LOGS)


def _nested(depth: int) -> bytes:
    """A record whose body is a list in a list."""
    value = b""
    for _ in range(depth):
        value = _field(5, _field(1, value))
    return _field(1, _field(2, _field(2, _field(5, value))))


def _field(number: int, raw: bytes) -> bytes:
    size, length = len(raw), bytearray()
    while size > 0x7F:
        length.append(size & 0x7F | 0x80)
        size >>= 7
    return bytes([number << 3 | 2, *length, size]) + raw
