"""`GET /v1/reports/{project}/{model}`: a span of a model version's rows against its reference.

As a report of ours or of Evidently's, to read or as JSON; and those that the schedule made."""

from typing import Annotated, Literal

from fastapi import APIRouter, HTTPException, Query
from fastapi.responses import HTMLResponse, Response

from tocsin_collector.monitor.reference_file import ReferenceFileError, micros
from tocsin_collector.references.routes import named
from tocsin_collector.reports.evidently import ReportError
from tocsin_collector.reports.kept import KeptReports
from tocsin_collector.reports.making import Maker, NoReferenceError
from tocsin_collector.tables import TableError

SANDBOX = {"Content-Security-Policy": "sandbox allow-scripts allow-downloads; frame-ancestors 'none'"}
"""Evidently's page brings its scripts in it: they run, and reach nothing of ours."""
STILL = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"}
"""Ours has a style sheet in it and nothing else."""
By = Literal["tocsin", "evidently"]
Form = Literal["html", "json"]


def reports_router(maker: Maker, kept: KeptReports) -> APIRouter:
    """The routes."""
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
            str,
            Query(description="Its name; or `last-week`, the same hours a week before, or `last-28-days`."),
        ] = "",
    ) -> Response:
        """Evidently's is made in a child process from at most 20,000 rows of each side, and takes some seconds."""
        key = named(project, model, version)
        make = maker.ours if by == "tocsin" else maker.evidentlys
        try:
            span = micros(start, "`from`"), micros(end, "`to`")
            return _answer(make(key, span, reference)[form], by, form)
        except NoReferenceError as error:
            raise HTTPException(404, str(error)) from None
        except (ReferenceFileError, TableError) as error:
            raise HTTPException(400, str(error)) from None
        except ReportError as error:
            raise HTTPException(503, str(error)) from None

    @router.get("/v1/reports/{project}/{model}/kept", summary="The reports that the schedule made")
    def get_kept(project: str, model: str, version: str = "") -> dict[str, object]:
        """The newest span first; of one that failed or had no row the reason."""
        return {"reports": kept.listed(named(project, model, version))}

    @router.get("/v1/reports/{project}/{model}/kept/{name}", response_class=HTMLResponse, summary="One of them")
    def get_one(
        project: str, model: str, name: str, version: str = "", form: Annotated[Form, Query(alias="format")] = "html"
    ) -> Response:
        """As it was made."""
        key = named(project, model, version)
        file = kept.file(key, name, form)
        try:
            content = file.read_bytes() if file else None
        except OSError:
            content = None
        if content is None:
            raise HTTPException(404, f"no report {name!r:.80} of {'/'.join(key)} is kept; …/kept lists them")
        by = next(one.by for one in kept.listed(key) if one.name == name)
        return _answer(content, by, form)

    return router


def _answer(content: bytes, by: str, form: str) -> Response:
    if form == "json":
        return Response(content, media_type="application/json")
    return HTMLResponse(content, headers=STILL if by == "tocsin" else SANDBOX)
