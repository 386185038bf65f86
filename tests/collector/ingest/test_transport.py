"""Requests that are wrong as HTTP, over a real socket: an answer or an end, and the next client is served."""

import json
import socket

import pytest

from tests.collector.ingest.served import Collector

EVENT = json.dumps({"type": "label", "model": "m", "id": "after", "label": 1}).encode()
HEAD = b"POST /v1/events HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
CASES = {
    "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "a line without an end": b"POST /v1/events",
    "an unknown method": b"PUSH /v1/events HTTP/1.1\r\nhost: x\r\n\r\n",
    "an unknown version": b"POST /v1/events HTTP/9.9\r\nhost: x\r\n\r\n",
    "a length that is no number": HEAD + b"content-length: x\r\n\r\n{}",
    "a negative length": HEAD + b"content-length: -1\r\n\r\n{}",
    "two lengths": HEAD + b"content-length: 2\r\ncontent-length: 3\r\n\r\n{}",
    "a length and chunks": HEAD + b"content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "a chunk of no size": HEAD + b"transfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
    "a chunk of 2^64 bytes": HEAD + b"transfer-encoding: chunked\r\n\r\nffffffffffffffff1\r\n",
    "a chunk that is cut": HEAD + b"transfer-encoding: chunked\r\n\r\n10\r\n{}",
    "a body that is cut": HEAD + b"content-length: 1000\r\n\r\n{}",
    "no body": HEAD + b"content-length: 2\r\n\r\n",
    "a header without a name": HEAD + b": x\r\n\r\n",
    "a header with a zero byte": HEAD + b"x: a\0b\r\ncontent-length: 2\r\n\r\n{}",
    "a header that goes on in the next line": HEAD + b"x: a\r\n b\r\ncontent-length: 2\r\n\r\n{}",
    "a header of 200 KB": HEAD + b"x: " + b"y" * 200_000 + b"\r\ncontent-length: 2\r\n\r\n{}",
    "10,000 headers": HEAD + b"x: y\r\n" * 10_000 + b"content-length: 2\r\n\r\n{}",
    "an address of 100 KB": b"POST /v1/events?" + b"a" * 100_000 + b" HTTP/1.1\r\nhost: x\r\n\r\n",
    "an address with a zero byte": b"POST /v1/ev\0ents HTTP/1.1\r\nhost: x\r\n\r\n",
    "a query that is no ASCII": b"POST /v1/events?model=\xff HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n",
    "an upgrade": HEAD + b"connection: upgrade\r\nupgrade: websocket\r\ncontent-length: 2\r\n\r\n{}",
    "an expectation": HEAD + b"expect: the-impossible\r\ncontent-length: 2\r\n\r\n{}",
}


@pytest.mark.parametrize("name", CASES)
def test_a_broken_request_is_refused_and_the_next_one_served(collector: Collector, name: str) -> None:
    with socket.create_connection(("127.0.0.1", collector.port), timeout=10) as connection:
        connection.sendall(CASES[name])
        connection.shutdown(socket.SHUT_WR)
        try:
            answer = connection.makefile("rb").read()
        except ConnectionResetError:  # the server has gone without reading the rest
            answer = b""
    assert not answer or answer.startswith(b"HTTP/1.1 4"), answer[:200]
    assert collector.post(EVENT)[1]["accepted"] == 1
