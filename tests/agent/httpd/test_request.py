"""A request's head: what is taken, what is refused and with which status."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin_agent.httpd.request import MAX_BODY_BYTES, MAX_HEADERS, BadRequest, parse

GET = b"GET /metrics HTTP/1.1\r\nHost: a"


def status(head: bytes) -> int:
    """What a head is answered with before any page sees it."""
    try:
        parse(head)
    except BadRequest as error:
        return error.status if str(error) else 0
    return 200


@given(st.binary(max_size=200))
def test_any_bytes_are_a_request_or_a_refusal(head):
    assert status(head) in (200, 400, 411, 413, 431, 505)


@given(
    st.lists(st.sampled_from([b"GET", b" ", b"/", b"HTTP/1.1", b"\r\n", b"Host:", b"a", b"\x00", b"Content-Length: 5"]))
)
def test_any_mixture_of_good_parts_is_a_request_or_a_refusal(parts):
    assert status(b"".join(parts)) in (200, 400, 411, 413, 431, 505)


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (GET, 200),
        (b"GET / HTTP/1.0", 200),
        (b"GET / HTTP/1.1", 400),
        (b"GET / HTTP/2.0\r\nHost: a", 505),
        (b"GET / SSH/1.1\r\nHost: a", 400),
        (b"GET  / HTTP/1.1\r\nHost: a", 400),
        (b"GET metrics HTTP/1.1\r\nHost: a", 400),
        (b"G\x00T / HTTP/1.1\r\nHost: a", 400),
        (b"GET /\xff HTTP/1.1\r\nHost: a", 400),
        (b"GET /a\tb HTTP/1.1\r\nHost: a", 400),
        (b"\x16\x03\x01\x02\x00\x01", 400),
        (GET + b"\r\nHost: a", 200),
        (GET + b"\r\nHost: b", 400),
        (GET + b"\r\nNo colon", 400),
        (GET + b"\r\nSpace : x", 400),
        (GET + b"\r\n: x", 400),
        (GET + b"\r\n folded", 400),
        (GET + b"\r\nX: a\nY: b", 400),
        (GET + b"\r\nX: a\rb", 400),
        (GET + b"\r\nX: \x00", 400),
        (GET + b"\r\nX: caf\xc3\xa9", 200),
        (GET + b"\r\nContent-Length: 5", 200),
        (GET + b"\r\nContent-Length: 5\r\nContent-Length: 5", 200),
        (GET + b"\r\nContent-Length: 5\r\nContent-Length: 6", 400),
        (GET + b"\r\nContent-Length: 5, 5", 400),
        (GET + b"\r\nContent-Length: -5", 400),
        (GET + b"\r\nContent-Length: +5", 400),
        (GET + b"\r\nContent-Length: 0x5", 400),
        (GET + b"\r\nContent-Length:", 400),
        (GET + b"\r\nContent-Length: %d" % MAX_BODY_BYTES, 200),
        (GET + b"\r\nContent-Length: %d" % (MAX_BODY_BYTES + 1), 413),
        (GET + b"\r\nContent-Length: " + b"9" * 5000, 413),
        (GET + b"\r\nTransfer-Encoding: chunked", 411),
        (GET + b"\r\nTransfer-Encoding: chunked\r\nContent-Length: 5", 411),
        (GET + b"\r\nX: y" * (MAX_HEADERS - 1), 200),
        (GET + b"\r\nX: y" * MAX_HEADERS, 431),
    ],
)
def test_heads(head, expected):
    assert status(head) == expected


def test_the_parts_of_a_request():
    request = parse(b"POST /v1/events?a=b HTTP/1.1\r\nHOST: x\r\nX-A: \t1 \r\nx-a: 2\r\nContent-Length: 3")
    assert (request.method, request.path, request.query, request.length) == ("POST", "/v1/events", "a=b", 3)
    assert request.headers == {"host": "x", "x-a": "1, 2", "content-length": "3"}


@pytest.mark.parametrize(
    ("target", "path"),
    [("http://a:1/metrics?x", "/metrics"), ("http://a", "/"), ("HTTP://a/", "/"), ("//a/b", "//a/b")],
)
def test_an_absolute_target_loses_its_authority(target, path):
    assert parse(f"GET {target} HTTP/1.1\r\nHost: a".encode()).path == path


@pytest.mark.parametrize(
    ("version", "connection", "kept"),
    [
        ("1.1", "", True),
        ("1.1", "close", False),
        ("1.1", "x, Close", False),
        ("1.0", "", False),
        ("1.0", "Keep-Alive", True),
    ],
)
def test_the_connection_is_kept_by_version_and_header(version, connection, kept):
    extra = f"\r\nConnection: {connection}" if connection else ""
    assert parse(f"GET / HTTP/{version}\r\nHost: a{extra}".encode()).keep_alive == kept
