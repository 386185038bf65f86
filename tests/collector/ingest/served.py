"""A real server on a free port of the loopback address, with a journal in a temporary folder."""

import gzip
import http.client
import json
import socket
import threading
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI

from tests.collector.ingest.blocks import NOW_S
from tocsin_collector.frame import Frame
from tocsin_collector.ingest.body import Limits
from tocsin_collector.ingest.checks import Bounds
from tocsin_collector.ingest.endpoint import Endpoint
from tocsin_collector.ingest.intake import Intake
from tocsin_collector.ingest.openapi import mount
from tocsin_collector.journal import open_journal
from tocsin_schema.block import MEDIA_TYPE, Block, encode


class Server:
    """One uvicorn in a thread; ``app`` is the application of the test that runs."""

    def __init__(self) -> None:
        self.app: FastAPI | None = None
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        config = uvicorn.Config(self._delegate, interface="asgi3", lifespan="off", ws="none", log_config=None)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, args=([self._listener],))
        self._thread.start()

    async def _delegate(self, scope: Any, receive: Any, send: Any) -> None:
        assert self.app is not None
        await self.app(scope, receive, send)

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(10)
        assert not self._thread.is_alive()
        self._listener.close()


class Collector:
    """What the tests talk to: an address, and what reached the windows."""

    def __init__(self, folder: Path, server: Server) -> None:
        self.journal = open_journal(folder, segment_bytes=1 << 20)
        self.applied: list[tuple[Frame, int]] = []
        self.fail_apply = False
        self.clock = NOW_S
        self.intake = Intake(self.journal, self._apply, bounds=Bounds(future_s=600), clock=lambda: self.clock)
        self.limits = Limits(max_body_bytes=1 << 20, max_decompressed_bytes=2 << 20, timeout_s=0.5)
        self.port = server.port
        server.app = FastAPI()
        mount(server.app, Endpoint(self.intake, self.limits))

    def _apply(self, frame: Frame, position: int) -> None:
        self.applied.append((frame, position))
        if self.fail_apply:
            raise ValueError("the windows cannot take this")

    def post(
        self, body: bytes, media_type: str | None = "application/json", **headers: str
    ) -> tuple[int, dict[str, Any]]:
        status, _, answer = self.request("POST", body, media_type, **headers)
        return status, json.loads(answer)

    def request(
        self, method: str, body: bytes, media_type: str | None, path: str = "/v1/events", **headers: str
    ) -> tuple[int, http.client.HTTPMessage, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            names = {name.replace("_", "-"): value for name, value in headers.items()}
            if media_type is not None:
                names["content-type"] = media_type
            connection.request(method, path, body, names)
            response = connection.getresponse()
            return response.status, response.headers, response.read()
        finally:
            connection.close()

    def post_json(self, document: object) -> tuple[int, dict[str, Any]]:
        return self.post(json.dumps(document).encode())

    def post_block(self, block: Block) -> tuple[int, dict[str, Any]]:
        return self.post(encode(block), MEDIA_TYPE)

    def post_gzip(self, body: bytes) -> tuple[int, dict[str, Any]]:
        return self.post(gzip.compress(body), content_encoding="gzip")

    def counted(self, name: str) -> dict[str, float]:
        found = [item for item in self.intake.samples() if item.name == name]
        return {",".join(item.labels.values()): item.value for item in found}
