"""Heads of responses and the choice of format and encoding."""

import gzip as library
from email.parser import BytesParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin_agent.httpd.response import accepts_gzip, gzip, head, wants_openmetrics

PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
    "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)


@pytest.mark.parametrize(
    ("accept", "openmetrics"),
    [
        ("", False),
        ("*/*", False),
        (PROMETHEUS_3, True),
        ("text/plain;version=0.0.4", False),
        ("application/openmetrics-text", True),
        ('application/openmetrics-text; version="1.0.0"', True),
        ("application/openmetrics-text;version=2.0.0", False),
        ("application/openmetrics-text;q=0", False),
        ("application/openmetrics-text;q=0.1,text/plain;q=0.2", False),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", False),
        ("application/openmetrics-text;q=x", False),
    ],
)
def test_the_format_follows_the_accept_header(accept, openmetrics):
    assert wants_openmetrics(accept) == openmetrics


@pytest.mark.parametrize(
    ("encoding", "allowed"),
    [
        ("", False),
        ("gzip", True),
        ("br, GZIP;q=0.5", True),
        ("gzip;q=0", False),
        ("deflate", False),
        ("gzip; q=0.0", False),
    ],
)
def test_gzip_follows_the_accept_encoding_header(encoding, allowed):
    assert accepts_gzip(encoding) == allowed


@given(st.text(max_size=80))
def test_any_header_is_understood_or_passed_over(text):
    assert wants_openmetrics(text) in (True, False)
    assert accepts_gzip(text) in (True, False)


@given(st.binary(max_size=5000))
def test_gzip_comes_back(body):
    assert library.decompress(gzip(body)) == body


def test_a_head_is_read_by_the_library():
    line, _, rest = head(200, {"Content-Type": "text/plain"}, 5, keep_alive=False).partition(b"\r\n")
    fields = BytesParser().parsebytes(rest)
    assert line == b"HTTP/1.1 200 OK"
    assert (fields["Content-Length"], fields["Connection"], fields["Content-Type"]) == ("5", "close", "text/plain")
    assert fields["Date"].endswith(" GMT")


def test_no_content_has_no_length():
    assert b"Content-Length" not in head(204, {}, 0, keep_alive=True)
