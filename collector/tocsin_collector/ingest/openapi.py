"""POST /v1/events in a FastAPI application: the route, and its description in the OpenAPI document and /docs."""

from collections.abc import Callable
from typing import Any

from fastapi import FastAPI
from starlette.routing import Route

from tocsin_collector.ingest.endpoint import Endpoint
from tocsin_collector.ingest.form import forms_by_media_type

PATH = "/v1/events"


def mount(app: FastAPI, endpoint: Endpoint) -> None:
    """Serve ``POST /v1/events`` and describe it."""
    app.router.routes.append(Route(PATH, endpoint, methods=["POST"]))
    app.state.events = endpoint
    app.openapi = _describing(app.openapi)  # type: ignore[method-assign]


def _describing(describe: Callable[[], dict[str, Any]]) -> Callable[[], dict[str, Any]]:
    def described() -> dict[str, Any]:
        document = describe()
        document.setdefault("paths", {})[PATH] = {"post": OPERATION}
        return document

    return described


_TEXT = {"type": "string"}
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
    return {"description": description, "content": {"application/json": {"schema": _ANSWER}}}


OPERATION: dict[str, Any] = {
    "summary": "Predictions, labels and outcomes",
    "description": (
        "Events in one of the forms below (docs/reference/wire.md). The answer comes when they are on"
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
            "schema": {"type": "string", "enum": ["gzip", "zstd", "identity"]},
        }
    ],
    "requestBody": {
        "required": True,
        "content": {form.media_type: form.content for form in forms_by_media_type().values()},
    },
    "responses": {
        "200": _response("Taken; some rows may be refused"),
        "400": _response("Every row was refused, or the body is malformed"),
        "408": _response("The body came too slowly"),
        "413": _response("The body is too large, as sent or decompressed"),
        "415": _response("The content type or encoding is not accepted; the reason names those that are"),
        "401": _response("The collector asks for a key: Authorization: Bearer tsn_..."),
        "403": _response("The key has not the scope or project of every row; nothing was stored"),
        "422": _response("The collector could not work with this, and its log says why; nothing was stored"),
        "429": _response("The project is over its quota; nothing was stored. Retry-After says when to send it again"),
        "503": _response(
            "Too much at once, or the disk is full or failed; nothing was stored. Retry-After says when to come again"
        ),
    },
}
