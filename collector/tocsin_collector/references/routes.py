"""`/v1/references/{project}/{model}`: a model version's references, as files or as past spans of its own rows."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.concurrency import run_in_threadpool

from tocsin_collector.monitor.reference_file import MAX_BYTES, ReferenceFileError, ReferenceRows, micros, parse
from tocsin_collector.monitor.rolling import ROLLING
from tocsin_collector.page.address import name_of
from tocsin_collector.references.store import ReferenceStore
from tocsin_collector.references.tablefile import parse_table
from tocsin_collector.tables.opening import is_text
from tocsin_collector.verdict import ModelKey
from tocsin_collector.wholebody import whole_body
from tocsin_schema.block import MAX_NAME

Past = Callable[[ModelKey, int, int], ReferenceRows]
Take = Callable[[ReferenceRows, str], Awaitable[dict[str, object]]]
Keep = Callable[[ReferenceRows, str, str], Awaitable[dict[str, object]]]
Remove = Callable[[ModelKey, str], Awaitable[bool]]
Kinds = Callable[[ModelKey], dict[str, str]]

_BODY: dict[str, Any] = {
    "requestBody": {
        "description": "CSV (gzip or not), Parquet or Arrow. Columns: time, id, feature.NAME, prediction, score.CLASS, "
        "segment.NAME, label, outcome.NAME; where none is a feature.NAME, all other columns are features. Leave it out "
        "with `from` and `to`, and with `revision`.",
        "content": {
            "text/csv": {"example": "time,feature.age,label\n2026-01-01T00:00:00Z,41,no\n"},
            "application/vnd.apache.parquet": {},
            "application/vnd.apache.arrow.stream": {},
        },
    }
}


def references_router(
    past: Past, take: Take, keep: Keep, remove: Remove, kinds: Kinds, store: ReferenceStore
) -> APIRouter:
    """The routes. ``past`` gathers journalled rows, ``take`` makes a reference hold, ``keep`` keeps one beside under a
    name and ``remove`` drops it, ``kinds`` tells a stream's."""
    router = APIRouter(tags=["references"])

    @router.put("/v1/references/{project}/{model}", openapi_extra=_BODY, summary="Give a model version a reference")
    async def put_reference(
        project: str,
        model: str,
        request: Request,
        version: str = "",
        start: Annotated[str | None, Query(alias="from", description="Start of a past span, RFC 3339.")] = None,
        end: Annotated[str | None, Query(alias="to", description="Its end, excluded.")] = None,
        revision: Annotated[int | None, Query(description="Or: one that held before.")] = None,
        name: Annotated[str, Query(max_length=MAX_NAME, description="Keep it under this name, to compare with.")] = "",
    ) -> dict[str, object]:
        """Compare this model version's windows with these rows from now on; open windows are counted anew. With a name
        it is kept beside: the windows alarm as before, and are compared with it too, as reports can be."""
        key = named(project, model, version)
        if name in ROLLING:
            raise HTTPException(400, f"{name!r} is the name of the stream's own past: give it another one")
        body = await whole_body(request, MAX_BYTES, "a reference")
        try:
            if start is not None or end is not None:
                rows = await run_in_threadpool(past, key, micros(start or "", "`from`"), micros(end or "", "`to`"))
                source = f"the model's own rows from {start} to {end}"
            elif revision is not None:
                rows = await run_in_threadpool(_held_before, store, key, revision)
                source = f"revision {revision} again"
            else:
                rows, source = await run_in_threadpool(_of_file, body, key, kinds(key))
            return await (keep(rows, name, source) if name else take(rows, source))
        except ReferenceFileError as fault:
            raise HTTPException(400, str(fault)) from None

    @router.get("/v1/references/{project}/{model}", summary="The references of a model version")
    def get_references(project: str, model: str, version: str = "") -> dict[str, object]:
        """By name, the newest first; windows alarm by the one that `holds`, and are told beside those `compared`."""
        return {"references": store.listed(named(project, model, version))}

    @router.delete("/v1/references/{project}/{model}", summary="Drop the references of a name")
    async def delete_references(
        project: str, model: str, name: Annotated[str, Query(min_length=1, max_length=MAX_NAME)], version: str = ""
    ) -> dict[str, object]:
        """Windows are not compared with them any more. What windows alarm by has no name, and stays."""
        if not await remove(named(project, model, version), name):
            raise HTTPException(404, f"there is no reference {name!r:.80}; GET lists them")
        return {"removed": name}

    return router


def _held_before(store: ReferenceStore, key: ModelKey, revision: int) -> ReferenceRows:
    found = store.revision(key, revision)
    if found is None:
        raise ReferenceFileError(
            f"no reference of revision {revision} is kept; `tocsin reference list` tells which are"
        )
    return found


def _of_file(body: bytes, key: ModelKey, kinds: dict[str, str]) -> tuple[ReferenceRows, str]:
    if is_text(body):
        return parse(body, key, kinds), "a file"
    rows, notes = parse_table(body, key, kinds)
    return rows, "; ".join(("a file", *notes))


def named(project: str, model: str, version: str) -> ModelKey:
    """The model version that an address names, as the page's addresses do. Raises HTTPException 400."""
    key = ModelKey(name_of(project), name_of(model), version)
    if not key.project or not key.model or max(map(len, key)) > MAX_NAME:
        raise HTTPException(400, f"project and model have 1 to {MAX_NAME} characters, a version at most as many")
    return key
