"""A server that says what a test wants: right, wrong, late, half, over TLS."""

import http.server
import json
import shutil
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.servers.cache import lacking


class Double:
    """Answers by path: a status and a document, or bytes. ``delay_s`` makes it slow; ``asked`` has the headers."""

    def __init__(self, answers: dict[str, Any], context: ssl.SSLContext | None = None) -> None:
        self.answers = dict(answers)
        self.status = 200
        self.delay_s = 0.0
        self.asked: list[tuple[str, dict[str, str]]] = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append((self.path, dict(self.headers)))
                outer._ended.wait(outer.delay_s)
                found = outer.answers.get(self.path.partition("?")[0])
                body = found if isinstance(found, bytes) else json.dumps(found).encode()
                self.send_response(outer.status if found is not None or outer.status != 200 else 404)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        class Quiet(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: object) -> None:
                """A client that does not like our certificate is no news."""

        self._ended = threading.Event()
        self._server = Quiet(("127.0.0.1", 0), Handler)
        if context is not None:
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.url = f"{'https' if context else 'http'}://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def close(self) -> None:
        if self._ended.is_set():
            return
        self._ended.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def double() -> Iterator[Callable[..., Double]]:
    """Makes servers: ``double(answers, context)``."""
    made: list[Double] = []

    def make(*arguments: Any) -> Double:
        made.append(Double(*arguments))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1 that nobody has signed, with its key in the same file."""
    if shutil.which("openssl") is None:
        lacking("no openssl on this machine")
    folder = tmp_path_factory.mktemp("tls")
    command = (
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=tocsin-test "
        "-addext subjectAltName=IP:127.0.0.1 -keyout key.pem -out certificate.pem"
    )
    subprocess.run(command.split(), cwd=folder, check=True, capture_output=True)
    both = folder / "both.pem"
    both.write_text((folder / "certificate.pem").read_text() + (folder / "key.pem").read_text())
    return both


class Clock:
    """A time that moves when it is told to."""

    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now
