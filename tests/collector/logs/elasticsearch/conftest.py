"""One real Elasticsearch a version, shared by the tests of this folder, and stores over it."""

import contextlib
import json
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.servers.cache import have
from tests.servers.elasticsearch import VERSIONS, elasticsearch, installed
from tests.servers.process import Server, until
from tocsin_collector.logs.elasticsearch import Access, ElasticsearchStore, Pace
from tocsin_collector.logs.record import Record, record

QUICK = Pace(
    request_s=5,
    search_s=5,
    patience_s=20,
    grace_s=1,
    retry_s=0.05,
    watch_s=0.2,
    first_pause_s=0.02,
    longest_pause_s=0.2,
)
Open = Callable[..., ElasticsearchStore]


class Real:
    """A real server, asked without the client."""

    def __init__(self, server: Server) -> None:
        self.server = server

    def ask(self, method: str, path: str, body: object = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        headers = {"content-type": "application/json"}
        request = urllib.request.Request(self.server.url + path, data, headers, method=method)
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.load(answer)

    def documents(self, dataset: str) -> list[dict[str, Any]]:
        """Every document of a dataset, from all its backing indices."""
        self.ask("POST", f"/logs-{dataset}-*/_refresh")
        found = self.ask("POST", f"/logs-{dataset}-*/_search", {"size": 10_000, "track_total_hits": True})
        hits: list[dict[str, Any]] = found["hits"]["hits"]
        assert found["hits"]["total"]["value"] == len(hits)
        return hits


@pytest.fixture(scope="module", params=VERSIONS)
def real(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Real]:
    have(lambda: installed(request.param))
    with elasticsearch(str(tmp_path_factory.mktemp("elasticsearch")), request.param) as server:
        yield Real(server)


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    """Opens stores and closes them; each is up when it is given."""
    with contextlib.ExitStack() as stack:

        def make(url: str, pace: Pace = QUICK, namespace: str = "default", **bounds: int) -> ElasticsearchStore:
            store = ElasticsearchStore(Access((url,)), namespace, str(tmp_path / "logs"), pace=pace, **bounds)
            stack.callback(store.close)
            until(lambda: store.state().up, f"the store is up: {store.state()}")
            return store

        yield make


def made(message: str, dataset: str, id_: str | None = None, seconds: float = 0, **fields: object) -> Record:
    """A record of a dataset."""
    line = {"message": message, "@timestamp": seconds, "event.dataset": dataset, **fields}
    return record(json.dumps(line | ({"event.id": id_} if id_ else {})).encode(), 0)
