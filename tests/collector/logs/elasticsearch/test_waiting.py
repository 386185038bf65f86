"""What waits for the server: within bounds, and gone whatever becomes of it."""

import contextlib
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.collector.logs.elasticsearch.conftest import made
from tests.collector.logs.elasticsearch.faults import PRODUCT, Answer, double
from tests.servers.process import until
from tocsin_collector.logs import StoreError
from tocsin_collector.logs.elasticsearch import Access, ElasticsearchStore, Pace
from tocsin_collector.logs.elasticsearch.store import CHUNK_BYTES, CHUNK_RECORDS

PACE = Pace(
    request_s=10, patience_s=20, grace_s=20, retry_s=0.02, watch_s=0.05, first_pause_s=0.01, longest_pause_s=0.02
)
IMPATIENT = replace(PACE, patience_s=2)
"""Still long enough for the first answer on a busy machine."""


def _answer(statuses: list[int]) -> Answer:
    items = [{"create": {"status": status, "error": {"type": "t", "reason": "r"}}} for status in statuses]
    return 200, PRODUCT, json.dumps({"items": items}).encode()


def _count(body: bytes) -> int:
    return body.count(b"\n") // 2


@contextlib.contextmanager
def _store(bulk: Callable[[bytes], Answer | None], folder: Path, pace: Pace = PACE) -> Iterator[ElasticsearchStore]:
    """A store over a server that has every template and answers bulk requests as told."""

    def say(method: str, path: str, body: bytes) -> Answer | None:
        if path.startswith("/_bulk"):
            return bulk(body)
        if path == "/":
            return 200, PRODUCT, b'{"version":{"number":"9.2.0"}}'
        return (200 if method == "PUT" else 404), PRODUCT, b"{}"

    with double(say) as url:
        store = ElasticsearchStore(Access((url,)), "default", str(folder), pace=pace)
        try:
            until(lambda: store.state().up, "the store is up")
            yield store
        finally:
            store.close()


def _waiting(store: ElasticsearchStore) -> float:
    return {sample.name: sample.value for sample in store.samples()}["tocsin_elasticsearch_waiting_bytes"]


def test_a_batch_of_many_parts_fails_once_and_leaves_nothing_that_waits(tmp_path: Path) -> None:
    with _store(lambda body: _answer([429] * _count(body)), tmp_path, IMPATIENT) as store:
        future = store.add([made("m", "app") for _ in range(3 * CHUNK_RECORDS)])
        with pytest.raises(StoreError, match=r"does not take records: t: r \(429\)"):
            future.result(20)
        until(lambda: _waiting(store) == 0, "nothing waits")
        assert store.counts["failures"] == 1
        assert "does not take records" in store.state().error


def test_one_sender_whose_records_are_not_taken_does_not_hold_up_another(tmp_path: Path) -> None:
    def bulk(body: bytes) -> Answer:
        lines = body.splitlines()[::2]
        return _answer([403 if b"logs-closed-" in line else 201 for line in lines])

    with _store(bulk, tmp_path, IMPATIENT) as store:
        closed, opened = store.add([made("m", "closed")]), store.add([made("m", "open")])
        assert opened.result(20) == (1, 0)
        with pytest.raises(StoreError, match="403"):
            closed.result(20)


def test_a_request_holds_what_a_server_takes_at_once(tmp_path: Path) -> None:
    sizes: list[tuple[int, int]] = []

    def bulk(body: bytes) -> Answer:
        sizes.append((_count(body), len(body)))
        return _answer([201] * _count(body))

    with _store(bulk, tmp_path) as store:
        batches = [[made("x" * 50_000, "app") for _ in range(200)], [made("m", "app") for _ in range(9_000)]]
        assert [store.add(batch).result(30).accepted for batch in batches] == [200, 9_000]
    assert sum(count for count, _ in sizes) == 9_200
    assert max(count for count, _ in sizes) <= CHUNK_RECORDS
    assert max(size for _, size in sizes) <= CHUNK_BYTES * 1.1


def test_a_request_that_is_too_large_for_a_proxy_is_halved(tmp_path: Path) -> None:
    def bulk(body: bytes) -> Answer:
        if len(body) > 20_000:
            return 413, {"content-type": "text/html"}, b"<h1>413 Request Entity Too Large</h1>"
        return _answer([201] * _count(body))

    with _store(bulk, tmp_path) as store:
        assert store.add([made("m", "app") for _ in range(500)]).result(20) == (500, 0)


def test_a_sender_that_goes_away_does_not_take_its_records_with_it(tmp_path: Path) -> None:
    with _store(lambda body: _answer([201] * _count(body)), tmp_path) as store:
        future = store.add([made("m", "app")])
        assert not future.cancel()
        assert future.result(20) == (1, 0)


def test_a_closed_store_ends_what_waits(tmp_path: Path) -> None:
    with _store(lambda _: None, tmp_path) as store:
        future = store.add([made("m", "app")])
        store.close()
        with pytest.raises(StoreError):
            future.result(0)
        with pytest.raises(StoreError, match="closed"):
            store.add([made("m", "app")]).result(0)
        assert _waiting(store) == 0
