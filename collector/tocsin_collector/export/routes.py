"""GET /metrics."""

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse, StreamingResponse

from tocsin_collector.export.form import FORMS
from tocsin_collector.export.metrics import Metrics, gzipped
from tocsin_schema.negotiation import GZIP, MEDIA_TYPES, codings, exposition


def metrics_router(metrics: Metrics) -> APIRouter:
    """The collector's own series and what it says of the models."""
    router = APIRouter(tags=["health"])

    @router.get("/metrics", response_class=PlainTextResponse)
    async def scrape(request: Request) -> StreamingResponse:
        """The collector's own series and what it says of the models: Prometheus' text format, OpenMetrics or protobuf,
        whichever the client likes best."""
        kind = exposition(_header(request, "accept"))
        headers = {"Content-Type": MEDIA_TYPES[kind], "Vary": "Accept, Accept-Encoding"}
        await metrics.refresh()
        pieces = metrics.written(FORMS[kind])
        if GZIP in codings(_header(request, "accept-encoding")):
            headers["Content-Encoding"] = GZIP
            pieces = gzipped(pieces)
        return StreamingResponse(pieces, headers=headers)

    return router


def _header(request: Request, name: str) -> str:
    """A header that may stand several times (RFC 9110, 5.3)."""
    return ", ".join(request.headers.getlist(name))
