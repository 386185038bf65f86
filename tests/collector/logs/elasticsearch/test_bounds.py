"""Faults of one batch or one moment that are no one else's."""

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.collector.logs.elasticsearch.conftest import made
from tests.collector.logs.elasticsearch.faults import PRODUCT, Answer, double
from tests.servers.process import until
from tocsin_collector.logs.elasticsearch import Access, ElasticsearchStore, Pace
from tocsin_collector.logs.elasticsearch import store as store_module

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
