"""`GET /v1/reports/{project}/{model}`: a span of a model version's rows against its reference.

As a report of ours or of Evidently's, to read or as JSON."""

import os
import tempfile
from typing import Annotated, Literal

from fastapi import APIRouter, HTTPException, Query
from fastapi.responses import HTMLResponse, JSONResponse, Response

from tocsin_collector.frame import Frame
from tocsin_collector.monitor.reference_file import ReferenceFileError, micros
from tocsin_collector.references.profiles import Hours, hours_of
from tocsin_collector.references.routes import Past, named
from tocsin_collector.references.store import ReferenceStore
from tocsin_collector.reports.comparison import Comparison, compare_profiles
from tocsin_collector.reports.evidently import ReportError, render
from tocsin_collector.reports.page import page
from tocsin_collector.tables import TableError
from tocsin_collector.verdict import ModelKey

SANDBOX = {"Content-Security-Policy": "sandbox allow-scripts allow-downloads; frame-ancestors 'none'"}
"""Evidently's page brings its scripts in it: they run, and reach nothing of ours."""
STILL = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"}
"""Ours has a style sheet in it and nothing else."""
LAST_WEEK = "last-week"
_WEEK_US = 7 * 86_400 * 1_000_000
By = Literal["tocsin", "evidently"]
Form = Literal["html", "json"]


def reports_router(past: Past, store: ReferenceStore, python: str) -> APIRouter:
    """The route. ``past`` gathers journalled rows; ``python`` has Evidently; empty: this interpreter."""
    router = APIRouter(tags=["reports"])

    @router.get(
        "/v1/reports/{project}/{model}", response_class=HTMLResponse, summary="A span of rows against a reference"
    )
    def get_report(
        project: str,
        model: str,
        start: Annotated[str, Query(alias="from", description="Start of the span, RFC 3339.")],
        end: Annotated[str, Query(alias="to", description="Its end, excluded.")],
        version: str = "",
        by: Annotated[By, Query(description="Whose words and tests.")] = "evidently",
        form: Annotated[Form, Query(alias="format")] = "html",
        reference: Annotated[
            str, Query(description="A reference by its name, or `last-week`: the same hours a week before.")
        ] = "",
    ) -> Response:
        """Evidently's is made in a child process from at most 20,000 rows of each side, and takes some seconds."""
        key = named(project, model, version)
        try:
            span = micros(start, "`from`"), micros(end, "`to`")
            if by == "tocsin":
                hours = _reference(key, reference, span, past, store)
                found = compare_profiles(hours.layout, list(hours.profiles.values()), past(key, *span).frame)
                return _ours(found, f"{project} / {model} {version}", form)
            known = store.get(key)
            if known is None or reference:
                raise _lacking(key, reference, "; Evidently's compares with the one that holds" if reference else "")
            return _evidentlys(known.frame, past(key, *span).frame, python, form)
        except (ReferenceFileError, TableError) as error:
            raise HTTPException(400, str(error)) from None
        except ReportError as error:
            raise HTTPException(503, str(error)) from None

    return router


def _reference(key: ModelKey, name: str, span: tuple[int, int], past: Past, store: ReferenceStore) -> Hours:
    if name == LAST_WEEK:
        return hours_of(past(key, span[0] - _WEEK_US, span[1] - _WEEK_US).frame)
    found = store.hours(key, name)
    if found is None:
        raise _lacking(key, name)
    return found


def _lacking(key: ModelKey, name: str, more: str = "") -> HTTPException:
    which = f"reference {name!r}" if name else "reference"
    told = f"{key.project}/{key.model} version {key.version!r} has no {which}: tocsin reference create"
    told += "" if key.version else "; --version names a version that has one"
    return HTTPException(404, told + more)


def _ours(found: Comparison, title: str, form: Form) -> Response:
    return JSONResponse(found.to_dict()) if form == "json" else HTMLResponse(page(found, title.strip()), headers=STILL)


def _evidentlys(reference: Frame, current: Frame, python: str, form: Form) -> Response:
    with tempfile.TemporaryDirectory(prefix="tocsin-report-") as folder:
        made = render(reference, current, os.path.join(folder, "report.html"), python)
        with open(made[form], encoding="utf-8") as file:
            text = file.read()
    if form == "json":
        return Response(text, media_type="application/json")
    return HTMLResponse(text, headers=SANDBOX)
