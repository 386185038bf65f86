"""OTLP in protobuf, by the official classes (``opentelemetry-proto``, an extra).

They make an object of each message, though it has but two bytes on the wire: 32 MiB could take gigabytes. So messages
are counted before they are made.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from tocsin_collector.ingest.answer import Refusal
from tocsin_collector.ingest.package import package
from tocsin_collector.logs.otlp.entry import Entry, bounded, plain
from tocsin_collector.logs.record import RecordError

MEDIA_TYPE = "application/x-protobuf"
MAX_MESSAGES = 250_000
Scalar = Callable[[object], object]
# Which fields of a message hold messages, by field number (opentelemetry/proto/{collector/logs,logs,common}/v1).
_KEY_VALUE: dict[int, Any] = {}
_ANY_VALUE: dict[int, Any] = {5: {}, 6: {1: _KEY_VALUE}}
_ANY_VALUE[5][1] = _ANY_VALUE
_KEY_VALUE[2] = _ANY_VALUE
_LOG_RECORD = {5: _ANY_VALUE, 6: _KEY_VALUE}
_SCOPE_LOGS = {1: {3: _KEY_VALUE}, 2: _LOG_RECORD}
_REQUEST = {1: {1: {1: _KEY_VALUE, 3: {}}, 2: _SCOPE_LOGS}}


def request(body: bytes) -> Any:
    """The decoded ExportLogsServiceRequest. Raises Refusal."""
    service = package("opentelemetry.proto.collector.logs.v1.logs_service_pb2", "otlp", f"content-type {MEDIA_TYPE}")
    message = package("google.protobuf.message", "otlp", f"content-type {MEDIA_TYPE}")
    if too_many(body):
        raise Refusal(413, "too_many", f"more than {MAX_MESSAGES} messages in one request")
    try:
        return service.ExportLogsServiceRequest.FromString(body)
    except message.DecodeError as error:
        raise Refusal(400, "protobuf", f"no ExportLogsServiceRequest: {error!s:.120}") from None


def entries(decoded: Any, scalar: Scalar = plain) -> Iterator[Entry | RecordError]:
    """Each log record, or why it is none; ``scalar`` is what becomes of the values in its body."""
    for resource_logs in decoded.resource_logs:
        try:
            resource = _attributes(resource_logs.resource.attributes)
        except RecordError:
            resource = {}  # its records are worth more than what it says
        for scope_logs in resource_logs.scope_logs:
            for log in scope_logs.log_records:
                try:
                    yield _entry(log, resource, scope_logs.scope.name, scalar)
                except RecordError as error:
                    yield error


def _entry(log: Any, resource: dict[str, object], scope: str, scalar: Scalar) -> Entry:
    return Entry(
        resource,
        scope,
        time_ns=log.time_unix_nano,
        observed_ns=log.observed_time_unix_nano,
        severity=log.severity_number,
        severity_text=log.severity_text,
        body=_value(log.body, 0, scalar),
        attributes=_attributes(log.attributes),
        trace_id=log.trace_id.hex() if any(log.trace_id) else "",
        span_id=log.span_id.hex() if any(log.span_id) else "",
        event_name=log.event_name,
    )


def _attributes(pairs: Iterable[Any], depth: int = 0, scalar: Scalar = plain) -> dict[str, object]:
    return {pair.key: _value(pair.value, depth, scalar) for pair in pairs}


def _value(value: Any, depth: int, scalar: Scalar) -> object:
    inner = bounded(depth)
    kind = value.WhichOneof("value")
    if kind is None:
        return None
    if kind == "array_value":
        return [_value(item, inner, scalar) for item in value.array_value.values]
    if kind == "kvlist_value":
        return _attributes(value.kvlist_value.values, inner, scalar)
    return scalar(getattr(value, kind))


def too_many(body: bytes) -> bool:
    """Whether a request would be more than MAX_MESSAGES objects. Says no where the bytes are no protobuf."""
    count, waiting = 0, [(0, len(body), _REQUEST)]
    while waiting:
        at, end, fields = waiting.pop()
        try:
            while at < end:
                tag, at = (body[at], at + 1) if body[at] < 0x80 else _varint(body, at)
                if tag & 7 != 2:
                    at = _behind(body, at, tag & 7)
                    continue
                length, at = (body[at], at + 1) if body[at] < 0x80 else _varint(body, at)
                inner = fields.get(tag >> 3)
                if inner is not None:
                    count += 1
                    if count > MAX_MESSAGES:
                        return True
                    if length and inner:
                        waiting.append((at, min(at + length, end), inner))
                at += length
        except (IndexError, ValueError):
            continue  # torn: the official classes say how
    return False


def _behind(body: bytes, at: int, wire_type: int) -> int:
    """Where the field behind one of a fixed length or a varint begins."""
    if wire_type == 0:
        return _varint(body, at)[1]
    if wire_type in (1, 5):
        return at + (8 if wire_type == 1 else 4)
    raise ValueError("a group, or no protobuf")


def _varint(body: bytes, at: int) -> tuple[int, int]:
    value, shift = 0, 0
    while shift < 70:
        byte = body[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
    raise ValueError("a varint of more than ten bytes")
