"""OTLP log records that are events: an OpenTelemetry SDK whose exporter's endpoint is /v1/events.

A record's body is a map with the fields of the JSON form. ``type`` may be told by the record's event name
(``tocsin.prediction``), ``time`` and ``trace_id`` by the record itself. OpenTelemetry has no convention for a model's
features yet; records without such a map belong to /v1/logs.
"""

from collections.abc import Iterator

from tocsin_collector.ingest.events import EventError
from tocsin_collector.ingest.form import Form, Given, binary
from tocsin_collector.ingest.jsonbody import Parsed, collect
from tocsin_collector.ingest.times import text
from tocsin_collector.logs.otlp.entry import Entry, plain
from tocsin_collector.logs.otlp.fromproto import MEDIA_TYPE, entries, request
from tocsin_collector.logs.record import RecordError
from tocsin_schema.block import PREDICTION

_PREFIX = "tocsin."


def parse(body: bytes, given: Given) -> Parsed:
    """The blocks of a request. Raises Refusal."""
    items = list(_events(entries(request(body), _scalar)))
    return collect(items, len(items), given.now_us)


def _events(found: Iterator[Entry | RecordError]) -> Iterator[tuple[int, object, EventError | None]]:
    for row, entry in enumerate(found):
        if isinstance(entry, RecordError):
            yield row, None, EventError(entry.code, str(entry))
        elif not isinstance(entry.body, dict):
            yield row, None, EventError("wrong_type", "body: a map of an event's fields is needed; logs go to /v1/logs")
        else:
            yield row, _event(entry, entry.body), None


def _event(entry: Entry, fields: dict[str, object]) -> dict[str, object]:
    event = dict(fields)
    if entry.event_name.startswith(_PREFIX):
        event.setdefault("type", entry.event_name.removeprefix(_PREFIX))
    if entry.time_ns:
        event.setdefault("time", text(entry.time_ns // 1_000))
    if entry.trace_id and event.get("type") == PREDICTION:
        event.setdefault("trace_id", entry.trace_id)
    return event


def _scalar(value: object) -> object:
    """A value of an event as JSON has it, but NaN and infinities as they are: by their names they would be texts."""
    return value if isinstance(value, float) else plain(value)


FORMS = (
    Form(
        MEDIA_TYPE,
        parse,
        binary("an ExportLogsServiceRequest; the body of each record is a map with an event's fields"),
        inline_bytes=0,  # the first one imports protobuf
    ),
)
