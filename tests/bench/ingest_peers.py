"""Server CPU an event at 1,000 a request: the whole `tocsin collector`, and Evidently's own collector service.

Each is a process of its own and gets the same events in its native form: tocsin blocks, Evidently the columns that its
client makes of a data frame. tocsin's acknowledgement means on disk, deduplicated, and counted in windows; Evidently's
means appended to a list in memory, and its report is kept from running. Rounds alternate; CPU is that of the process,
all of its threads; the figures are medians. Evidently runs in the environment of the reports (`make reports`).
"""

import contextlib
import http.client
import json
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

from tests.bench.ingest import _block, _events
from tests.bench.measure import Measure
from tests.servers.process import free_port, serving
from tocsin_schema.block import MEDIA_TYPE

ROUNDS, REQUESTS, ROWS = 5, 32, 1_000
GOAL = 1 / 6
EVIDENTLY = os.path.join(os.getcwd(), ".venv-reports/bin/python")
_EVIDENTLY = """
import sys, uvicorn
from evidently.legacy.collector.app import create_app
from evidently.legacy.collector.config import CollectorConfig, CollectorServiceConfig, ReportConfig, RowsCountTrigger
from evidently.legacy.options.base import Options
report = ReportConfig(metrics=[], tests=[], options=Options(), metadata={}, tags=[])
never = RowsCountTrigger(rows_count=10**9)
one = CollectorConfig(id="bench", trigger=never, report_config=report, project_id="0")
CollectorServiceConfig(collectors={"bench": one}).save(sys.argv[2])
uvicorn.run(create_app(sys.argv[2]), port=int(sys.argv[1]), access_log=False, log_level="warning")
"""


class Peer(NamedTuple):
    """A server that runs, and how it is sent to."""

    pid: int
    port: int
    path: str
    media_type: str

    def cpu_us(self, bodies: list[bytes]) -> float:
        """CPU of the whole process for these requests; clock id as in clock_getcpuclockid(3)."""
        clock, connection = (~self.pid << 3) | 2, http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        with contextlib.closing(connection):
            before = time.clock_gettime(clock)
            for body in bodies:
                connection.request("POST", self.path, body, {"content-type": self.media_type})
                answer = connection.getresponse()
                said = answer.read()
                assert answer.status in (200, 201), said
            return (time.clock_gettime(clock) - before) * 1e6


def run() -> list[Measure]:
    """The first round warms up."""
    rng = random.Random(1)
    ours, theirs = [], []
    with tempfile.TemporaryDirectory() as folder, _tocsin(folder) as tocsin, _evidently(folder) as evidently:
        for turn in range(ROUNDS + 1):
            batches = [_events(rng, ROWS) for _ in range(REQUESTS)]
            blocks = [_block(batch, turn * REQUESTS + number) for number, batch in enumerate(batches)]
            ours.append(tocsin.cpu_us(blocks) / REQUESTS / ROWS)
            theirs.append(evidently.cpu_us([_frame(batch) for batch in batches]) / REQUESTS / ROWS)
    detail: dict[str, Any] = {"rounds": ROUNDS, "rows": ROWS, "evidently": "0.7.23, legacy collector, in memory"}
    return [
        Measure(
            "ingest_evidently", statistics.median(ours[1:]), statistics.median(theirs[1:]), GOAL, "us/event", detail
        )
    ]


def _frame(events: list[dict[str, Any]]) -> bytes:
    """As ``DataFrame.to_dict`` and JSON make it: each column a value by row number."""
    flat = [{**event["features"], **{name: event[name] for name in ("id", "time", "prediction")}} for event in events]
    return json.dumps({name: {str(n): row[name] for n, row in enumerate(flat)} for name in flat[0]}).encode()


@contextlib.contextmanager
def _tocsin(folder: str) -> Iterator[Peer]:
    port = free_port()
    command = [sys.executable, "-m", "tocsin_collector", "collector", "--listen", f"127.0.0.1:{port}"]
    command += ["--data", os.path.join(folder, "data")]
    with _process(command, port, "/-/healthy", folder, "tocsin") as pid:
        yield Peer(pid, port, "/v1/events", MEDIA_TYPE)


@contextlib.contextmanager
def _evidently(folder: str) -> Iterator[Peer]:
    port = free_port()
    command = [EVIDENTLY, "-c", _EVIDENTLY, str(port), os.path.join(folder, "evidently.json")]
    with _process(command, port, "/bench", folder, "evidently") as pid:
        yield Peer(pid, port, "/bench/data", "application/json")


@contextlib.contextmanager
def _process(command: list[str], port: int, ready: str, folder: str, name: str) -> Iterator[int]:
    log = os.path.join(folder, f"{name}.log")
    environ = {"DO_NOT_TRACK": "1"}
    with serving(command, f"http://127.0.0.1:{port}", ready=ready, log=log, environ=environ, limit_s=300) as server:
        assert server._process is not None
        yield server._process.pid
