"""A real server on a free port, in a thread, and raw sockets that talk to it."""

import _socket
import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from tocsin_agent.httpd.request import Request
from tocsin_agent.httpd.server import Server

Served = tuple[Server, Callable[..., socket.socket]]


def pages(request: Request) -> tuple[int, dict[str, str], bytes]:
    """A page that tells what was asked; /big is longer than any buffer between two sockets."""
    body = b"x" * (12 << 20) if request.path == "/big" else f"{request.method} {request.path}".encode()
    return 200, {"Content-Type": "text/plain"}, body


@pytest.fixture
def handlers() -> dict[str, Callable]:
    """The handlers of the server under test; a test overrides it."""
    return {}


@pytest.fixture
def server(handlers) -> Iterator[Server]:
    """A server that serves until the test ends, and then leaves nothing."""
    one = Server("127.0.0.1", 0)
    one.answer_with(pages, handlers)
    thread = threading.Thread(target=one.serve)
    thread.start()
    yield one
    one.stop()
    thread.join(5)
    assert not thread.is_alive()
    assert not one.connections


@pytest.fixture
def connect(server) -> Iterator[Callable[..., socket.socket]]:
    """Open a connection that has sent some bytes; closed at the end."""
    opened: list[socket.socket] = []

    def open_one(data: bytes = b"", receive_buffer: int = 0) -> socket.socket:
        sock = socket.socket()
        opened.append(sock)
        if receive_buffer:
            sock.setsockopt(_socket.SOL_SOCKET, _socket.SO_RCVBUF, receive_buffer)
        sock.settimeout(5)
        sock.connect((server.host, server.port))
        sock.sendall(data)
        return sock

    yield open_one
    for sock in opened:
        sock.close()


@pytest.fixture(scope="session")
def answer() -> Callable[..., tuple[int, dict[str, str], bytes]]:
    """Read one response from a socket: status, headers with lower-case names, body."""

    def read(sock: socket.socket, method: str = "GET") -> tuple[int, dict[str, str], bytes]:
        data = b""
        while b"\r\n\r\n" not in data:
            more = sock.recv(1)  # not a byte of the next response
            assert more, f"the connection ended after {data!r}"
            data += more
        line, *fields = data.decode("latin-1").rstrip().split("\r\n")
        headers = {name.lower(): value for name, _, value in (field.partition(": ") for field in fields)}
        length = 0 if method == "HEAD" else int(headers.get("content-length", "0"))
        body = bytearray()
        while len(body) < length:
            body += sock.recv(length - len(body))
        return int(line.split(" ")[1]), headers, bytes(body)

    return read
