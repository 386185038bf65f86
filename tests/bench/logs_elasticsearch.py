"""Log records into a real Elasticsearch: CPU of the collector's store beside the official client's ``helpers.bulk``.

Both begin with what they are given in memory (records that were checked; dictionaries), send the same documents with
ids of their own in requests of 4,000 at most, and end when the server has them. The server's own CPU is not counted.
"""

import json
import statistics
import tempfile
import time
import urllib.request
from collections.abc import Callable
from typing import Any

from elasticsearch import Elasticsearch, helpers

from tests.bench.measure import Measure
from tests.servers.elasticsearch import elasticsearch
from tests.servers.process import until
from tocsin_collector.logs.elasticsearch import Access, ElasticsearchStore, Pace
from tocsin_collector.logs.elasticsearch.store import CHUNK_RECORDS
from tocsin_collector.logs.record import Record, record

VERSION = "9.2.0"
RECORDS = 40_000
ROUNDS = 3
GOAL = 0.5
STREAM = "logs-bench-default"
PATIENT = Pace(request_s=60, look_s=60, patience_s=120)  # a server that is not warm yet is slow


def run() -> list[Measure]:
    """The ratio of CPU a record; records a second stand in the detail."""
    ours, theirs = [], []
    with tempfile.TemporaryDirectory() as folder, elasticsearch(folder, VERSION) as server:
        store = ElasticsearchStore(Access((server.url,)), "default", folder, pace=PATIENT)
        client = Elasticsearch(server.url, request_timeout=60)
        until(lambda: store.state().up, "the store is up")
        for turn in range(ROUNDS + 1):
            documents = [_document(turn, number) for number in range(RECORDS)]
            records = [record(json.dumps(document).encode(), 0) for document in documents]
            ours.append(_measured(lambda records=records: _tocsin(store, records)))
            theirs.append(_measured(lambda documents=documents: _peer(client, documents)))
        client.close()
        store.close()
        _check(server.url)
    detail: dict[str, Any] = {
        "records": RECORDS,
        "rounds": ROUNDS,
        "tocsin_records_per_s": RECORDS / statistics.median(wall for _, wall in ours[1:]),
        "peer_records_per_s": RECORDS / statistics.median(wall for _, wall in theirs[1:]),
    }
    # The first round warms up the server.
    cpu = [statistics.median(used for used, _ in rounds[1:]) / RECORDS * 1e6 for rounds in (ours, theirs)]
    return [Measure("logs-elasticsearch", cpu[0], cpu[1], GOAL, "us/record", detail)]


def _measured(work: Callable[[], None]) -> tuple[float, float]:
    """CPU and time of this process, in seconds."""
    cpu, wall = time.process_time(), time.perf_counter()
    work()
    return time.process_time() - cpu, time.perf_counter() - wall


def _tocsin(store: ElasticsearchStore, records: list[Record]) -> None:
    batches = [records[at : at + CHUNK_RECORDS] for at in range(0, RECORDS, CHUNK_RECORDS)]
    assert sum(future.result(60).accepted for future in [store.add(batch) for batch in batches]) == RECORDS


def _peer(client: Elasticsearch, documents: list[dict[str, Any]]) -> None:
    # The data stream that tocsin has made: the server's work is the same for both.
    actions = (
        {"_op_type": "create", "_index": STREAM, "_id": "peer" + document["event.id"], "_source": document}
        for document in documents
    )
    done, errors = helpers.bulk(client, actions, chunk_size=CHUNK_RECORDS)
    assert (done, errors) == (RECORDS, [])


def _document(turn: int, number: int) -> dict[str, Any]:
    return {
        "@timestamp": f"2026-11-23T10:00:{number % 60:02d}.{number % 1000:03d}Z",
        "message": f"request {number} to model=credit version=3 took {number % 97} ms status=200 bytes={number % 5000}",
        "event.id": f"{turn:016x}{number * 120:010x}{number * 2654435761 % 2**32:08x}",
        "event.dataset": "bench",
        "host.name": "host-1",
        "service.name": "credit",
        "log.level": ("info", "warning", "error")[number % 50 % 3],
        "log.file.path": "/var/log/credit/server.log",
        "log.offset": number * 120,
    }


def _check(url: str) -> None:
    """A bench that stored nothing would be quick."""
    with urllib.request.urlopen(f"{url}/{STREAM}/_refresh", data=b""):
        pass
    with urllib.request.urlopen(f"{url}/{STREAM}/_count") as answer:
        assert json.load(answer)["count"] == 2 * RECORDS * (ROUNDS + 1)
