import contextlib
import io
import socket
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin_agent.relay.upstream import Address, Upstream, UpstreamError, read_answer


@pytest.mark.parametrize(
    ("url", "host", "port", "prefix", "tls"),
    [
        ("http://127.0.0.1:10301", "127.0.0.1", 10301, "", False),
        ("https://tocsin.example/one/two/", "tocsin.example", 443, "/one/two", True),
        ("http://[::1]:80/", "::1", 80, "", False),
        ("http://[fe80::2]", "fe80::2", 80, "", False),
    ],
)
def test_an_address_is_taken_apart(url, host, port, prefix, tls):
    address = Address(url)
    assert (address.host, address.port, address.prefix, address.tls) == (host, port, prefix, tls)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "collector:10301",
        "ftp://a",
        "http://",
        "http://a:b",
        "http://a:0",
        "http://a:70000",
        "http://u:p@a",
        "http://a b",
    ],
)
def test_what_is_no_address_is_refused(url):
    with pytest.raises(ValueError, match=r"expected|must be"):
        Address(url)


def answer(data):
    return read_answer(io.BufferedReader(io.BytesIO(data)))


def test_an_answer_with_a_length_keeps_the_connection():
    got, keep = answer(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nX: y\r\n\r\nabcNEXT")
    assert (got.status, got.headers["x"], got.body, keep) == (200, "y", b"abc", True)


def test_chunks_trailers_and_interim_answers_are_read():
    got, keep = answer(
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"3\r\nabc\r\nA;ext=1\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n"
    )
    assert (got.body, keep) == (b"abc0123456789", True)


def test_an_answer_without_length_lasts_to_the_end():
    got, keep = answer(b"HTTP/1.0 503 Busy\r\n\r\nall of it")
    assert (got.status, got.body, keep) == (503, b"all of it", False)


@pytest.mark.parametrize(
    "data",
    [
        b"SSH-2.0-OpenSSH\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 300 + b"\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"a" * 70_000,
    ],
)
def test_what_is_no_answer_is_told(data):
    with pytest.raises(ValueError, match=r"expected|more than|too long"):
        answer(data)


@settings(max_examples=200)
@given(
    st.binary(max_size=200),
    st.sampled_from([b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"]),
)
def test_any_bytes_are_an_answer_or_a_clear_error(data, start):
    with contextlib.suppress(ValueError, EOFError):
        answer(start + data)


def test_a_truncated_answer_is_an_error():
    whole = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
    for cut in range(len(whole)):
        with pytest.raises((EOFError, ValueError)):
            answer(whole[:cut])


def test_a_connection_is_kept_and_opened_anew_when_the_server_closed_it(sink):
    upstream = Upstream(Address(sink.url))
    assert upstream.post("/v1/events", {}, b"a").status == 200
    sink.faults.append("drop")
    assert upstream.post("/v1/events", {}, b"b").status == 200
    assert [body for _, _, body in sink.requests] == [b"a", b"b", b"b"]
    upstream.close()


def test_a_dead_server_is_an_upstream_error():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(UpstreamError, match=f"127.0.0.1:{port}: Connection refused"):
        Upstream(Address(f"http://127.0.0.1:{port}")).post("/", {}, b"")


def test_a_silent_server_is_left_after_the_time_limit(sink):
    sink.faults.append("hang")
    with pytest.raises(UpstreamError, match="timed out"):
        Upstream(Address(sink.url), answer_s=0.1).post("/v1/events", {}, b"")


def test_an_early_refusal_of_a_large_body_is_read():
    def refuse(server):
        connection, _ = server.accept()
        connection.recv(1000)
        connection.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(1 << 16):
            pass
        connection.close()

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=refuse, args=(server,))
        thread.start()
        upstream = Upstream(Address(f"http://127.0.0.1:{server.getsockname()[1]}"))
        assert upstream.post("/", {}, bytes(5_000_000)).status == 413
        upstream.close()
        thread.join()


def test_no_header_can_smuggle_another(sink):
    upstream = Upstream(Address(sink.url))
    upstream.post("/v1/events", {"content-type": "a/b\r\nx-evil: 1"}, b"")
    upstream.close()
    assert "x-evil" not in sink.requests[0][1]
