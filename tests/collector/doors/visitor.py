"""A collector behind its doors, in a thread and on a real socket, and what clients see of it."""

import asyncio
import contextlib
import json
import socket
import ssl
import threading
import urllib.error
import urllib.request
from base64 import b64encode
from typing import Any

import uvloop

from tests.agent.certificates import Authority
from tests.collector import exposed
from tocsin_collector.doors.connection import Patience, Room
from tocsin_collector.doors.server import server
from tocsin_collector.doors.webfile import protection
from tocsin_collector.listen import listen
from tocsin_collector.service import Service
from tocsin_collector.web import behind_doors
from tocsin_schema.config import load
from tocsin_schema.settings.collector import COLLECTOR


class Collector:
    """A running collector; ``values`` are settings by path."""

    def __init__(self, folder: str, pki: Authority, patience: Patience | None = None, **values: Any) -> None:
        self.values = load(COLLECTOR, None, {}) | {"data_dir": folder} | values
        self.pki = pki
        self.folder = folder
        self.protection = protection(self.values["web_config_file"])
        self.scheme = "https" if self.protection and self.protection.encrypted else "http"
        self._opened = listen("127.0.0.1:0")
        self.port = self._opened.getsockname()[1]
        self.service = Service(self.values, page_url=f"{self.scheme}://127.0.0.1:{self.port}")
        self.service.recover()
        self.room = room = Room(patience or Patience(), self.protection, self.service.doors)
        self.server = server(behind_doors(self.service, self.protection), room)
        self._loop = uvloop.new_event_loop()  # as the command has
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self.server.serve(sockets=[self._opened]))

    def stop(self) -> None:
        self.server.should_exit = True
        self._thread.join(20)
        assert not self._thread.is_alive()
        self._opened.close()

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def context(self, client: tuple[str, str] | None = None) -> ssl.SSLContext:
        made = ssl.create_default_context(cafile=self.pki.path("ca.pem"))
        if client:
            made.load_cert_chain(*client)
        return made

    def ask(self, path="/-/healthy", user="", key="", client=None, data=None, method=None, **headers):
        """Status, headers and body of one request on a connection of its own."""
        request = urllib.request.Request(self.url + path, data=data, method=method)
        for name, value in headers.items():
            request.add_header(name.replace("_", "-"), value)
        if user:
            request.add_header("Authorization", "Basic " + b64encode(user.encode()).decode())
        if key:
            request.add_header("Authorization", f"Bearer {key}")
        opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=self.context(client)))
        try:
            with opener.open(request, timeout=10) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.headers, error.read()

    def status(self, *how, **more) -> int:
        return self.ask(*how, **more)[0]

    def post(self, *events, key="", **more):
        """Events as JSON: status and what was answered."""
        status, _, body = self.ask(
            "/v1/events", key=key, data=json.dumps(events).encode(), Content_Type="application/json", **more
        )
        return status, json.loads(body)

    def plain(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=10)

    def connect(self, client=None) -> ssl.SSLSocket:
        return self.context(client).wrap_socket(self.plain(), server_hostname="localhost")

    def refused(self, client=None) -> bool:
        """Whether a client gets no answer: TLS 1.3 tells it at its first read."""
        try:
            with self.connect(client) as sock:
                sock.sendall(b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n")
                return sock.recv(1) == b""
        except (ssl.SSLError, ConnectionError):
            return True

    def metrics(self) -> str:
        """What /metrics has, for whom it is open."""
        return asyncio.run_coroutine_threadsafe(exposed.text(self.service.metrics), self._loop).result(20).decode()

    def metric(self, name: str, **labels: str) -> float:
        """A value of /metrics; the one series that has these labels, 0 when there is none."""
        for line in self.metrics().splitlines():
            series, _, value = line.rpartition(" ")
            if series.partition("{")[0] == name and all(f'{key}="{text}"' in series for key, text in labels.items()):
                return float(value)
        return 0.0


def event(name: str = "a", project: str = "shop", kind: str = "prediction", **more: Any) -> dict[str, Any]:
    """One event as JSON; its id is ``name``."""
    what = {"prediction": {"prediction": "yes"}, "label": {"label": "yes"}}[kind]
    return {"type": kind, "project": project, "model": "credit", "id": name, **what, **more}


@contextlib.contextmanager
def running(*how: Any, **values: Any):
    """A collector, and its end."""
    found = Collector(*how, **values)
    try:
        yield found
    finally:
        found.stop()
