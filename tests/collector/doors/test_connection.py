"""Clients that are slow, silent, many or endless, over real sockets; and that the others notice nothing."""

import contextlib
import gzip
import json
import resource
import socket
import ssl

import pytest

from tests.collector.doors.visitor import event
from tests.servers.process import until
from tocsin_collector.doors.connection import MAX_HEAD_BYTES, Patience
from tocsin_collector.doors.headers import DEFAULTS

CERT = "tls_server_config:\n  cert_file: server.pem\n  key_file: server.key\n"
SOON = Patience(head_s=0.3, body_s=0.3, body_bytes=1_000)
HEAD = b"POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n"


def _closed(sock) -> bool:
    sock.settimeout(10)
    try:
        while sock.recv(65_536):
            pass
    except (ConnectionError, ssl.SSLError):
        pass
    return True


def _says(sock, text) -> bool:
    sock.settimeout(10)
    heard = b""
    while text not in heard:
        part = sock.recv(65_536)
        if not part:
            return False
        heard += part
    return True


def _ended(one, reason):
    return one.metric("tocsin_connections_ended_total", reason=reason)


@pytest.mark.parametrize(
    "said", [b"", b"GET", b"GET / HTTP/1.1\r\nHost: x\r\n", b"\r\n\r\n\r\n", b"GET / HTTP/1.1\r\nX: "]
)
def test_a_head_that_does_not_come_is_not_waited_for(collector, said):
    one = collector(patience=SOON)
    with one.plain() as sock:
        sock.sendall(said)
        assert _closed(sock)
    assert _ended(one, "slow_head") == 1


def test_a_head_that_drips_is_not_waited_for(collector):
    one = collector(patience=SOON)
    with one.plain() as sock:
        sock.settimeout(0.01)
        sock.sendall(b"GET / HTTP/1.1\r\n")

        def dripped():
            with contextlib.suppress(TimeoutError):
                sock.sendall(b"X: y\r\n")
                return sock.recv(10) == b""

        with contextlib.suppress(ConnectionError):
            until(dripped, "the connection is closed", 10)
    assert _ended(one, "slow_head") == 1


