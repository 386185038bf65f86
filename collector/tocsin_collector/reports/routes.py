"""`GET /v1/reports/{project}/{model}`: Evidently's report of a span of a model version's rows against its reference."""

import os
import tempfile
from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse

from tocsin_collector.monitor.reference_file import ReferenceFileError, ReferenceRows, micros
from tocsin_collector.references.routes import Past, named
from tocsin_collector.reports.evidently import ReportError, render
from tocsin_collector.verdict import ModelKey

SANDBOX = {"Content-Security-Policy": "sandbox allow-scripts allow-downloads; frame-ancestors 'none'"}
"""Evidently's page brings its scripts in it: they run, and reach nothing of ours."""


def reports_router(past: Past, reference: Callable[[ModelKey], ReferenceRows | None], python: str) -> APIRouter:
    """The route. ``past`` gathers journalled rows; ``python`` has Evidently; empty: this interpreter."""
    router = APIRouter(tags=["reports"])

    @router.get(
        "/v1/reports/{project}/{model}", response_class=HTMLResponse, summary="Evidently's report of a span of rows"
    )
    async def get_report(
        project: str,
        model: str,
        start: Annotated[str, Query(alias="from", description="Start of the span, RFC 3339.")],
        end: Annotated[str, Query(alias="to", description="Its end, excluded.")],
        version: str = "",
    ) -> HTMLResponse:
        """Made in a child process from at most 20,000 rows of each side; takes some seconds."""
        key = named(project, model, version)
        known = await run_in_threadpool(reference, key)
        if known is None:
            raise HTTPException(404, f"{project}/{model} version {version!r} has no reference: tocsin reference create")
        try:
            current = await run_in_threadpool(past, key, micros(start, "`from`"), micros(end, "`to`"))
            return HTMLResponse(await run_in_threadpool(_render, known, current, python), headers=SANDBOX)
        except ReferenceFileError as error:
            raise HTTPException(400, str(error)) from None
        except ReportError as error:
            raise HTTPException(503, str(error)) from None

    return router


def _render(reference: ReferenceRows, current: ReferenceRows, python: str) -> str:
    with tempfile.TemporaryDirectory(prefix="tocsin-report-") as folder:
        page = os.path.join(folder, "report.html")
        render(reference.frame, current.frame, page, python)
        with open(page, encoding="utf-8") as file:
            return file.read()
