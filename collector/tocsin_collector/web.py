"""The collector's HTTP side: one FastAPI application, and the server that runs it until a signal ends it."""

import asyncio
import contextlib
import logging
import os
import signal
import sqlite3
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import uvicorn
from fastapi import FastAPI
from fastapi.responses import PlainTextResponse, Response

from tocsin_collector import __version__
from tocsin_collector.export.exposition import CONTENT_TYPE
from tocsin_collector.ingest.body import Limits
from tocsin_collector.ingest.endpoint import Endpoint
from tocsin_collector.ingest.openapi import mount
from tocsin_collector.journal import JournalError
from tocsin_collector.listen import ListenError, listen, url
from tocsin_collector.logs import StoreError, Unusable, logs_router
from tocsin_collector.notifications import notifications_router
from tocsin_collector.page.links import Links
from tocsin_collector.page.routes import page_router
from tocsin_collector.page.view import Sources
from tocsin_collector.references.routes import references_router
from tocsin_collector.reports.routes import reports_router
from tocsin_collector.servers import shown
from tocsin_collector.service import Service
from tocsin_schema.config import ConfigError

TICK_S = 1.0
_log = logging.getLogger(__name__)


def application(service: Service) -> FastAPI:
    """The application over a service: events, references, logs, page, API, /metrics."""
    values = service.values
    app = FastAPI(
        title="tocsin collector",
        version=__version__,
        lifespan=lambda _: _running(service),
        docs_url=None,  # FastAPI's own page loads its scripts from a CDN
        redoc_url=None,
    )
    limits = Limits(values["ingest.max_body_bytes"], values["ingest.max_decompressed_bytes"])
    mount(app, Endpoint(service.intake, limits))
    app.include_router(references_router(service.past, service.take_reference, service.kinds))
    app.include_router(
        logs_router(
            service.logs,
            max_body_bytes=values["ingest.max_body_bytes"],
            max_decompressed_bytes=values["ingest.max_decompressed_bytes"],
        )
    )
    app.include_router(notifications_router(service.inbox))
    app.include_router(reports_router(service.past, service.references.get, values["reports.python"]))
    sources = Sources(
        service.views,
        service.fleet,
        service.alarms,
        service.logs,
        service.clock,
        values["windows.utc_offset_s"],
        servers=service.servers.views,
        servers_fault=lambda: service.scraped.fault,
        received=service.inbox.view,
        links=Links(shown(values["prometheus.url"]), shown(values["grafana.public_url"] or values["grafana.url"])),
    )
    app.include_router(page_router(sources))

    @app.get("/metrics", tags=["health"], response_class=PlainTextResponse)
    async def metrics() -> Response:
        """The collector's own series and what it says of the models, in the Prometheus text format."""
        return Response(service.metrics(), media_type=CONTENT_TYPE)

    @app.get("/-/healthy", tags=["health"], response_class=PlainTextResponse)
    async def healthy() -> str:
        """Whether the process answers."""
        return "healthy\n"

    return app


def run(values: dict[str, Any]) -> int:
    """Serve until SIGTERM or Ctrl-C. Returns the exit code."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    try:
        with contextlib.closing(listen(values["listen"])) as opened:
            service = Service(values, page_url=url(opened))
            service.recover()
            _tell(f"tocsin_collector_listening address={url(opened)}")
            config = uvicorn.Config(application(service), log_level="warning", access_log=False, ws="none")
            asyncio.run(_serve(_Server(config), opened))
    except (Unusable, ConfigError) as error:
        _tell(f"tocsin collector: {error}")
        return 78
    except (ListenError, JournalError, StoreError, OSError) as error:
        _tell(f"tocsin collector: {error}")
        return 1
    except sqlite3.Error as error:
        _tell(f"tocsin collector: {os.path.join(values['data_dir'], 'alarms')}: {error}")
        return 1
    return 0


def _tell(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


class _Server(uvicorn.Server):
    """Signals are ours: uvicorn would raise them again at the end, and a clean stop would look like a death."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def _serve(server: uvicorn.Server, opened: Any) -> None:
    loop = asyncio.get_running_loop()

    def stop() -> None:
        server.force_exit, server.should_exit = server.should_exit, True

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    await server.serve(sockets=[opened])


@contextlib.asynccontextmanager
async def _running(service: Service) -> AsyncIterator[None]:
    """The background of a service: scrapes, alarms, the monitor's tick."""
    service.alarms.start()
    values = service.values
    loops = [
        asyncio.create_task(service.fleet.run(), name="fleet"),
        asyncio.create_task(service.alarms.run(), name="alarms"),
        asyncio.create_task(service.servers.run(), name="servers"),
        asyncio.create_task(service.scraped.run(values["scrape_interval_s"]), name="targets file"),
        asyncio.create_task(_every(TICK_S, service.tick), name="monitor"),
    ]
    try:
        yield
    finally:
        for loop in loops:
            loop.cancel()
        await asyncio.gather(*loops, return_exceptions=True)
        await service.intake.close()
        service.close()


async def _every(interval_s: float, call: Callable[[], None]) -> None:
    """Call at every beat until cancelled. A call that fails is logged and does not end the beat."""
    while True:
        started = time.monotonic()
        try:
            call()
        except Exception:
            _log.exception("tick_failed")
        await asyncio.sleep(max(0.05, interval_s - (time.monotonic() - started)))
