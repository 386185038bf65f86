"""A collector's stand-in for the agent's tests: a real HTTP server in a thread whose faults the test chooses."""

import contextlib
import gzip
import json
import socket
import threading
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Sink:
    """Keeps log records by id, as the real store does. ``faults`` are used up first, one a request:

    a status code (answered, nothing kept), ``(status, headers)``, ``"drop"`` (close before the answer, nothing
    kept), ``"keep-drop"`` (kept, but the answer is lost), ``"hang"`` (no answer until the sink is closed), ``"html"``
    (a 200 that is none).
    """

    def __init__(self, port=0):
        self.records = {}
        self.duplicates = 0
        self.requests = []
        self.faults = deque()
        self.refuse = lambda record: None
        self.answer = None
        self.changed = threading.Condition()
        self._ending = threading.Event()
        self._open = set()
        sink = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self):
                super().setup()
                sink._open.add(self.connection)

            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                with sink.changed:
                    fault = sink.faults.popleft() if sink.faults else None
                    sink.requests.append((self.path, dict(self.headers), body))
                    status, headers, answer = sink._handle(self, body, fault)
                    sink.changed.notify_all()
                if fault == "hang":
                    sink._ending.wait(30)
                if fault in ("drop", "keep-drop", "hang"):
                    self.close_connection = True
                    with contextlib.suppress(OSError):
                        self.connection.shutdown(socket.SHUT_RDWR)
                    return
                self.send_response(status)
                for name, value in {"content-length": str(len(answer)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        class Server(ThreadingHTTPServer):
            request_queue_size = 64
            allow_reuse_address = True

            def handle_error(self, *_):
                pass

        self._server = Server(("127.0.0.1", port), Handler)
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def _handle(self, handler, body, fault):
        if isinstance(fault, int):
            return fault, {}, b'{"code":"fault","reason":"as the test asked"}'
        if isinstance(fault, tuple):
            return fault[0], fault[1], b""
        if fault in ("drop", "hang"):
            return 0, {}, b""
        if fault == "html":
            return 200, {"content-type": "text/html"}, b"<html>please log in</html>"
        if handler.path == "/v1/logs":
            return 200, {"content-type": "application/json"}, self._keep(handler, body)
        return self.answer or (200, {"content-type": "application/json"}, b'{"accepted":1}')

    def _keep(self, handler, body):
        if handler.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        assert handler.headers["content-type"] == "application/x-ndjson"
        duplicates, rejected = 0, []
        lines = body.decode().removesuffix("\n").split("\n")
        for row, line in enumerate(lines):
            record = json.loads(line)
            reason = self.refuse(record)
            if reason:
                rejected.append({"row": row, "code": "refused", "reason": reason})
            elif record["event.id"] in self.records:
                assert self.records[record["event.id"]]["message"] == record["message"]
                duplicates += 1
            else:
                self.records[record["event.id"]] = record
        self.duplicates += duplicates
        accepted = len(lines) - duplicates - len(rejected)
        return json.dumps({"accepted": accepted, "duplicate": duplicates, "rejected": rejected}).encode()

    def messages(self):
        with self.changed:
            return [record["message"] for record in self.records.values()]

    def wait(self, condition, limit_s=15):
        """Wait until the condition on this sink holds."""
        with self.changed:
            assert self.changed.wait_for(lambda: condition(self), limit_s), (
                f"not reached in {limit_s} s: {len(self.records)} records, {len(self.requests)} requests"
            )

    def close(self):
        """End as a killed process does: every connection is cut."""
        self._ending.set()
        self._server.shutdown()
        for connection in self._open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._server.server_close()
        self._thread.join()
