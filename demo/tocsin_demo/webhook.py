"""A webhook that prints each alarm that it receives: what Apprise's ``json://`` posts, made readable.

python -m tocsin_demo.webhook --listen 127.0.0.1:8099
"""

import argparse
import json
import signal
import sys
from collections.abc import Callable, Iterable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer
from time import strftime

MAX_BODY = 65_536


class BodyError(ValueError):
    """The body is no alarm; the message says why."""


def readable(body: bytes) -> str:
    """An alarm as lines for a terminal: its title, its text indented. Control characters are dropped."""
    try:
        alarm = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BodyError(f"the body is no JSON: {error}") from None
    if (
        not isinstance(alarm, dict)
        or not isinstance(alarm.get("title", ""), str)
        or not isinstance(alarm.get("message"), str)
    ):
        raise BodyError('an object {"title": text, "message": text} is needed')
    title, lines = _plain(alarm.get("title", "")) or "(no title)", map(_plain, alarm["message"].splitlines())
    return "\n".join([title, *(f"    {line}" for line in lines if line)])


class Sink(ThreadingTCPServer):
    """HTTPServer without its look-up of the host's name, which a broken resolver can hold up for seconds."""

    allow_reuse_address = True
    daemon_threads = True

    @property
    def address(self) -> str:
        """Where it listens."""
        host, port = self.server_address[:2]
        return f"http://{host!s}:{port}"


def sink(listen: str, show: Callable[[str], None]) -> Sink:
    """A server that gives each alarm's lines to ``show``; port 0 takes a free one."""
    host, _, port = listen.rpartition(":")

    class Alarms(BaseHTTPRequestHandler):
        timeout = 10  # a sender that stalls costs one thread for ten seconds
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            status, answer = self._take()
            self.send_response(status)
            self.send_header("Content-Length", str(len(answer)))
            if status != HTTPStatus.OK:
                self.send_header("Connection", "close")  # its body may still be on the way
            self.end_headers()
            self.wfile.write(answer)

        def _take(self) -> tuple[HTTPStatus, bytes]:
            length = self.headers.get("Content-Length", "")
            if not (length.isascii() and length.isdigit()):
                return HTTPStatus.LENGTH_REQUIRED, b"a Content-Length is needed\n"
            if len(length) > 9 or int(length) > MAX_BODY:
                return HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"at most {MAX_BODY} bytes\n".encode()
            try:
                show(readable(self.rfile.read(int(length))))
            except BodyError as error:
                return HTTPStatus.BAD_REQUEST, f"{_plain(str(error))}\n".encode()
            return HTTPStatus.OK, b""

        def log_message(self, *_: object) -> None:
            """Say nothing: what comes is printed."""

    return Sink((host, int(port)), Alarms)


def _plain(text: str) -> str:
    # An escape sequence in a message would be obeyed by the terminal.
    return "".join(character for character in text if character.isprintable())


def _show(alarm: str) -> None:
    print(f"{strftime('%H:%M:%S')}  {alarm}", flush=True)


def _stop(_signal: int, _frame: object) -> None:
    raise KeyboardInterrupt


def main(arguments: Iterable[str] | None = None) -> int:
    """Print alarms until SIGINT or SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m tocsin_demo.webhook", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--listen", default="127.0.0.1:0", metavar="ADDR:PORT")
    options = parser.parse_args(None if arguments is None else list(arguments))
    signal.signal(signal.SIGTERM, _stop)
    try:
        with sink(options.listen, _show) as listening:
            print(f"tocsin_demo_webhook_listening address={listening.address}", file=sys.stderr, flush=True)
            listening.serve_forever()
    except KeyboardInterrupt:
        return 0
    except (OSError, ValueError, OverflowError) as error:
        print(f"tocsin_demo_webhook_failed listen={options.listen} error={error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
