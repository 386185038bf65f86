"""Faults of one batch or one moment that are no one else's."""

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.collector.logs.elasticsearch.conftest import made
from tests.collector.logs.elasticsearch.faults import PRODUCT, Answer, double
from tests.servers.process import until
from tocsin_collector.logs import StoreError
from tocsin_collector.logs.elasticsearch import Access, ElasticsearchStore, Pace
from tocsin_collector.logs.elasticsearch import store as store_module
from tocsin_collector.logs.elasticsearch.templates import MOST_STREAMS

PACE = Pace(
    request_s=2, patience_s=0.5, grace_s=0.2, retry_s=0.02, watch_s=0.05, first_pause_s=0.01, longest_pause_s=0.02
)


def _items(body: bytes, refused: bytes = b"\0") -> Answer:
    """Every line is taken, those with a word in them are refused for good."""
    items = [{"create": {"status": 400 if refused in line else 201}} for line in body.splitlines()[::2]]
    return 200, PRODUCT, json.dumps({"items": items}).encode()


@contextlib.contextmanager
def _store(
    folder: Path, bulk: Callable[[bytes], Answer] = _items, put: Callable[[str], None] = lambda _: None
) -> Iterator[ElasticsearchStore]:
    def say(method: str, path: str, body: bytes) -> Answer:
        if path.startswith("/_bulk"):
            return bulk(body)
        if path == "/":
            return 200, PRODUCT, b'{"version":{"number":"9.2.0"}}'
        if method == "PUT":
            put(path)
        return (200 if method == "PUT" else 404), PRODUCT, b"{}"

    with double(say) as url:
        store = ElasticsearchStore(Access((url,)), "default", str(folder), pace=PACE)
        try:
            until(lambda: store.state().up, "the store is up")
            yield store
        finally:
            store.close()


def test_one_batch_cannot_make_more_data_streams_than_there_may_be(tmp_path: Path) -> None:
    templates: list[str] = []
    with _store(tmp_path, put=templates.append) as store:
        records = [made("m", f"set{number}") for number in range(2 * MOST_STREAMS)]
        assert store.add(records).result(30) == (len(records), 0)
    streams = [path for path in templates if path.startswith("/_index_template/")]
    assert len(streams) == MOST_STREAMS + 1, "those that may be, and the one for all others"
    assert "/_index_template/tocsin-logs-tocsin.other-default" in streams


def test_a_dead_letter_that_finds_no_disk_holds_up_its_own_sender_alone(tmp_path: Path) -> None:
    """The file cannot be written: nobody says that the server is away, and what comes beside it is acknowledged."""
    folder = tmp_path / "no-folder"
    folder.write_text("")
    gate = threading.Event()

    def bulk(body: bytes) -> Answer:
        gate.wait(10)
        return _items(body, b"poison")

    with _store(folder, bulk) as store:
        first = [store.add([made("m", "busy")]) for _ in range(store_module.SENDERS)]
        until(lambda: not store._parts, "the senders are busy, so that the next two go together")
        poison, other = store.add([made("m", "app", "poison")]), store.add([made("m", "app", "other")])
        gate.set()
        assert [future.result(20) for future in first] == [(1, 0)] * len(first)
        assert other.result(20) == (1, 0)
        with pytest.raises(StoreError, match=r"dead-letters\.ndjson: File exists"):
            poison.result(20)
        assert store.state().up
        assert "dead-letters.ndjson" in store.state().error


def test_a_server_that_is_lost_while_it_is_found_is_found_again(tmp_path: Path) -> None:
    """A request of before fails just when the watch has found the server: batches must not be refused from then on."""
    with _store(tmp_path) as store:
        real, losing = store._ready, threading.Thread(target=store._lost, args=("a late failure",))

        class Ready(threading.Event):
            def set(self) -> None:
                losing.start()
                losing.join(0.3)
                store._ready = real
                real.set()

        with store._lock:
            real.clear()
            store._ready = Ready()
        until(losing.is_alive, "the watch finds it", 10) if not losing.ident else None
        until(lambda: store._ready is real and not losing.is_alive(), "the late failure is over")
        until(lambda: store.state().up and store._away_since is None, "the server is found again")
        assert store.add([made("m", "app")]).result(20) == (1, 0)


def test_a_request_that_trips_up_leaves_alone_the_parts_that_it_has_finished(tmp_path: Path) -> None:
    """What is left of a batch may be with another sender; without the failure its end must still be told."""
    with _store(tmp_path) as store:
        batch = store_module._Batch([made("m", "app"), made("n", "app")], 2, float("inf"))
        done, left = (store_module._Part(batch, [record], 1) for record in batch.records)
        store._waiting_bytes = 2
        assert store._finished(done, [])
        store._give_up([done], "another batch tripped it up")
        batch.left = 0
        assert store._finished(left, [])
        assert batch.future.done()
