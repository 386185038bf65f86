"""A real endpoint whose answers a test scripts."""

import socket
import struct
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tocsin_agent.capture import Capture
from tocsin_schema.block import Block, decode

TAKEN = b'{"accepted":1,"duplicate":0,"rejected":[]}'


class Sink:
    """What a collector would keep: each block once by producer and sequence.

    ``script`` holds the next answers: a status, "reset" (the connection dies before anything is kept), "lost" (kept,
    but the answer never comes), "slow" (kept, answered late), "close" (kept, answered, connection closed).
    """

    def __init__(self) -> None:
        self.script: list[Any] = []
        self.answer = TAKEN
        self.blocks: dict[tuple[str, int], Block] = {}
        self.posts: list[tuple[str, int]] = []
        self.paths: set[str] = set()
        self.release = threading.Event()

    def rows(self, column: str = "id") -> list[object]:
        """One column over all blocks, each block once."""
        found: list[object] = []
        for block in self.blocks.values():
            item = block.columns.get(column)
            found += item.to_list() if item else [None] * block.rows
        return found


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 20
    sink: Sink

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        step = self.sink.script.pop(0) if self.sink.script else 200
        block = decode(body)
        self.sink.posts.append((block.producer, block.sequence))
        self.sink.paths.add(self.path)
        if step == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif step in ("lost", "slow", "close") or step == 200:
            self.sink.blocks[block.producer, block.sequence] = block
        if step == "slow":
            self.sink.release.wait(0.3)
        if step in ("reset", "lost", "close"):
            self.close_connection = True
        if step in ("reset", "lost"):
            return
        self.send_response(step if isinstance(step, int) else 200)
        self.send_header("Content-Length", str(len(self.sink.answer)))
        if step == "close":
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(self.sink.answer)

    def log_message(self, *_: object) -> None:
        """Nothing on the terminal."""


class _Server(ThreadingHTTPServer):
    daemon_threads = False

    def handle_error(self, *_: object) -> None:
        """A connection that the test itself resets."""


@pytest.fixture
def sink() -> Iterator[Sink]:
    """The endpoint's memory; ``sink.url`` is its address."""
    found = Sink()
    server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"sink": found}))
    found.url = f"http://127.0.0.1:{server.server_port}"  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield found
    found.release.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def capture(sink, tmp_path) -> Iterator[Capture]:
    """A capture that sends to the sink and counts in tmp_path/run; closed before the sink is."""
    made = Capture(model="credit", version="3", project="shop", endpoint=sink.url, runtime_dir=str(tmp_path / "run"))
    yield made
    made.close()
