"""CloudEvents 1.0 over HTTP: structured, batched and binary (HTTP Protocol Binding 1.0.2, JSON Event Format 1.0.2).

The data of an event is one of tocsin's, whose id and time the envelope may give; or half of an inference, as KServe's
payload logger and Seldon's send it: request and response one by one, under one id, which become predictions together
(``ingest.pairs``, ``ingest.inference``).
"""

import base64
import binascii
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from tocsin_collector.ingest.answer import Refusal
from tocsin_collector.ingest.events import EventError
from tocsin_collector.ingest.form import Form, Given
from tocsin_collector.ingest.inference import model_of, predictions
from tocsin_collector.ingest.jsonbody import MAX_EVENTS, Parsed, collect, decoded, document
from tocsin_collector.ingest.pairs import Half

STRUCTURED, BATCH = "application/cloudevents+json", "application/cloudevents-batch+json"
MAX_HALF_BYTES = 1 << 20
"""A larger request or response is images or embeddings, which no prediction's features are."""
_REQUEST, _RESPONSE = ".serving.inference.request", ".serving.inference.response"
_Item = tuple[int, object, EventError | None]


def parse_structured(body: bytes, given: Given) -> Parsed:
    """One event, attributes and data in one object. Raises Refusal."""
    return _parsed([document(body)], given)


def parse_batch(body: bytes, given: Given) -> Parsed:
    """A list of such objects. Raises Refusal."""
    events = document(body)
    if not isinstance(events, list):
        raise Refusal(400, "malformed_cloudevent", "a batch is a JSON list of CloudEvents")
    return _parsed(events, given)


def parse_binary(body: bytes, given: Given) -> Parsed:
    """One event, attributes in ``ce-*`` headers, the body its data. Raises Refusal."""
    found: dict[str, object] = {
        name[3:].decode("latin-1"): unquote(value.decode("latin-1"))
        for name, value in given.headers.items()
        if name.startswith(b"ce-")
    }
    found["datacontenttype"] = given.headers.get(b"content-type", b"application/json").decode("latin-1")
    return _parsed([found | {"data_bytes": body}], given)


def _parsed(events: list[Any], given: Given) -> Parsed:
    if len(events) > MAX_EVENTS:
        raise Refusal(413, "too_many_events", f"{len(events)} events, at most {MAX_EVENTS}; split them")
    items: list[_Item] = []
    for row, event in enumerate(events):
        try:
            items.extend((row, made, None) for made in _events(event, given))
        except EventError as error:
            items.append((row, None, error))
    if not items and events:
        return Parsed([], [], [])  # halves that wait for their others
    return collect(items, len(items), given.now_us)


def _events(event: object, given: Given) -> Iterator[dict[str, object]]:
    """tocsin's events of one CloudEvent: none for a half that has to wait, one a row when its other half is here."""
    attributes, data = _opened(event)
    kind = str(attributes["type"])
    if not kind.endswith((_REQUEST, _RESPONSE)):
        value = decoded(data)
        if not isinstance(value, dict):
            raise EventError("wrong_type", "data: an event of tocsin's JSON form is needed")
        value.setdefault("id", attributes["id"])
        if "time" in attributes:
            value.setdefault("time", attributes["time"])
        yield value
        return
    if len(data) > MAX_HALF_BYTES:
        raise EventError("too_large", f"data: {len(data)} bytes of an inference, at most {MAX_HALF_BYTES}")
    decoded(data)  # what is no JSON is told to who sent it
    half = Half(kind.endswith(_REQUEST), attributes, data)
    other = given.pairs.match((given.caller, *_name(attributes)), half, given.now_us)
    if other is not None:
        yield from _inference(half if half.is_request else other, other if half.is_request else half)


def _opened(event: object) -> tuple[dict[str, object], bytes]:
    """Attributes, and data as JSON text. Raises EventError."""
    if not isinstance(event, dict):
        raise EventError("malformed_cloudevent", "a CloudEvent is a JSON object")
    for name in ("specversion", "id", "source", "type"):
        if not isinstance(event.get(name), str) or not event[name]:
            raise EventError("malformed_cloudevent", f"{name}: this attribute is needed, as text")
    if event["specversion"] not in ("1.0", "0.3"):
        raise EventError("malformed_cloudevent", f"specversion {event['specversion']!a:.40}: 1.0 is needed")
    content = str(event.get("datacontenttype") or "application/json").partition(";")[0].strip().lower()
    if content != "application/json" and not content.endswith("+json"):
        raise EventError("unknown_payload", f"datacontenttype {content!a:.60}: JSON is needed")
    attributes = {name: value for name, value in event.items() if not name.startswith("data")}
    return attributes, _data(event)


def _data(event: dict[str, Any]) -> bytes:
    if "data_bytes" in event and isinstance(event["data_bytes"], bytes):
        return event["data_bytes"]
    if "data_base64" in event:
        try:
            return base64.b64decode(event["data_base64"], validate=True)
        except (binascii.Error, TypeError, ValueError):
            raise EventError("malformed_cloudevent", "data_base64: no base64") from None
    if "data" not in event:
        raise EventError("malformed_cloudevent", "data: this event has none")
    try:
        return json.dumps(event["data"]).encode()
    except RecursionError:
        raise EventError("too_deep", "data: it is nested too deeply") from None


def _name(attributes: dict[str, object]) -> tuple[str, ...]:
    """What both halves have in common. KServe gives them one id; Seldon its own request id."""
    names = ("namespace", "inferenceservicename", "component", "endpoint")
    return (_inference_id(attributes), *(str(attributes.get(name) or "") for name in names))


def _inference_id(attributes: dict[str, object]) -> str:
    return str(attributes.get("requestid") or attributes["id"])


def _inference(request: Half, response: Half) -> Iterator[dict[str, object]]:
    """The predictions of an inference.

    No latency: the loggers stamp a half when they send it. No trace: each half is sent under one of its own.
    """
    about, answer = request.attributes, decoded(response.data)
    model, version = model_of(answer)
    common: dict[str, object] = {
        "type": "prediction",
        "project": about.get("namespace") or None,
        "model": about.get("inferenceservicename") or model or None,
        "version": version,
    }
    if "time" in about:
        common["time"] = about["time"]
    segment = {name: str(about[name]) for name in ("component", "endpoint") if about.get(name)}
    rows = list(predictions(decoded(request.data), answer))
    for number, row in enumerate(rows):
        name = _inference_id(about)
        yield common | row | {"id": name if len(rows) == 1 else f"{name}/{number}", "segment": segment}


_SCHEMA = {
    "type": "object",
    "required": ["specversion", "id", "source", "type"],
    "properties": {name: {"type": "string"} for name in ("specversion", "id", "source", "type", "time")}
    | {"data": {"description": "an event of the JSON form, or a model server's request or response"}},
}
EXAMPLE: dict[str, Any] = {
    "specversion": "1.0",
    "id": "a1",
    "source": "/shop/credit",
    "type": "tocsin.prediction",
    "time": "2026-11-18T10:00:00Z",
    "data": {"type": "prediction", "model": "credit", "features": {"age": 41}, "prediction": "yes"},
}
FORMS = (
    Form(STRUCTURED, parse_structured, {"schema": _SCHEMA, "example": EXAMPLE}),
    Form(BATCH, parse_batch, {"schema": {"type": "array", "items": _SCHEMA}, "example": [EXAMPLE]}),
)
MARKED = {b"ce-specversion": Form("application/json", parse_binary, {})}
