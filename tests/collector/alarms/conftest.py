"""A fleet that is told what its agents say, a clock that is told the time, and a webhook that remembers."""

import asyncio
import http.server
import json
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import apprise
import pytest

from tocsin_collector.alarms import Alarms
from tocsin_collector.fleet import Fleet


@pytest.fixture(scope="session", autouse=True)
def _apprise_loaded() -> None:
    """Load Apprise's plugins once, with their warnings about themselves (imghdr) left to them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        apprise.Apprise.instantiate("json://127.0.0.1")


class Clock:
    """A time that moves when it is told to."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


class Http:
    """A server for what a test wants: an exposition on GET, a memory of what was posted."""

    def __init__(self) -> None:
        self.exposition = b""
        self.status = 200
        self.posted: list[dict[str, Any]] = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.end_headers()
                self.wfile.write(outer.exposition)

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if outer.status == 200:
                    outer.posted.append(json.loads(body))
                self.send_response(outer.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_port
        self.address = f"127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        self.open = True

    def titles(self) -> list[str]:
        return [message["title"] for message in self.posted]

    def wait(self, count: int) -> list[str]:
        """The titles, once so many messages have come; what has come when ten seconds are over."""
        limit = time.monotonic() + 10
        while len(self.posted) < count and time.monotonic() < limit:
            time.sleep(0.01)
        return self.titles()

    def close(self) -> None:
        if self.open:
            self.open = False
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()


@pytest.fixture
def http_server() -> Iterator[Callable[[], Http]]:
    made: list[Http] = []

    def make() -> Http:
        made.append(Http())
        return made[-1]

    yield make
    for server in made:
        server.close()


class Bench:
    """Alarms over a fleet of one agent; ``restart`` makes new ones on the same folder."""

    def __init__(self, folder: Path, agent: Http, hook: Http) -> None:
        self.clock = Clock()
        self.agent, self.hook, self.folder = agent, hook, folder
        self.targets = folder / "targets"
        self.targets.write_text(f"# the hook\njson://127.0.0.1:{hook.port}/alarm\n")
        self.fleet = Fleet([agent.address], clock=self.clock)
        self.alarms = self._make()

    def _make(self) -> Alarms:
        made = Alarms(
            str(self.folder),
            self.fleet,
            targets_file=str(self.targets),
            page_url="http://tocsin.example/",
            clock=self.clock,
        )
        made.start()
        return made

    def restart(self) -> None:
        self.alarms.stop()
        self.alarms = self._make()

    def beat(self, exposition: str | None = None, seconds: float = 5.0) -> None:
        """Let the agent say something (None: what it said before), scrape it, judge."""
        if exposition is not None:
            self.agent.exposition = exposition.encode()
        self.clock.now += seconds
        asyncio.run(self.fleet.scrape())
        self.alarms.evaluate()

    def firing(self) -> list[str]:
        return [alarm.alert for alarm in self.alarms.firing()]


@pytest.fixture
def bench(tmp_path: Path, http_server: Callable[[], Http]) -> Iterator[Bench]:
    made = Bench(tmp_path, http_server(), http_server())
    yield made
    made.alarms.stop()
