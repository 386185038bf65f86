"""GET /metrics: whichever form and coding the client likes best."""

import asyncio
import gzip

import httpx
import pytest
from fastapi import FastAPI

from tests.collector.export.test_text import read
from tests.collector.exposed import BUDGET
from tests.protobuf_reader import samples
from tocsin_collector.export.exposition import single
from tocsin_collector.export.metrics import Metrics
from tocsin_collector.export.routes import metrics_router

PROMETHEUS_NATIVE = (
    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited,"
    "application/openmetrics-text;version=1.0.0;q=0.8,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
PROMETHEUS = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,*/*;q=0.1"
PLAIN = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
PROTOBUF = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"


def scrape(headers):
    app = FastAPI()
    app.include_router(metrics_router(Metrics(list, lambda: [single("tocsin_events_unwatched_total", {}, 3)], BUDGET)))

    async def ask():
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://c") as session:
            request = session.build_request("GET", "/metrics")
            request.headers = httpx.Headers(headers)
            return await session.send(request)

    return asyncio.run(ask())


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("", PLAIN),
        ("*/*", PLAIN),
        ("text/html,application/xhtml+xml,*/*;q=0.8", PLAIN),
        ("text/plain;version=0.0.4", PLAIN),
        ("application/x-nobody-has-this", PLAIN),
        (PROMETHEUS, OPENMETRICS),
        (PROMETHEUS_NATIVE, PROTOBUF),
    ],
)
def test_the_form_is_what_the_client_likes_best(accept, media_type):
    answer = scrape([("accept", accept)])
    assert answer.headers["content-type"] == media_type
    assert answer.headers["vary"] == "Accept, Accept-Encoding"
    found = {
        PLAIN: lambda: read(answer.content, "text"),
        OPENMETRICS: lambda: read(answer.content, "openmetrics"),
        PROTOBUF: lambda: {(name,): value for (name, _), value in samples(answer.content).items()},
    }[media_type]()
    assert found == {("tocsin_events_unwatched_total",): 3}


def test_a_header_in_several_lines_is_one():
    answer = scrape([("accept", "text/plain;q=0.5"), ("accept", "application/openmetrics-text;version=1.0.0")])
    assert answer.headers["content-type"] == OPENMETRICS


@pytest.mark.parametrize(("asked", "packed"), [("gzip", True), ("gzip;q=0", False), ("zstd", False), ("", False)])
def test_gzip_is_for_who_takes_it(asked, packed):
    answer = scrape([("accept-encoding", asked)])
    assert (answer.headers.get("content-encoding") == "gzip") is packed
    assert b"tocsin_events_unwatched_total 3\n" in answer.content  # httpx has unpacked it


def test_gzip_is_whole():
    async def pieces():
        yield b"a" * 200_000
        yield b""

    from tocsin_collector.export.metrics import gzipped

    async def all_of():
        return b"".join([piece async for piece in gzipped(pieces())])

    assert gzip.decompress(asyncio.run(all_of())) == b"a" * 200_000
