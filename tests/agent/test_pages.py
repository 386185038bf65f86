"""The agent's own pages."""

import gzip

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from tocsin_agent.exposition import family
from tocsin_agent.httpd.request import parse
from tocsin_agent.pages import Pages
from tocsin_agent.scrape import Scrape
from tocsin_schema.metrics.disk import FIELDS

TEXT = family(FIELDS[0], [({"device": f"disk{number}"}, number) for number in range(100)])


def get(path: str, method: str = "GET", **headers: str):
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    request = parse("\r\n".join([f"{method} {path} HTTP/1.1", "Host: x", *lines]).encode())
    return Pages(Scrape([("disks", lambda: TEXT), ("none", bytes)]), ["/v1/events"])(request)


def test_metrics_as_text():
    status, headers, body = get("/metrics?x=y")
    assert (status, headers["Content-Type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
    assert [len(found.samples) for found in parse_text(body.decode())] == [100, 2, 2]


def test_metrics_as_openmetrics_and_gzip():
    _, headers, body = get("/metrics", Accept="application/openmetrics-text;version=1.0.0", Accept_Encoding="gzip")
    assert headers["Content-Type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    assert headers["Content-Encoding"] == "gzip"
    names = [found.name for found in parse_openmetrics(gzip.decompress(body).decode())]
    assert names[0] == "node_disk_reads_completed"


def test_healthy_and_the_start_page():
    assert get("/-/healthy")[2] == b"ok\n"
    status, headers, body = get("/")
    assert (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert b'href="/metrics"' in body


def test_another_path_is_told_what_there_is():
    status, _, body = get("/metricz")
    assert status == 404
    assert body == b"no /metricz here; there is /metrics, /-/healthy, /-/ready, /, /v1/events\n"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_another_method_is_told_which(method):
    status, headers, _ = get("/metrics", method)
    assert (status, headers["Allow"]) == (405, "GET, HEAD")
