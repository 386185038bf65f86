"""Which format and which coding an answer has."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin_schema.negotiation import GZIP, OPENMETRICS, PROTOBUF, TEXT, ZSTD, codings, exposition

DELIMITED = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"
PROMETHEUS_2_42_NATIVE = (
    f"{DELIMITED},application/openmetrics-text;version=1.0.0;q=0.8,"
    "application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
    "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", TEXT),
        ("*/*", TEXT),
        (PROMETHEUS_3, OPENMETRICS),
        (PROMETHEUS_2_42_NATIVE, PROTOBUF),
        (f"{DELIMITED};q=0.6,{PROMETHEUS_3.replace('0.6', '0.7')}", OPENMETRICS),
        (DELIMITED, PROTOBUF),
        (DELIMITED.upper(), PROTOBUF),
        (f"{DELIMITED};q=0.2, text/plain;q=0.3", TEXT),
        (f"{DELIMITED}, application/openmetrics-text, text/plain", PROTOBUF),
        (f"{DELIMITED};q=0,*/*;q=0.1", TEXT),
        (DELIMITED.replace("delimited", "text"), TEXT),
        (DELIMITED.replace("MetricFamily", "Other"), TEXT),
        ("application/vnd.google.protobuf", TEXT),
        ("text/plain;version=0.0.4", TEXT),
        ("application/openmetrics-text", OPENMETRICS),
        ('application/openmetrics-text; version="1.0.0"', OPENMETRICS),
        ("application/openmetrics-text;version=2.0.0", TEXT),
        ("application/openmetrics-text;q=0", TEXT),
        ("application/openmetrics-text;q=0.1,text/plain;q=0.2", TEXT),
        ("application/openmetrics-text;q=0.5,*/*;q=0.9", TEXT),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", TEXT),
        ("application/openmetrics-text;q=x", TEXT),
        ("image/png", TEXT),
    ],
)
def test_the_format_is_the_one_that_is_liked_best(accept, expected):
    assert exposition(accept) == expected


@pytest.mark.parametrize(
    ("encoding", "expected"),
    [
        ("", ()),
        ("gzip", (GZIP,)),
        ("br, GZIP;q=0.5", (GZIP,)),
        ("gzip;q=0", ()),
        ("deflate", ()),
        ("gzip; q=0.0", ()),
        ("x-gzip", (GZIP,)),
        ("zstd", (ZSTD,)),
        ("gzip, zstd", (ZSTD, GZIP)),
        ("gzip;q=0.9, zstd;q=0.5", (GZIP, ZSTD)),
        ("*", (GZIP,)),
        ("*;q=0.1, zstd", (ZSTD, GZIP)),
        ("identity, gzip;q=0.5", ()),
        ("identity;q=0.5, gzip", (GZIP,)),
    ],
)
def test_the_codings_come_in_the_order_in_which_they_are_liked(encoding, expected):
    assert codings(encoding) == expected


@given(st.text(max_size=80))
def test_any_header_is_understood_or_passed_over(text):
    assert exposition(text) in (TEXT, OPENMETRICS, PROTOBUF)
    assert set(codings(text)) <= {GZIP, ZSTD}


def test_what_is_remembered_of_headers_is_bounded_and_right():
    for number in range(1000):
        assert exposition(f"text/x{number}") == TEXT
        assert exposition(f"text/x{number}, {DELIMITED}") == PROTOBUF
