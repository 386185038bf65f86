"""The pages and their JSON twins as one router."""

import hashlib
import importlib.resources
from collections.abc import Callable
from typing import Annotated

import jinja2
from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response

import tocsin_alerts
from tocsin_collector.doors.caller import caller_of
from tocsin_collector.page import (
    alarmpage,
    api,
    apipage,
    feature,
    logpage,
    model,
    numbers,
    overview,
    qualityapi,
    qualitypage,
    runbook,
)
from tocsin_collector.page.address import feature_path, model_path, name_of
from tocsin_collector.page.view import Sources
from tocsin_collector.verdict import ModelKey, ModelView, WindowVerdict

HEADERS = {
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
End = Annotated[str, Query(max_length=32)]
WINDOWS = 24
Windows = Annotated[int, Query(ge=1, le=1_000, description="the newest windows to add up, at most so many")]
Version = Annotated[str | None, Query(max_length=512)]
_STATIC = {"page.css": "text/css", "page.js": "text/javascript", "icon.svg": "image/svg+xml"}


def page_router(sources: Sources) -> APIRouter:
    """Every page, the static files and the JSON API over the sources."""
    router = APIRouter()
    render = renderer(sources)
    _add_pages(router, sources, render)
    _add_model_pages(router, sources, render)
    _add_static(router)
    _add_api(router, sources)
    return router


def renderer(sources: Sources) -> Callable[..., HTMLResponse]:
    """A function from a template's name and values to an answer."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("tocsin_collector.page"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    offset_s = sources.utc_offset_s
    environment.filters.update(
        ratio=numbers.ratio,
        number=numbers.number,
        seconds=numbers.seconds,
        moment=lambda time_s, form="%Y-%m-%d %H:%M:%S": numbers.moment(time_s, 0.0, form),
        event_time=lambda time_s, form="%d %b %Y %H:%M": numbers.moment(time_s, offset_s, form).lstrip("0"),
        window=lambda verdict: numbers.window(verdict.start_s, verdict.end_s, offset_s),
        cell=lambda verdict, first: numbers.cell(verdict.start_s, verdict.end_s, first, offset_s),
        day=lambda time_s: numbers.day(time_s, offset_s),
    )
    environment.globals.update(version=_version(), model_path=model_path, feature_path=feature_path, base_of=_base_of)
    environment.globals.update(href_of=alarmpage.href_of, about=alarmpage.about)

    def render(template: str, status: int = 200, **values: object) -> HTMLResponse:
        values |= {"now": sources.clock(), "firing": sources.alarms.firing(), "headline": sources.alarms.headline}
        return HTMLResponse(environment.get_template(template).render(values), status, HEADERS)

    return render


def _add_pages(router: APIRouter, sources: Sources, render: Callable[..., HTMLResponse]) -> None:
    @router.get("/", response_class=HTMLResponse, include_in_schema=False)
    def get_overview() -> HTMLResponse:
        return render("overview.html", here="overview", **overview.context(sources))

    @router.get("/docs", response_class=HTMLResponse, include_in_schema=False)
    def get_docs(request: Request) -> HTMLResponse:
        return render("api.html", here="api", operations=apipage.operations(request.app.openapi()))

    @router.get("/logs", response_class=HTMLResponse, include_in_schema=False)
    def get_logs(
        q: Annotated[str, Query(max_length=1_000)] = "",
        since: Annotated[str, Query(max_length=64)] = "",
        level: Annotated[str, Query(max_length=16)] = "",
        host: Annotated[str, Query(max_length=256)] = "",
        before: Annotated[int | None, Query(ge=0, lt=1 << 63)] = None,
    ) -> HTMLResponse:
        search = logpage.Search(q, since, level, host, before)
        return render("logs.html", here="logs", **logpage.context(search, sources))

    @router.get("/alarms", response_class=HTMLResponse, include_in_schema=False)
    def get_alarms() -> HTMLResponse:
        return render("alarms.html", here="alarms", **alarmpage.context(sources))

    @router.get("/runbooks/{name}", response_class=HTMLResponse, include_in_schema=False)
    def get_runbook(name: str) -> HTMLResponse:
        text = tocsin_alerts.runbook(name)
        if text is None:
            return render("missing.html", 404, here="alarms", what=f"There is no runbook {name:.80}.")
        return render("runbook.html", here="alarms", alert=tocsin_alerts.alerts()[name], text=runbook.html(text))


def _add_model_pages(router: APIRouter, sources: Sources, render: Callable[..., HTMLResponse]) -> None:
    @router.get("/models/{project}/{model_name}/{version}", response_class=HTMLResponse, include_in_schema=False)
    def get_model(project: str, model_name: str, version: str, end: End = "") -> HTMLResponse:
        view = find(sources, project, model_name, version)
        if view is None:
            return render("missing.html", 404, here="overview", what="No event of this model has come.")
        return render("model.html", here="overview", **model.context(view, sources, _end_s(end)))

    @router.get(
        "/models/{project}/{model_name}/{version}/quality", response_class=HTMLResponse, include_in_schema=False
    )
    def get_quality(project: str, model_name: str, version: str, windows: Windows = WINDOWS) -> HTMLResponse:
        view = find(sources, project, model_name, version)
        if view is None:
            return render("missing.html", 404, here="overview", what="No event of this model has come.")
        return render(
            "quality.html",
            here="overview",
            **qualitypage.context(view, windows, _versions(sources, project, model_name)),
        )

    @router.get(
        "/models/{project}/{model_name}/{version}/features/{feature_name}",
        response_class=HTMLResponse,
        include_in_schema=False,
    )
    def get_feature(project: str, model_name: str, version: str, feature_name: str, end: End = "") -> HTMLResponse:
        view = find(sources, project, model_name, version)
        found = feature.context(view, name_of(feature_name), _end_s(end), sources) if view else None
        if found is None:
            return render("missing.html", 404, here="overview", what="No closed window has this feature.")
        return render("feature.html", here="overview", **found)


def _end_s(text: str) -> int | None:
    """The end of a window as an address carries it; None for what is none."""
    return int(text) if text.isascii() and text.isdecimal() else None


def find(sources: Sources, project: str, model_name: str, version: str) -> ModelView | None:
    """The model that an address names."""
    key = ModelKey(name_of(project), name_of(model_name), name_of(version))
    return next((view for view in sources.views() if view.key == key), None)


def _add_static(router: APIRouter) -> None:
    @router.get("/static/{name}", include_in_schema=False)
    def get_static(name: str) -> Response:
        if name not in _STATIC:
            return Response("not found", 404, HEADERS)
        headers = HEADERS | {"Cache-Control": "public, max-age=86400"}
        return Response(_static(name), 200, headers, _STATIC[name])

    @router.get("/favicon.ico", include_in_schema=False)
    def get_icon() -> Response:
        return get_static("icon.svg")


def _base_of(path: str) -> Callable[[WindowVerdict], str]:
    """Where a window's cell leads: to its model as that window shows it."""
    return lambda verdict: f"{path}?end={verdict.end_s:.0f}"


def _static(name: str) -> bytes:
    return (importlib.resources.files("tocsin_collector.page") / "static" / name).read_bytes()


def _version() -> str:
    """Changes when a static file does, so that a browser's copy never outlives it."""
    return hashlib.sha256(b"".join(_static(name) for name in _STATIC)).hexdigest()[:12]


def _versions(sources: Sources, project: str, model_name: str) -> list[ModelView]:
    wanted = (name_of(project), name_of(model_name))
    return [view for view in sources.views() if view.key[:2] == wanted]


def _unknown_model() -> JSONResponse:
    reason = "no event of this model has come; GET /v1/models lists those that are known"
    return JSONResponse({"error": {"code": "unknown_model", "reason": reason}}, 404)


def _add_api(router: APIRouter, sources: Sources) -> None:
    @router.get("/v1/models", tags=["models"], summary="Every model version and its state")
    def get_models(request: Request) -> JSONResponse:
        caller = caller_of(request.scope)
        return JSONResponse(api.models([view for view in sources.views() if caller.reaches(view.key.project)]))

    @router.get(
        "/v1/models/{project}/{model_name}", tags=["models"], summary="Windows, drift, quality, alarms of a model"
    )
    def get_model(project: str, model_name: str) -> JSONResponse:
        views = _versions(sources, project, model_name)
        return JSONResponse(api.model(views, sources)) if views else _unknown_model()

    @router.get(
        "/v1/models/{project}/{model_name}/quality",
        tags=["models"],
        summary="Quality on the labels of many windows together: by class, by segment, thresholds, calibration, gaps",
    )
    def get_quality(project: str, model_name: str, windows: Windows = WINDOWS) -> JSONResponse:
        views = _versions(sources, project, model_name)
        return JSONResponse(qualityapi.quality(views, windows)) if views else _unknown_model()

    @router.get(
        "/v1/models/{project}/{model_name}/comparison",
        tags=["models"],
        summary="Two versions against each other, by ranges that hold however often one looks",
    )
    def get_comparison(project: str, model_name: str, first: Version = None, second: Version = None) -> JSONResponse:
        views = _versions(sources, project, model_name)
        found = qualityapi.comparison(views, first, second)
        if found is None:
            known = ", ".join(repr(view.key.version) for view in views) or "none"
            reason = f"two versions of the model are needed: first and second name them; known are {known:.500}"
            return JSONResponse({"error": {"code": "unknown_version", "reason": reason}}, 404)
        return JSONResponse(found)

    @router.get("/v1/alarms", tags=["alarms"], summary="What fires, what was, where messages go")
    def get_alarms() -> JSONResponse:
        return JSONResponse(api.alarms(sources.alarms))

    @router.get(
        "/v1/servers", tags=["health"], summary="Prometheus, Alertmanager, Grafana, Elasticsearch: do they answer"
    )
    def get_servers() -> JSONResponse:
        return JSONResponse(api.servers(sources.servers(), sources.servers_fault()))
