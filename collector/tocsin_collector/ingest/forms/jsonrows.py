"""JSON: an event, a list of events, or one event a line. What curl and every language can send."""

import json
from typing import Any

from tocsin_collector.ingest.form import Form, Given
from tocsin_collector.ingest.jsonbody import Parsed, parse_json, parse_ndjson
from tocsin_schema.block import LABEL, MAX_DIMENSIONS, MIN_DIMENSIONS, OUTCOME, PREDICTION

_TEXT, _NUMBER = {"type": "string"}, {"type": "number"}
_VALUE = {"oneOf": [_TEXT, _NUMBER, {"type": "boolean"}]}
_VECTOR = {"type": "array", "items": _NUMBER, "minItems": MIN_DIMENSIONS, "maxItems": MAX_DIMENSIONS}
_COMMON: dict[str, Any] = {
    "project": {"type": "string", "default": "default"},
    "model": _TEXT,
    "version": {"type": "string", "default": ""},
    "id": {"type": "string", "description": "names the event; the same id again is the same event"},
    "time": {"type": "string", "format": "date-time", "description": "RFC 3339; without it the time of receipt"},
}


_RECEIPT = {"type": "string", "description": "what the serving process signed; then the prediction's row is not needed"}


def _event(type: str, needed: list[str], **properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "title": type,
        "additionalProperties": False,
        "required": ["type", "model", "id", *needed],
        "properties": {"type": {"const": type}} | _COMMON | properties,
    }


def _map(values: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": values}


EVENT: dict[str, Any] = {
    "oneOf": [
        _event(
            PREDICTION,
            ["prediction"],
            features=_map({"oneOf": [*_VALUE["oneOf"], {"type": "null"}, _VECTOR]}),
            prediction=_VALUE,
            scores=_map(_NUMBER),
            latency_s={"type": "number", "minimum": 0},
            segment=_map(_TEXT),
            trace_id=_TEXT,
        ),
        _event(LABEL, ["label"], label=_VALUE, receipt=_RECEIPT),
        _event(OUTCOME, ["name", "value"], name=_TEXT, value=_NUMBER),
    ]
}
EXAMPLE: dict[str, Any] = {
    "type": "prediction",
    "model": "credit",
    "version": "3",
    "id": "a1",
    "features": {"age": 41, "city": "Lyon"},
    "prediction": "yes",
    "scores": {"yes": 0.81, "no": 0.19},
    "latency_s": 0.004,
    "segment": {"country": "fr"},
}


def _document(body: bytes, given: Given) -> Parsed:
    return parse_json(body, given.now_us)


def _lines(body: bytes, given: Given) -> Parsed:
    return parse_ndjson(body, given.now_us)


FORMS = (
    Form(
        "application/json",
        _document,
        {"schema": {"oneOf": [EVENT, {"type": "array", "items": EVENT}]}, "example": EXAMPLE},
    ),
    Form(
        "application/x-ndjson",
        _lines,
        {
            "schema": {"type": "string", "description": "one event a line"},
            "example": json.dumps(EXAMPLE)
            + "\n"
            + json.dumps({"type": "label", "model": "credit", "id": "a1", "label": "no"}),
        },
    ),
)
