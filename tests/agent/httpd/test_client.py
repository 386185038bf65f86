"""The states of one connection, without a socket."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin_agent.httpd.client import ANSWERING, BODY, HEAD, IDLE, LINGERING, Client
from tocsin_agent.httpd.request import MAX_HEAD_BYTES, BadRequest
from tocsin_agent.httpd.response import CONTINUE

ONE = b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"
TWO = b"GET /b HTTP/1.1\r\nHost: x\r\n\r\n"


@given(st.lists(st.integers(1, 20), min_size=1, max_size=20))
def test_requests_come_out_the_same_however_their_bytes_arrive(sizes):
    client, data, seen = Client(), ONE + b"\r\n" + TWO + ONE, []
    while data or client.inbox:
        for size in sizes:
            if client.reading and data:
                client.feed(data[:size])
                data = data[size:]
            request = client.take() if client.reading else None
            if request is not None:
                seen.append((request.method, request.path, request.body))
                client.answer(b"x")
                client.outbox.clear()
                assert not client.sent()
    assert seen == [("POST", "/a", b"abc"), ("GET", "/b", b""), ("POST", "/a", b"abc")]
    assert client.phase == IDLE


def test_the_repr_tells_the_state():
    client = Client()
    assert repr(client) == "<client idle in=0 out=0 >"
    client.feed(ONE[:-1])
    assert client.take() is None
    assert repr(client) == "<client body in=2 out=0 <POST /a 0/3>>"
    client.feed(b"c" + TWO)
    client.take()
    assert client.phase == ANSWERING
    assert not client.reading
    client.answer(b"head", b"")
    assert repr(client) == f"<client sending in={len(TWO)} out=4 <POST /a 3/3>>"


def test_a_client_that_expects_continue_gets_it_once_and_only_while_its_body_is_missing():
    head = b"POST /a HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"
    client = Client()
    client.feed(head)
    client.take()
    assert (client.outbox, client.phase) == ([CONTINUE], BODY)
    client = Client()
    client.feed(head + b"abc")
    assert client.take().body == b"abc"
    assert client.outbox == []


def test_a_head_without_end_is_refused():
    client = Client()
    client.feed(b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * MAX_HEAD_BYTES)
    with pytest.raises(BadRequest) as caught:
        client.take()
    assert caught.value.status == 431


@pytest.mark.parametrize("piece", [1, 3, 1 << 20])
def test_the_longest_head_is_taken_and_a_byte_more_is_refused_however_it_arrives(piece):
    line = b"GET / HTTP/1.1\r\nHost: x\r\nX: "
    for extra in (0, 1):
        data, client, found = line + b"y" * (MAX_HEAD_BYTES - len(line) + extra) + b"\r\n\r\n", Client(), []
        try:
            for at in range(0, len(data), piece):
                client.feed(data[at : at + piece])
                found.append(client.take())
        except BadRequest as error:
            found.append(error.status)
        assert (found[-1] == 431) == bool(extra)


def test_empty_lines_alone_leave_the_connection_idle():
    client = Client()
    client.feed(b"\r\n\r\n")
    assert client.take() is None
    assert client.phase == IDLE
    client.feed(b"G")
    assert client.phase == HEAD


def test_after_the_last_answer_what_comes_is_dropped():
    client = Client()
    client.feed(b"GET / HTTP/1.0\r\n\r\n")
    client.take()
    client.answer(b"x")
    assert client.sent()
    client.feed(b"more")
    assert (client.phase, bytes(client.inbox)) == (LINGERING, b"")
