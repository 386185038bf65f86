"""What the bodies of all requests together may take."""

import contextlib
import json

import pytest

from tests.collector.doors.visitor import event
from tests.servers.process import until
from tocsin_collector.doors.gate import Gate


@pytest.fixture
def small(collector):
    """A collector that keeps 10,000 bytes of bodies."""
    one = collector()
    gate = one.server.config.app
    assert isinstance(gate, Gate)
    gate._bodies.most = 10_000
    return one, gate._bodies


def _head(path: bytes, size: int) -> bytes:
    method, kind = (b"PUT", b"text/csv") if b"references" in path else (b"POST", b"application/json")
    return b"%b %b HTTP/1.1\r\nHost: x\r\nContent-Type: %b\r\nContent-Length: %d\r\n\r\n" % (method, path, kind, size)


@pytest.mark.parametrize("path", [b"/v1/events", b"/v1/logs", b"/v1/references/shop/credit"])
def test_what_finds_no_room_is_told_to_come_again(small, path):
    one, bodies = small
    with one.plain() as first, one.plain() as second:
        first.sendall(_head(path, 9_000) + b"[".ljust(8_000))
        until(lambda: bodies.held == 8_000, "the first has come")
        second.sendall(_head(path, 5_000) + b"[".ljust(5_000))
        answer = second.recv(65_536)
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"\r\nretry-after: 1\r\n" in answer
        assert bodies.held == 8_000
    until(lambda: bodies.held == 0, "all of it is given back")
    assert one.post(event())[1]["accepted"] == 1
    assert one.metric("tocsin_requests_denied_total", code="busy") == 1


def test_all_is_given_back_whatever_becomes_of_a_request(small):
    one, bodies = small
    for body in (b"{", json.dumps(event()).encode(), b"\xff" * 100):
        one.ask("/v1/events", data=body, Content_Type="application/json")
    with contextlib.suppress(OSError), one.plain() as gone:
        gone.sendall(_head(b"/v1/events", 9_000) + b"x" * 100)
        until(lambda: bodies.held == 100, "some of it has come")
    until(lambda: bodies.held == 0, "all of it is given back")
