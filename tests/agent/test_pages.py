"""The agent's own pages."""

import gzip
import subprocess

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from tests.protobuf_reader import families
from tocsin_agent.exposition import family
from tocsin_agent.httpd.request import parse
from tocsin_agent.pages import Pages, time_left
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


def test_metrics_as_protobuf_say_what_the_text_says():
    asked = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"
    _, headers, body = get("/metrics?collect[]=disks", Accept=asked, Accept_Encoding="zstd")
    assert headers["Content-Type"] == f"{asked.replace(';', '; ')}"
    assert headers["Content-Encoding"] == "zstd"
    plain = subprocess.run(["zstd", "-dc"], input=body, capture_output=True, check=True).stdout
    disks = families(plain)[0]
    assert (disks["name"], len(disks["metric"])) == ("node_disk_reads_completed_total", 100)


def test_a_small_answer_is_not_compressed():
    assert "Content-Encoding" not in get("/metrics?collect[]=none", Accept_Encoding="gzip")[1]


@pytest.mark.parametrize(
    ("query", "collectors"),
    [
        ("collect[]=disks", {"disks"}),
        ("collect%5B%5D=none&collect%5B%5D=disks", {"disks", "none"}),
        ("exclude[]=disks", {"none"}),
        ("collect=disks", {"disks", "none"}),
        ("", {"disks", "none"}),
    ],
)
def test_a_scrape_is_of_those_that_it_asks_for(query, collectors):
    status, _, body = get(f"/metrics?{query}")
    found = {sample.labels.get("collector") for family in parse_text(body.decode()) for sample in family.samples}
    assert (status, found - {None}) == (200, collectors)
    assert (b"node_disk" in body) == ("disks" in collectors)


@pytest.mark.parametrize(
    ("query", "line"),
    [
        ("collect[]=cpuu", b"no source 'cpuu'; there are: disks, none\n"),
        ("collect[]=disks&collect[]=", b"no source ''; there are: disks, none\n"),
        ("exclude[]=a%0Ab", b"no source 'a\\nb'; there are: disks, none\n"),
        ("collect[]=disks&exclude[]=none", b"either collect[] or exclude[] expected, not both\n"),
    ],
)
def test_unknown_names_are_a_400_with_what_there_is(query, line):
    status, _, body = get(f"/metrics?{query}")
    assert (status, body) == (400, line)


@pytest.mark.parametrize(
    ("header", "seconds"), [("", 9.5), ("10", 9.5), ("2.5", 2.0), ("1", 0.8), ("0", 0.1), ("9" * 300, 59.5)]
)
def test_a_scrape_ends_before_the_scraper_gives_up(header, seconds):
    assert time_left(header) == pytest.approx(seconds)


@pytest.mark.parametrize("header", ["soon", "-1", "1e3", "1.2.3", "٣", "nan", "inf"])
def test_a_timeout_that_is_none_is_a_400(header):
    with pytest.raises(ValueError, match="seconds expected"):
        time_left(header)


def test_a_text_that_protobuf_cannot_say_is_sent_as_text(capfd):
    request = parse(
        b"GET /metrics HTTP/1.1\r\nHost: x\r\nAccept: application/vnd.google.protobuf;"
        b"proto=io.prometheus.client.MetricFamily;encoding=delimited"
    )
    _, headers, body = Pages(Scrape([("odd", lambda: b"odd one\n")]), [])(request)
    assert headers["Content-Type"].startswith("text/plain")
    assert body.startswith(b"odd one\n")
    assert "protobuf_failed" in capfd.readouterr().err


def test_ready_until_it_stops():
    pages = Pages(Scrape([]), [])
    request = parse(b"GET /-/ready HTTP/1.1\r\nHost: x")
    assert pages(request)[0] == 200
    pages.stopping = True
    assert pages(request)[0] == 503
