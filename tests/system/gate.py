"""What stands between two servers and can be told to answer 500, or late: no real server can be made to."""

import http.server
import threading
import urllib.error
import urllib.request
from collections.abc import Mapping

_ASKED = ("Content-Type", "Accept", "Authorization")
_ANSWERED = ("Content-Type", "X-Elastic-Product")
_TEXT = {"Content-Type": "text/plain"}
Answer = tuple[int, Mapping[str, str], bytes]


class Gate:
    """Hands requests on to ``upstream``: ``late_s`` seconds later, or answers each with 500 while ``broken``."""

    def __init__(self, upstream: str) -> None:
        self.broken = False
        self.late_s = 0.0
        self._closed = threading.Event()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                outer._closed.wait(outer.late_s)
                status, headers, answer = (500, _TEXT, b"broken") if outer.broken else self._ask(body or None)
                self.send_response(status)
                for name in _ANSWERED:
                    if value := headers.get(name):
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815  # the base class names them

            def _ask(self, body: bytes | None) -> Answer:
                headers = {name: value for name in _ASKED if (value := self.headers.get(name))}
                request = urllib.request.Request(upstream + self.path, body, headers, method=self.command)
                try:
                    with urllib.request.urlopen(request, timeout=10) as found:
                        return found.status, found.headers, found.read()
                except urllib.error.HTTPError as error:
                    with error:
                        return error.code, error.headers, error.read()
                except OSError:
                    return 502, _TEXT, b"nobody answers"

            def log_message(self, *_: object) -> None:
                pass

        class Quiet(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: object) -> None:
                """Somebody went away; that is what the tests are about."""

        self._server = Quiet(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def close(self) -> None:
        self._closed.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
