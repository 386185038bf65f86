"""OTLP in JSON: protobuf's JSON mapping with ids in hex; 64-bit integers may be texts, unknown fields are skipped."""

import json
from collections.abc import Iterator
from typing import Any

from tocsin_collector.ingest.answer import Refusal
from tocsin_collector.ingest.jsonsize import MAX_VALUES, too_many_values
from tocsin_collector.logs.otlp.entry import Entry, bounded, plain
from tocsin_collector.logs.record import RecordError

MARK = "resourceLogs"


def document(body: bytes) -> dict[str, Any] | None:
    """The request, when a JSON body is one; None for records of the other form. Raises Refusal for too large a one."""
    if MARK.encode() not in body:
        return None
    if too_many_values(body):
        raise Refusal(413, "too_many", f"more than {MAX_VALUES} values in one request")
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) and MARK in found else None


def entries(request: dict[str, Any]) -> Iterator[Entry | RecordError]:
    """Each log record, or why it is none."""
    for resource_logs in _objects(request.get(MARK)):
        try:
            resource = _attributes(_object(resource_logs.get("resource")).get("attributes"))
        except RecordError:
            resource = {}  # its records are worth more than what it says
        for scope_logs in _objects(resource_logs.get("scopeLogs")):
            scope = _text(_object(scope_logs.get("scope")).get("name"))
            for log in _list(scope_logs.get("logRecords")):
                try:
                    yield _entry(log, resource, scope)
                except RecordError as error:
                    yield error


def _entry(log: object, resource: dict[str, object], scope: str) -> Entry:
    if not isinstance(log, dict):
        raise RecordError("object", "logRecords: objects expected")
    return Entry(
        resource,
        scope,
        time_ns=_integer(log, "timeUnixNano"),
        observed_ns=_integer(log, "observedTimeUnixNano"),
        severity=_integer(log, "severityNumber"),
        severity_text=_text(log.get("severityText")),
        body=_value(log.get("body"), 0),
        attributes=_attributes(log.get("attributes")),
        trace_id=_hex(log.get("traceId"), 32),
        span_id=_hex(log.get("spanId"), 16),
        event_name=_text(log.get("eventName")),
    )


def _attributes(pairs: object, depth: int = 0) -> dict[str, object]:
    return {_text(pair.get("key")): _value(pair.get("value"), depth) for pair in _objects(pairs)}


def _value(value: object, depth: int) -> object:
    """An AnyValue as a plain value."""
    inner = bounded(depth)
    fields = _object(value)
    for name in ("stringValue", "boolValue", "doubleValue", "bytesValue"):
        if name in fields:
            return plain(fields[name])
    if "intValue" in fields:
        return _integer(fields, "intValue")
    if "arrayValue" in fields:
        return [_value(item, inner) for item in _list(_object(fields["arrayValue"]).get("values"))]
    if "kvlistValue" in fields:
        return _attributes(_object(fields["kvlistValue"]).get("values"), inner)
    return None


def _integer(fields: dict[str, Any], name: str) -> int:
    value = fields.get(name) or 0
    if isinstance(value, str) and value.lstrip("-").isdecimal() and len(value) < 21:
        return int(value)
    if type(value) is not int:
        raise RecordError("number", f"{name} {value!r:.60}: an integer expected")
    return value


def _hex(value: object, digits: int) -> str:
    text = _text(value).lower()
    if text and (len(text) != digits or not set(text) <= set("0123456789abcdef")):
        raise RecordError("trace", f"an id of {digits} hex digits expected, found {text!a:.60}")
    return "" if text.strip("0") == "" else text


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _objects(value: object) -> Iterator[dict[str, Any]]:
    return (item for item in _list(value) if isinstance(item, dict))


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
