"""A small HTTP server that answers as a Prometheus would, for answers that a real one cannot be made to give."""

import contextlib
import http.server
import json
import threading
import urllib.parse


@contextlib.contextmanager
def prometheus(answer):
    """``answer(path, query)`` gives a status and a body for each request; yields the address and what was asked."""
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            query = {key: values[0] for key, values in urllib.parse.parse_qs(body).items()}
            asked.append((self.path, query))
            status, said = answer(self.path, query)
            text = said if isinstance(said, bytes) else json.dumps(said).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def result(*series):
    """A body with series of (labels, points)."""
    found = [{"metric": labels, "values": points, "value": points[-1]} for labels, points in series]
    return {"status": "success", "data": {"result": found}}
