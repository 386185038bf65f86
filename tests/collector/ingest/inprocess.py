"""The collector's two ways in as an ASGI application, called without a socket: thousands of requests a second."""

import asyncio
import json
from pathlib import Path
from typing import Any, NamedTuple

from fastapi import FastAPI

from tests.collector.ingest.blocks import NOW_S
from tocsin_collector.ingest.body import Limits
from tocsin_collector.ingest.checks import Bounds
from tocsin_collector.ingest.endpoint import Endpoint
from tocsin_collector.ingest.intake import Intake
from tocsin_collector.ingest.openapi import mount
from tocsin_collector.journal import open_journal
from tocsin_collector.logs import LogStore, logs_router

MAX_BODY_BYTES, MAX_DECOMPRESSED_BYTES = 2 << 20, 4 << 20


class Told(NamedTuple):
    """An answer. ``body`` is decoded JSON, or bytes where it is none."""

    status: int
    body: Any

    @property
    def codes(self) -> list[str]:
        """The codes of what was refused."""
        if not isinstance(self.body, dict):
            return []
        return [item["code"] for item in self.body.get("rejected", [])] or [self.body.get("error", {}).get("code", "")]


class InProcess:
    """An application over a journal and a log store in a folder; made and used inside a running event loop."""

    def __init__(self, folder: Path) -> None:
        self.journal = open_journal(folder / "journal", segment_bytes=16 << 20)
        self.logs = LogStore(str(folder), keep_records=10_000)
        self.rows = 0
        self.intake = Intake(self.journal, self._apply, bounds=Bounds(future_s=600), clock=lambda: NOW_S)
        self.app = FastAPI()
        mount(self.app, Endpoint(self.intake, Limits(MAX_BODY_BYTES, MAX_DECOMPRESSED_BYTES, timeout_s=5)))
        self.app.include_router(
            logs_router(
                self.logs,
                max_body_bytes=MAX_BODY_BYTES,
                max_decompressed_bytes=MAX_DECOMPRESSED_BYTES,
                clock=lambda: NOW_S,
            )
        )

    def _apply(self, frame: Any, position: int) -> None:
        self.rows += frame.rows

    async def post(
        self, body: bytes, media_type: str, path: str = "/v1/events", query: bytes = b"", **headers: str
    ) -> Told:
        """Post a body in one piece. Raises whatever the application does: that is what a server answers with 500."""
        named = {"content-type": media_type} | {name.replace("_", "-"): value for name, value in headers.items()}
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "POST",
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query,
            "root_path": "",
            "headers": [(name.encode(), value.encode("latin-1")) for name, value in named.items()],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 2),
        }
        waiting = [{"type": "http.request", "body": body, "more_body": False}]
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return waiting.pop() if waiting else {"type": "http.disconnect"}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        await self.app(scope, receive, send)
        raw = b"".join(message.get("body", b"") for message in sent)
        is_json = dict(sent[0]["headers"]).get(b"content-type") == b"application/json"
        return Told(sent[0]["status"], json.loads(raw) if is_json else raw)

    async def close(self) -> None:
        """Write what waits and let go of the files."""
        await self.intake.close()
        await asyncio.to_thread(self.logs.close)
        self.journal.close()
