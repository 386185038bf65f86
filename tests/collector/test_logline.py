"""What others say cannot forge a line of the collector's log."""

import http.server
import threading

from tests.servers.process import free_port, until
from tests.system.beside import collector


class _Refusing(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        said = b"no\n2026-11-27 20:00:00,000 WARNING keys_taken keys=0\x1b[2J"
        self.send_response(400)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *_):
        pass


def test_an_answer_of_several_lines_is_one_in_the_log(tmp_path):
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Refusing) as receiver:
        threading.Thread(target=receiver.serve_forever).start()
        try:
            url = f"http://127.0.0.1:{receiver.server_port}/"
            with collector(tmp_path / "c", free_port(), remote_write__url=url, remote_write__interval_s=1) as found:
                until(lambda: "push_refused" in found.server.said(), "the refusal is in the log")
                lines = found.server.said().splitlines()
        finally:
            receiver.shutdown()
    refused = [line for line in lines if "keys_taken" in line]
    assert refused
    assert all("push_refused" in line and r"\n2026" in line and r"\x1b[2J" in line for line in refused)
