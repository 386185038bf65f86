"""The collector's HTTP side: one FastAPI application, and the server that runs it until a signal ends it."""

import asyncio
import contextlib
import logging
import os
import resource
import sqlite3
import sys
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import uvloop
from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse, PlainTextResponse

from tocsin_collector import __version__
from tocsin_collector.constraints.routes import constraints_router
from tocsin_collector.deployments.routes import deployments_router
from tocsin_collector.doors.connection import Patience, Room
from tocsin_collector.doors.gate import Gate
from tocsin_collector.doors.keys import Keyring, KeysError, path_of
from tocsin_collector.doors.server import serve
from tocsin_collector.doors.webfile import protection
from tocsin_collector.export.routes import metrics_router
from tocsin_collector.garbage import collect_later
from tocsin_collector.ingest.admission import Admission
from tocsin_collector.ingest.body import Limits
from tocsin_collector.ingest.endpoint import Endpoint
from tocsin_collector.ingest.openapi import mount
from tocsin_collector.journal import JournalError
from tocsin_collector.listen import ListenError, listen, loopback, url
from tocsin_collector.logline import OneLine
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
from tocsin_schema.web.protection import Protection

TICK_S = 1.0
_FILES = 256
_OPEN = (
    "tocsin_collector_open address={} WARNING: whoever reaches this address may read and write everything. Make a key "
    "(tocsin keys make), name a web.yml with passwords or client certificates (web_config_file), or listen on 127.0.0.1"
)
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
    mount(app, Endpoint(service.intake, limits, Admission(service.quotas, service.places)))
    takes = service.take_reference, service.keep_reference, service.remove_reference
    app.include_router(references_router(service.past, *takes, service.kinds, service.references))
    app.include_router(deployments_router(service.deployments, service.clock))
    app.include_router(constraints_router(service.take_rules, service.rules))
    app.include_router(
        logs_router(
            service.logs,
            max_body_bytes=values["ingest.max_body_bytes"],
            max_decompressed_bytes=values["ingest.max_decompressed_bytes"],
        )
    )
    app.include_router(notifications_router(service.inbox))
    app.include_router(reports_router(service.maker, service.reports))
    sources = Sources(
        service.views,
        service.fleet,
        service.alarms,
        service.logs,
        service.clock,
        values["windows.utc_offset_s"],
        servers=service.servers.views,
        servers_fault=lambda: service.scraped.fault,
        over_quota=service.doors.most_over_quota,
        received=service.inbox.view,
        folded=service.metrics.folded,
        reports=service.reports.listed,
        links=Links(shown(values["prometheus.url"]), shown(values["grafana.public_url"] or values["grafana.url"])),
    )
    app.include_router(page_router(sources))
    app.include_router(metrics_router(service.metrics))

    @app.exception_handler(404)
    async def lacking(_: Request, error: HTTPException) -> JSONResponse:
        """What a route says of what it lacks; of an address without a route, where those that there are stand.
        The address is not said again: a key may have been put into it."""
        nowhere = error.detail == "Not Found"
        detail = "nothing is at this address; /docs has every one" if nowhere else error.detail
        return JSONResponse({"detail": detail}, 404, error.headers)

    @app.get("/-/healthy", tags=["health"], response_class=PlainTextResponse)
    async def healthy() -> str:
        """Whether the process answers."""
        return "healthy\n"

    return app


def behind_doors(service: Service, web: Protection | None) -> Gate:
    """The application as clients reach it. Raises KeysError."""
    keyring = Keyring(path_of(service.values["data_dir"]), _log.warning)
    app = application(service)
    return Gate(app, web, keyring, service.quotas, service.doors, service.audit, app.state.events)


def run(values: dict[str, Any]) -> int:
    """Serve until SIGTERM or Ctrl-C. Returns the exit code."""
    written = logging.StreamHandler()
    written.setFormatter(OneLine("%(asctime)s %(levelname)s %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[written])
    try:
        web = protection(values["web_config_file"])
        with contextlib.closing(listen(values["listen"])) as opened:
            here = url(opened, "https" if web and web.encrypted else "http")
            service = Service(values, page_url=here)
            service.recover()
            _tell(f"tocsin_collector_listening address={here}")
            gate = behind_doors(service, web)
            if gate.open and not loopback(opened):
                _tell(_OPEN.format(here))
            patience = Patience(min(values["max_connections"], _descriptors()))
            collect_later()
            uvloop.run(serve(gate, opened, Room(patience, web, service.doors)))
    except KeysError as error:
        _tell(f"tocsin collector: {error}")
        return 78
    except ConfigError as error:
        _tell("\n".join(error.faults))
        return 78
    except Unusable as error:
        _tell(f"tocsin collector: {error}")
        return 78
    except (ListenError, JournalError, StoreError, OSError) as error:
        _tell(f"tocsin collector: {error}")
        return 1
    except sqlite3.Error as error:
        _tell(f"tocsin collector: {os.path.join(values['data_dir'], 'alarms')}: {error}")
        return 1
    return 0


def _descriptors() -> int:
    """How many connections this process has descriptors for, besides its files; as many as the system allows."""
    most, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(OSError, ValueError):  # a sandbox may forbid it
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        most = hard
    return max(most - _FILES, 1) if most != resource.RLIM_INFINITY else sys.maxsize


def _tell(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


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
        asyncio.create_task(service.intake.remember(), name="ids"),
    ]
    for name, push in service.pushes.items():
        loops.append(asyncio.create_task(push.run(values[f"{name}.interval_s"]), name=name))
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
