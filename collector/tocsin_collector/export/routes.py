"""GET /metrics."""

from fastapi import APIRouter
from fastapi.responses import PlainTextResponse, StreamingResponse

from tocsin_collector.export.form import FORMS
from tocsin_collector.export.metrics import Metrics


def metrics_router(metrics: Metrics) -> APIRouter:
    """The collector's own series and what it says of the models."""
    router = APIRouter(tags=["health"])

    @router.get("/metrics", response_class=PlainTextResponse)
    async def scrape() -> StreamingResponse:
        """The collector's own series and what it says of the models, in the Prometheus text format."""
        await metrics.refresh()
        form = FORMS["text"]
        return StreamingResponse(metrics.written(form), media_type=form.media_type)

    return router
