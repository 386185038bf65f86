"""One log record of OTLP, whichever encoding it came in, and the record of the store that it becomes.

The names are ECS' where both have one (OpenTelemetry took over most); what has none keeps its attribute's name.
"""

import base64
import json
import math
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from tocsin_collector.logs.record import LATEST_S, MAX_DEPTH, Record, RecordError, record_of
from tocsin_schema.logrecord import LEVELS

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class Entry:
    """A log record with its resource's and scope's attributes; times in nanoseconds, 0 unknown; ids in hex."""

    resource: dict[str, object]
    scope: str = ""
    time_ns: int = 0
    observed_ns: int = 0
    severity: int = 0
    severity_text: str = ""
    body: object = None
    attributes: dict[str, object] = field(default_factory=dict)
    trace_id: str = ""
    span_id: str = ""
    event_name: str = ""


def stored(entry: Entry, id: str, received_us: int) -> Record:
    """The store's record. Raises RecordError. ``id`` makes a batch that is sent again the same records."""
    # The record's own attributes go before the resource's.
    fields = entry.attributes | {name: value for name, value in entry.resource.items() if name not in entry.attributes}
    fields["message"] = _message(entry)
    fields["event.id"] = id
    if entry.time_ns or entry.observed_ns:
        fields["@timestamp"] = _time(entry.time_ns or entry.observed_ns)
    if level := _level(entry):
        fields["log.level"] = level
    own = {"log.logger": entry.scope, "trace.id": entry.trace_id, "span.id": entry.span_id}
    fields |= {name: text for name, text in own.items() if text}
    if entry.event_name:
        fields["event.action"] = entry.event_name
    return record_of(fields, received_us)


def _message(entry: Entry) -> str:
    if isinstance(entry.body, str):
        return entry.body
    if entry.body is None:
        return entry.event_name
    return json.dumps(entry.body, ensure_ascii=False, separators=(",", ":"), default=str)


def _time(time_ns: int) -> str:
    if not 0 <= time_ns < LATEST_S * 10**9:
        raise RecordError("timestamp", f"timeUnixNano {time_ns}: from 1970 to 2199 expected")
    return (_EPOCH + timedelta(microseconds=time_ns // 1_000)).isoformat()


def _level(entry: Entry) -> str:
    """The level of a SeverityNumber: 1 trace, 5 debug, 9 info, 13 warn, 17 error, 21 fatal, each with three finer."""
    if 1 <= entry.severity <= 24:
        return LEVELS[max(0, (entry.severity - 1) // 4 - 1)]
    return entry.severity_text


def bounded(depth: int) -> int:
    """The depth of what a value holds. Raises RecordError beyond what a record may have."""
    if depth >= MAX_DEPTH:
        raise RecordError("depth", f"nested deeper than {MAX_DEPTH} levels")
    return depth + 1


def plain(value: object) -> object:
    """A scalar as JSON can have it: bytes in base64, NaN and infinities by their names, as OTLP's own JSON has them."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value if isinstance(value, str | bool | int | float) else None
