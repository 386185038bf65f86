"""A server behind a ``web.yml``, and what clients see of it."""

import socket
import ssl
import threading
import time
import urllib.error
import urllib.request
from base64 import b64encode

from tocsin_agent.httpd.server import Server
from tocsin_agent.pages import Pages
from tocsin_agent.protection import Protection
from tocsin_agent.scrape import Scrape

BIG = b"x" * 3_000_000


class Protected:
    """A server behind a ``web.yml``, and what clients see of it."""

    def __init__(self, path: str, pki) -> None:
        self.server = Server("127.0.0.1", 0)
        self.protection = self.server.protection = Protection(path, time.monotonic)
        self.server.answer_with(Pages(Scrape([("big", lambda: BIG + b" 1\n")]), []), {})
        self.thread = threading.Thread(target=self.server.serve)
        self.thread.start()
        self.pki = pki

    def context(self, client: tuple[str, str] | None = None, version: ssl.TLSVersion | None = None) -> ssl.SSLContext:
        made = ssl.create_default_context(cafile=self.pki.path("ca.pem"))
        if version:
            made.minimum_version = made.maximum_version = version
        if client:
            made.load_cert_chain(*client)
        return made

    def connect(self, *how, **more) -> ssl.SSLSocket:
        plain = socket.create_connection((self.server.host, self.server.port), timeout=10)
        return self.context(*how, **more).wrap_socket(plain, server_hostname="localhost")

    def plain(self) -> socket.socket:
        return socket.create_connection((self.server.host, self.server.port), timeout=10)

    def get(self, path="/-/healthy", user="", client=None):
        """Status, headers and body of one request on a connection of its own."""
        scheme = "https" if self.protection.encrypted else "http"
        request = urllib.request.Request(f"{scheme}://127.0.0.1:{self.server.port}{path}")
        if user:
            request.add_header("Authorization", "Basic " + b64encode(user.encode()).decode())
        handler = urllib.request.HTTPSHandler(context=self.context(client))
        try:
            with urllib.request.build_opener(handler).open(request, timeout=10) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.headers, error.read()

    def refused(self, client=None) -> bool:
        """Whether a client gets no answer: TLS 1.3 tells it at its first read."""
        try:
            with self.connect(client) as sock:
                sock.sendall(b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n")
                return sock.recv(1) == b""
        except (ssl.SSLError, ConnectionError):
            return True
