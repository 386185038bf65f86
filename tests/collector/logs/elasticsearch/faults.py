"""What a real Elasticsearch cannot be made to do: a proxy before one that spoils bulk requests, and a server that says
what it is told to."""

import contextlib
import http.client
import json
import socket
import threading
from collections import deque
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

PRODUCT = {"X-elastic-product": "Elasticsearch", "content-type": "application/json"}

Answer = tuple[int, dict[str, str], bytes]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: object, client_address: object) -> None:
        """A connection that we cut ourselves is no error."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30
    wbufsize = 65_536  # head and body in one packet: two cost 40 ms of delayed acknowledgement

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        answer = self.server.answer(self, body)  # type: ignore[attr-defined]
        if answer is None:
            self.close_connection = True
            with contextlib.suppress(OSError):
                self.connection.shutdown(socket.SHUT_RDWR)
        else:
            self.send(*answer)

    def send(self, status: int, headers: dict[str, str], body: bytes, length: int | None = None) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = _serve  # noqa: N815

    def log_message(self, *args: object) -> None:
        """Nothing is told."""


@contextlib.contextmanager
def serving(answer: Callable[[BaseHTTPRequestHandler, bytes], Answer | None]) -> Iterator[str]:
    """A server on a free port; ``answer(request, body)`` gives status, headers, body, or None to cut the connection."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.answer = answer  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def double(say: Callable[[str, str, bytes], Answer | None]) -> contextlib.AbstractContextManager[str]:
    """A server that says what it is told to: ``say(method, path, body)``."""
    return serving(lambda request, body: say(request.command, request.path, body))


class Proxy:
    """Stands before a real server. Each bulk request takes the next of ``plan``, a fault by its name, or passes."""

    def __init__(self, upstream: str, hang_s: float) -> None:
        self.plan: deque[str] = deque()
        self.met: list[str] = []
        self.url = ""
        self._address = urlsplit(upstream)
        self._hang_s = hang_s
        self._over = threading.Event()

    @contextlib.contextmanager
    def running(self) -> Iterator["Proxy"]:
        with serving(self._answer) as self.url:
            try:
                yield self
            finally:
                self._over.set()

    def _answer(self, request: BaseHTTPRequestHandler, body: bytes) -> Answer | None:
        fault = ""
        if request.path.startswith("/_bulk"):
            with contextlib.suppress(IndexError):
                fault = self.plan.popleft()
        if not fault:
            return self._forward(request, body)
        self.met.append(fault)
        before = _BEFORE.get(fault)
        if before is not None:
            return before
        if fault == "cut before":
            return None
        if fault == "hang before":
            self._over.wait(self._hang_s)
            return None
        if fault in ("half 429", "half 503"):
            return self._half(request, body, int(fault[-3:]))
        return self._spoil(fault, request, self._forward(request, body))

    def _spoil(self, fault: str, request: BaseHTTPRequestHandler, answer: Answer) -> Answer | None:
        """The request went through; what is told of it is not what happened."""
        status, headers, body = answer
        if fault == "slow":
            self._over.wait(self._hang_s)
            return None
        if fault == "cut inside":
            request.send(status, headers, body[: len(body) // 2], len(body))  # type: ignore[attr-defined]
            return None
        if fault == "garbage after":
            return 200, headers, b'{"errors": fal'
        if fault == "an item less":
            told = json.loads(body)
            return 200, headers, json.dumps({**told, "items": told["items"][1:]}).encode()
        if fault == "500 after":
            return 500, headers, b'{"error":{"type":"exception","reason":"thrown after the work"},"status":500}'
        assert fault == "cut after", fault
        return None

    def _half(self, request: BaseHTTPRequestHandler, body: bytes, status: int) -> Answer:
        """Every second document is passed on, the others are told to be refused for now."""
        lines = body.splitlines()
        documents = [lines[place : place + 2] for place in range(0, len(lines), 2)]
        passed = documents[0::2]
        answer = self._forward(request, b"".join(line + b"\n" for document in passed for line in document))
        done = iter(json.loads(answer[2])["items"])
        error = {"type": "es_rejected_execution_exception", "reason": "a full queue"}
        items = [
            {"create": {"status": status, "error": error}} if place % 2 else next(done)
            for place in range(len(documents))
        ]
        return 200, PRODUCT, json.dumps({"errors": True, "items": items}).encode()

    def _forward(self, request: BaseHTTPRequestHandler, body: bytes) -> Answer:
        connection = http.client.HTTPConnection(self._address.hostname or "", self._address.port, timeout=30)
        kept = ("content-type", "accept", "authorization")
        headers = {name: value for name, value in request.headers.items() if name.lower() in kept}
        try:
            connection.request(request.command, request.path, body or None, headers)
            answer = connection.getresponse()
            found = answer.read()
        except OSError:
            return 502, {"content-type": "text/html"}, b"<h1>502 Bad Gateway</h1>"
        finally:
            connection.close()
        names = ("content-type", "x-elastic-product")
        return (
            answer.status,
            {name: value for name in names if (value := answer.getheader(name)) is not None},
            found,
        )


def _error(status: int, type_: str) -> Answer:
    return status, PRODUCT, json.dumps({"error": {"type": type_, "reason": "as planned"}, "status": status}).encode()


_BEFORE: dict[str, Answer] = {
    "429": _error(429, "circuit_breaking_exception"),
    "500": _error(500, "exception"),
    "503": _error(503, "cluster_block_exception"),
    "502 page": (502, {"content-type": "text/html"}, b"<h1>502 Bad Gateway</h1>"),
    "a page": (200, {"content-type": "text/html"}, b"<h1>Maintenance</h1>"),
    "401": _error(401, "security_exception"),
    "no items": (200, PRODUCT, b'{"errors":false,"items":[]}'),
}

FAULTS = (
    *_BEFORE, "cut before", "hang before", "half 429", "half 503", "slow", "cut inside", "garbage after",
    "an item less", "500 after", "cut after",
)  # fmt: skip
