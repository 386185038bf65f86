"""Server CPU an event at 1,000 a request: the whole `tocsin collector`, and the OpenTelemetry Collector's file queue.

Each is a process of its own and gets the same events: tocsin as blocks, the other as OTLP logs. tocsin's
acknowledgement means on disk, deduplicated, and counted in windows; the other's means in its queue's file, with fsync.
Nobody takes anything out of that queue. Rounds alternate; CPU is that of the process, all of its threads; the figures
are medians.
"""

import random
import statistics
import tempfile
from urllib.parse import urlsplit

from tests.bench.ingest import _block, _events
from tests.bench.ingest_forms import _otlp
from tests.bench.ingest_peers import Peer, _tocsin
from tests.bench.measure import Measure
from tests.servers import otelcol

ROUNDS, REQUESTS, ROWS = 5, 32, 1_000
GOAL = 1 / 15


def run() -> list[Measure]:
    """The first round warms up."""
    rng = random.Random(1)
    ours, theirs = [], []
    with tempfile.TemporaryDirectory() as folder, _tocsin(folder) as tocsin, otelcol.collecting(folder) as server:
        queue = Peer(server.pid, urlsplit(server.url).port or 0, "/v1/logs", "application/x-protobuf")
        for turn in range(ROUNDS + 1):
            batches = [_events(rng, ROWS) for _ in range(REQUESTS)]
            blocks = [_block(batch, turn * REQUESTS + number) for number, batch in enumerate(batches)]
            ours.append(tocsin.cpu_us(blocks) / REQUESTS / ROWS)
            theirs.append(queue.cpu_us([_otlp(batch) for batch in batches]) / REQUESTS / ROWS)
    detail = {"rounds": ROUNDS, "rows": ROWS, "otelcol": otelcol.VERSION}
    return [
        Measure("ingest_otelcol", statistics.median(ours[1:]), statistics.median(theirs[1:]), GOAL, "us/event", detail)
    ]