def test_a_second_head_has_the_same_time(collector):
    one = collector(patience=SOON)
    with one.plain() as sock:
        sock.sendall(b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n")
        assert _says(sock, b"healthy")
        sock.sendall(b"\r\nGET /")
        assert _closed(sock)
    assert _ended(one, "slow_head") == 1


@pytest.mark.parametrize("path", ["/v1/events", "/v1/logs", "/v1/references/shop/credit"])
def test_a_body_that_stops_is_not_waited_for(collector, path):
    one = collector(patience=SOON)
    method = b"PUT" if "references" in path else b"POST"
    with one.plain() as sock:
        sock.sendall(HEAD.replace(b"POST /v1/events", method + b" " + path.encode()) + b"[")
        assert _closed(sock)
    assert _ended(one, "slow_body") == 1


def test_the_rest_of_a_refused_body_is_not_waited_for(collector):
    one = collector(patience=SOON)
    with one.plain() as sock:
        sock.sendall(HEAD.replace(b"application/json", b"image/png"))
        assert _says(sock, b"415")
        assert _closed(sock)
    assert _ended(one, "slow_body") == 1


def test_after_a_refused_body_has_come_the_connection_is_used_again(collector):
    one = collector(patience=SOON)
    with one.plain() as sock:
        sock.sendall(HEAD.replace(b"application/json", b"image/png"))
        assert _says(sock, b"415")
        sock.sendall(b"x" * 5_000 + b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n")
        assert _says(sock, b"healthy")
        assert _closed(sock)  # uvicorn's own time between two requests, 5 s


def test_a_body_that_comes_at_a_pace_is_waited_for(collector):
    one = collector(patience=SOON._replace(body_s=0.2, body_bytes=10))
    body = json.dumps([event(str(row)) for row in range(40)]).encode().ljust(5_000)
    with one.plain() as sock:
        sock.sendall(HEAD)
        sock.settimeout(0.05)
        for start in range(0, 4_750, 250):  # a second: five times the clock
            sock.sendall(body[start : start + 250])
            with pytest.raises(TimeoutError):
                sock.recv(1)
        sock.sendall(body[4_750:])
        assert _says(sock, b'"accepted":40')


def test_answers_that_nobody_reads_are_not_kept(collector):
    one = collector(patience=SOON)
    with one.plain() as sock:
        sock.settimeout(0.2)
        with contextlib.suppress(OSError):  # it is closed, or its own answers hold it up
            for _ in range(2_000):
                sock.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n")
        until(lambda: _ended(one, "slow_reader") == 1, "it is closed")
    assert one.status() == 200


@pytest.mark.parametrize("more", [b"X: " + b"y" * 2 * MAX_HEAD_BYTES, b"X: y\r\n" * MAX_HEAD_BYTES])
def test_an_endless_head_ends_with_431(collector, more):
    one = collector()
    with one.plain() as sock:
        with contextlib.suppress(ConnectionError):
            sock.sendall(b"GET / HTTP/1.1\r\n" + more)
        with contextlib.suppress(ConnectionError):
            assert _says(sock, b"431")
    until(lambda: _ended(one, "head_too_large") == 1, "it is counted")


CHUNKED = b"POST /v1/events HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("begin", "more"),
    [(b"2\r\n[]\r\n0\r\n", b"X: y\r\n"), (b"0\r\nX: ", b"y"), (b"2;", b"y")],
    ids=["trailers", "a trailer", "a chunk's extension"],
)
def test_what_stands_beside_a_body_is_bounded_as_a_head_is(collector, begin, more):
    one = collector()
    with one.plain() as sock:
        with contextlib.suppress(ConnectionError):
            sock.sendall(CHUNKED + begin)
            for _ in range(100):
                sock.sendall(more * (MAX_HEAD_BYTES // len(more)))
        assert _closed(sock)
    until(lambda: _ended(one, "head_too_large") == 1, "it is counted")


def test_a_body_of_many_small_chunks_is_taken_and_trailers_are_no_header(collector):
    one = collector()
    body = json.dumps([event(str(row)) for row in range(400)]).encode()
    chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in body)
    assert len(chunks) > 2 * MAX_HEAD_BYTES
    with one.plain() as sock:
        head = CHUNKED.replace(b"Host: x", b"Host: x\r\nContent-Type: application/json")
        sock.sendall(head + chunks[:-5])
        sock.sendall(chunks[-5:] + b"0\r\nContent-Encoding: gzip\r\nContent-Type: image/png\r\n\r\n")
        assert _says(sock, b'"accepted":400')


@pytest.mark.parametrize("sent", [b"nonsense\r\n\r\n", b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * MAX_HEAD_BYTES])
def test_an_answer_before_any_application_has_the_headers_too(collector, web_yml, sent):
    one = collector(web_config_file=web_yml("http_server_config:\n  headers: {X-Frame-Options: sameorigin}\n"))
    with one.plain() as sock:
        with contextlib.suppress(ConnectionError):
            sock.sendall(sent)
        sock.settimeout(10)
        head = sock.recv(65_536).partition(b"\r\n\r\n")[0].lower()
    assert {line.partition(b":")[0] for line in head.split(b"\r\n")[1:]} >= set(DEFAULTS)
    assert head.count(b"x-frame-options: sameorigin") == head.count(b"x-frame-options") == 1


def test_who_asks_for_another_protocol_writes_nothing_into_the_log(collector, capfd):
    one = collector()
    asked = b"GET /-/healthy HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    with one.plain() as sock:
        sock.sendall(asked)
        assert _says(sock, b"healthy")
    assert "upgrade" not in capfd.readouterr().err.lower()


def test_a_handshake_that_does_not_come_holds_nobody_up(collector, web_yml):
    one = collector(web_config_file=web_yml(CERT))
    with contextlib.ExitStack() as stack:
        for _ in range(50):
            stack.enter_context(one.plain()).sendall(b"\x16\x03")
        assert one.status() == 200


def test_a_thousand_idle_connections_cost_nobody_anything(collector):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 4_096)), hard))
    one = collector(patience=Patience(connections=800, head_s=60))
    with contextlib.ExitStack() as stack:
        idle = [stack.enter_context(one.plain()) for _ in range(1_000)]
        assert one.post(event())[1]["accepted"] == 1
        assert _ended(one, "evicted") >= 200
        assert _closed(idle[0])  # the oldest made room
        idle[-1].sendall(b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n")
        assert _says(idle[-1], b"healthy")
    assert one.status() == 200


def test_under_tls_the_idle_make_room_too(collector, web_yml):
    one = collector(web_config_file=web_yml(CERT), patience=Patience(connections=5))
    with contextlib.ExitStack() as stack:
        for _ in range(12):
            stack.enter_context(one.connect())  # and never answers when it is told that this is the end
        assert [one.status() for _ in range(6)] == [200] * 6
    assert _ended(one, "evicted") >= 7
    assert _ended(one, "no_room") == 0


def test_connections_at_work_are_not_evicted_and_a_new_one_has_to_wait(collector):
    one = collector(patience=Patience(connections=3))
    with contextlib.ExitStack() as stack:
        busy = [stack.enter_context(one.plain()) for _ in range(3)]
        for sock in busy:
            sock.sendall(HEAD + b"[")
        here = one.server.server_state.connections
        until(lambda: len(here) == 3 and not one.room.waiting, "all of them are at work")
        with one.plain() as sock:
            assert _closed(sock)
        assert _ended(one, "no_room") == 1
        busy[0].sendall(b"]".ljust(4_999))
        assert _says(busy[0], b"HTTP/1.1 400")
        assert one.status() == 200  # the first is idle now, and makes room


def test_a_bomb_is_refused_within_its_bound(collector):
    one = collector()
    bomb = gzip.compress(b" " * (64 << 20))
    status, _, body = one.ask("/v1/events", data=bomb, Content_Type="application/json", Content_Encoding="gzip")
    assert status == 413
    assert b"33554432" in body


def test_the_server_stops_although_clients_are_idle(collector, web_yml):
    one = collector(web_config_file=web_yml(CERT))
    with one.connect() as sock, one.connect():
        sock.sendall(b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n")
        assert _says(sock, b"healthy")
        one.server.should_exit = True
        sock.settimeout(5)
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            assert sock.recv(1) == b""


def test_no_answer_waits_for_the_acknowledgement_of_its_own_head(collector):
    one = collector()
    with one.plain() as sock:
        sock.sendall(b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n")
        assert _says(sock, b"healthy\n")
        (connection,) = one.server.server_state.connections
        opened = connection.transport.get_extra_info("socket")
        assert opened.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
