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
