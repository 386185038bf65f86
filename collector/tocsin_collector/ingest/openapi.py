"""POST /v1/events in a FastAPI application: the route, and its description in the OpenAPI document and /docs."""

from collections.abc import Callable
from typing import Any

from fastapi import FastAPI
from starlette.routing import Route

from tocsin_collector.ingest.endpoint import JSON, NDJSON, Endpoint
from tocsin_schema.block import LABEL, MEDIA_TYPE, OUTCOME, PREDICTION

PATH = "/v1/events"


def mount(app: FastAPI, endpoint: Endpoint) -> None:
    """Serve ``POST /v1/events`` and describe it."""
    app.router.routes.append(Route(PATH, endpoint, methods=["POST"]))
    app.openapi = _describing(app.openapi)  # type: ignore[method-assign]


def _describing(describe: Callable[[], dict[str, Any]]) -> Callable[[], dict[str, Any]]:
    def described() -> dict[str, Any]:
        document = describe()
        document.setdefault("paths", {})[PATH] = {"post": OPERATION}
        return document

    return described


_TEXT, _NUMBER = {"type": "string"}, {"type": "number"}
_VALUE = {"oneOf": [_TEXT, _NUMBER, {"type": "boolean"}]}
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


_EVENT = {
    "oneOf": [
        _event(
            PREDICTION,
            ["prediction"],
            features=_map({"oneOf": [*_VALUE["oneOf"], {"type": "null"}]}),
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
_REJECTION = {
    "type": "object",
    "properties": {
        "row": {"type": ["integer", "null"], "description": "from 0 in the order of the body; null: the whole body"},
        "code": _TEXT,
        "reason": _TEXT,
    },
}
_ANSWER = {
    "type": "object",
    "required": ["accepted", "duplicate", "rejected", "rejected_count", "position"],
    "properties": {
        "accepted": {"type": "integer", "description": "new, and on disk"},
        "duplicate": {"type": "integer", "description": "known already; nothing changed"},
        "rejected": {"type": "array", "maxItems": 100, "items": _REJECTION},
        "rejected_count": {"type": "integer"},
        "position": {"type": "string", "description": "the journal's position behind this request"},
    },
}


def _response(description: str) -> dict[str, Any]:
    return {"description": description, "content": {JSON: {"schema": _ANSWER}}}


OPERATION: dict[str, Any] = {
    "summary": "Predictions, labels and outcomes",
    "description": (
        "Events as JSON (an object or a list), one object a line, or a binary block. The answer comes when they are on"
        " disk. Rows that cannot be taken are listed with a code and a reason; the others are kept. Sending the same"
        " again is safe: what is known counts as duplicate."
    ),
    "operationId": "post_events",
    "tags": ["events"],
    "parameters": [
        {
            "name": "Content-Encoding",
            "in": "header",
            "required": False,
            "schema": {"type": "string", "enum": ["gzip", "identity"]},
        }
    ],
    "requestBody": {
        "required": True,
        "content": {
            JSON: {"schema": {"oneOf": [_EVENT, {"type": "array", "items": _EVENT}]}, "example": EXAMPLE},
            NDJSON: {"schema": {"type": "string", "description": "one event a line"}},
            MEDIA_TYPE: {"schema": {"type": "string", "format": "binary", "description": "docs/reference/block.md"}},
        },
    },
    "responses": {
        "200": _response("Taken; some rows may be refused"),
        "400": _response("Every row was refused, or the body is malformed"),
        "408": _response("The body came too slowly"),
        "413": _response("The body is too large, as sent or after gzip"),
        "415": _response("The content type or encoding is not accepted; the reason names those that are"),
        "401": _response("The collector asks for a key: Authorization: Bearer tsn_..."),
        "403": _response("The key has not the scope or project of every row; nothing was stored"),
        "429": _response("The project is over its quota; nothing was stored. Retry-After says when to send it again"),
        "503": _response("The disk is full or failed; nothing was stored. Retry-After says when to send it again"),
    },
}
