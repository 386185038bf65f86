"""`PUT /v1/references/{project}/{model}`: a model version's reference, as a file or as a past span of its own rows."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.concurrency import run_in_threadpool

from tocsin_collector.monitor.reference_file import MAX_BYTES, ReferenceFileError, ReferenceRows, micros, parse
from tocsin_collector.page.address import name_of
from tocsin_collector.verdict import ModelKey
from tocsin_schema.block import MAX_NAME

Past = Callable[[ModelKey, int, int], ReferenceRows]
Take = Callable[[ReferenceRows, str], Awaitable[dict[str, object]]]
Kinds = Callable[[ModelKey], dict[str, str]]

_BODY: dict[str, Any] = {
    "requestBody": {
        "description": "CSV, gzip or not. Columns: time, id, feature.NAME, prediction, score.CLASS, segment.NAME, "
        "label, outcome.NAME. Leave it out with `from` and `to`.",
        "content": {"text/csv": {"example": "time,feature.age,label\n2026-01-01T00:00:00Z,41,no\n"}},
    }
}


def references_router(past: Past, take: Take, kinds: Kinds) -> APIRouter:
    """The routes. ``past`` gathers journalled rows, ``take`` makes a reference hold, ``kinds`` tells a stream's."""
    router = APIRouter(tags=["references"])

    @router.put("/v1/references/{project}/{model}", openapi_extra=_BODY, summary="Give a model version its reference")
    async def put_reference(
        project: str,
        model: str,
        request: Request,
        version: str = "",
        start: Annotated[str | None, Query(alias="from", description="Start of a past span, RFC 3339.")] = None,
        end: Annotated[str | None, Query(alias="to", description="Its end, excluded.")] = None,
    ) -> dict[str, object]:
        """Compare this model version's windows with these rows from now on; open windows are counted anew."""
        key = named(project, model, version)
        body = await _body(request)
        try:
            if start is not None or end is not None:
                rows = await run_in_threadpool(past, key, micros(start or "", "`from`"), micros(end or "", "`to`"))
                return await take(rows, f"the model's own rows from {start} to {end}")
            rows = await run_in_threadpool(parse, body, key, kinds(key))
            return await take(rows, "a file")
        except ReferenceFileError as fault:
            raise HTTPException(400, str(fault)) from None

    return router


def named(project: str, model: str, version: str) -> ModelKey:
    """The model version that an address names, as the page's addresses do. Raises HTTPException 400."""
    key = ModelKey(name_of(project), name_of(model), version)
    if not key.project or not key.model or max(map(len, key)) > MAX_NAME:
        raise HTTPException(400, f"project and model have 1 to {MAX_NAME} characters, a version at most as many")
    return key


async def _body(request: Request) -> bytes:
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > MAX_BYTES:
            raise HTTPException(413, f"a reference has at most {MAX_BYTES} bytes")
        parts.append(part)
    return b"".join(parts)
