"""What stands between two servers and can be told to answer 500: no real server can be made to."""

import http.server
import threading
import urllib.error
import urllib.request


class Gate:
    """Hands requests on to ``upstream``, or answers each with 500 while ``broken``."""

    def __init__(self, upstream: str) -> None:
        self.broken = False
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._hand_on(None)

            def do_POST(self) -> None:
                self._hand_on(self.rfile.read(int(self.headers["Content-Length"])))

            def _hand_on(self, body: bytes | None) -> None:
                status, answer = (500, b"broken") if outer.broken else self._ask(body)
                self.send_response(status)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def _ask(self, body: bytes | None) -> tuple[int, bytes]:
                headers = {"Content-Type": self.headers.get("Content-Type", "application/json")}
                request = urllib.request.Request(upstream + self.path, body, headers)
                try:
                    with urllib.request.urlopen(request, timeout=10) as found:
                        return found.status, found.read()
                except urllib.error.HTTPError as error:
                    with error:
                        return error.code, error.read()
                except OSError:
                    return 502, b"nobody answers"

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
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
