"""`POST /v1/notifications`: the webhook that Alertmanager and Grafana are given."""

import sqlite3

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from tocsin_collector.ingest.answer import Refusal
from tocsin_collector.ingest.body import Disconnected, Limits, read_body
from tocsin_collector.notifications.inbox import Inbox
from tocsin_collector.notifications.notification import notification

LIMITS = Limits(4 << 20, 4 << 20)
_ALERT = {
    "status": "firing",
    "labels": {"alertname": "HostDown", "instance": "http://a:10300", "job": "tocsin-agent", "severity": "critical"},
    "annotations": {"summary": "agent http://a:10300 does not answer"},
    "startsAt": "2026-11-23T10:00:00Z",
    "endsAt": "0001-01-01T00:00:00Z",
}
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": {"type": "object"}, "example": {"version": "4", "alerts": [_ALERT]}}
        },
    }
}


def notifications_router(inbox: Inbox) -> APIRouter:
    """The route over an inbox."""
    router = APIRouter(tags=["alarms"])

    @router.post("/v1/notifications", openapi_extra=_BODY, summary="Deliver a notification of Alertmanager or Grafana")
    async def post_notification(request: Request) -> JSONResponse:
        """The webhook of Alertmanager (version 4) or Grafana. Answers `{"messages": n}` once its messages are on disk;
        0 when all of it was told before. They go to the targets of `alerting.targets_file`."""
        try:
            _check_type(request.headers.get("content-type", ""))
            body = await read_body(request.receive, dict(request.headers.raw), LIMITS)
            found = await run_in_threadpool(notification, body)
        except Refusal as error:
            inbox.refused(str(error))
            return _error(error.status, error.code, str(error))
        except Disconnected:
            return _error(400, "disconnected", "the body did not arrive")  # nobody is left to read it
        try:
            return JSONResponse({"messages": await run_in_threadpool(inbox.take, found)})
        except (sqlite3.Error, OSError) as error:
            # Alertmanager tries again after a status of 500 and more.
            return _error(503, "store", f"the notification was not kept: {error}", {"Retry-After": "5"})

    return router


def _check_type(content_type: str) -> None:
    # A page in a browser may post a form or plain text anywhere, but no JSON without being asked.
    if content_type.split(";", maxsplit=1)[0].strip().lower() != "application/json":
        raise Refusal(415, "content_type", f"Content-Type {content_type!r:.80}: application/json expected")


def _error(status: int, code: str, reason: str, headers: dict[str, str] | None = None) -> JSONResponse:
    return JSONResponse({"error": {"code": code, "reason": reason}}, status, headers)
