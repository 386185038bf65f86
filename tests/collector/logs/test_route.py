"""The two routes, over the app, and the command over a real port."""

import asyncio
import gzip
import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import httpx
import pytest
import uvicorn
from click.testing import CliRunner
from fastapi import FastAPI

from tocsin_collector.commands.logs import command
from tocsin_collector.logs import LogStore, StoreError, logs_router

NDJSON = {"Content-Type": "application/x-ndjson"}


@pytest.fixture
def app(tmp_path: Path) -> Iterator[FastAPI]:
    """An app with the routes over a new store, small limits and a clock that stands."""
    store = LogStore(str(tmp_path))
    made = FastAPI()
    made.include_router(
        logs_router(store, max_body_bytes=100_000, max_decompressed_bytes=200_000, clock=lambda: 1000.0)
    )
    made.state.store = store
    yield made
    store.close()


class Client:
    """Requests straight to the app."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app

    def _ask(self, method: str, path: str, **keywords: Any) -> httpx.Response:
        async def ask() -> httpx.Response:
            async with httpx.AsyncClient(transport=httpx.ASGITransport(self._app), base_url="http://app") as client:
                return await client.request(method, path, **keywords)

        return asyncio.run(ask())

    def get(self, path: str, **keywords: Any) -> httpx.Response:
        return self._ask("GET", path, **keywords)

    def post(self, path: str, **keywords: Any) -> httpx.Response:
        return self._ask("POST", path, **keywords)


@pytest.fixture
def client(app: FastAPI) -> Client:
    return Client(app)


def _lines(*records: object) -> bytes:
    return b"\n".join(json.dumps(found).encode() for found in records)


def test_records_come_in_and_are_found(client: Client) -> None:
    body = _lines({"message": "one boat", "event.id": "a", "log.level": "error", "x": 1}, {"message": "two boats"})
    answer = client.post("/v1/logs", content=body, headers=NDJSON)
    assert (answer.status_code, answer.json()) == (
        200,
        {"accepted": 2, "duplicate": 0, "rejected": [], "rejected_count": 0},
    )
    found = client.get("/v1/logs", params={"q": "boat*", "level": "error"}).json()
    assert found == {
        "total": 1, "total_capped": False, "next": None,
        "records": [{"@timestamp": "1970-01-01T00:16:40.000Z", "event.id": "a", "log.level": "error", "host.name": "",
                     "service.name": "", "message": "one boat", "x": 1}],
    }  # fmt: skip


def test_a_batch_sent_again_is_told_as_duplicate(client: Client) -> None:
    body = _lines({"message": "m", "event.id": "a"})
    client.post("/v1/logs", content=body)
    assert client.post("/v1/logs", content=body).json()["duplicate"] == 1


def test_bad_rows_are_refused_with_their_place_and_do_not_touch_the_others(client: Client) -> None:
    answer = client.post("/v1/logs", content=_lines({"message": "good"}) + b'\n{"cut\n\n' + _lines({"no": "message"}))
    assert answer.status_code == 200
    assert answer.json()["accepted"] == 1
    assert [(row["row"], row["code"]) for row in answer.json()["rejected"]] == [(1, "json"), (2, "message")]


def test_only_bad_rows_are_a_client_error_and_the_list_is_bounded(client: Client, app: FastAPI) -> None:
    answer = client.post("/v1/logs", content=b"x\n" * 500)
    assert answer.status_code == 400
    assert (len(answer.json()["rejected"]), answer.json()["rejected_count"]) == (100, 500)
    assert app.state.store.counts["rejected"] == 500


@pytest.mark.parametrize(
    ("content", "headers", "status", "code"),
    [
        (b"", {}, 400, "empty"),
        (b"\n\n", {}, 400, "empty"),
        (b"x" * 100_001, {}, 413, "too_large"),
        (gzip.compress(b"x" * 200_001, mtime=0), {"Content-Encoding": "gzip"}, 413, "too_large"),
        (gzip.compress(b"\0" * 50_000_000, mtime=0), {"Content-Encoding": "gzip"}, 413, "too_large"),
        (gzip.compress(b'{"message":"m"}', mtime=0)[:-9], {"Content-Encoding": "gzip"}, 400, "malformed_gzip"),
        (b"plain", {"Content-Encoding": "gzip"}, 400, "malformed_gzip"),
        (b"x", {"Content-Encoding": "br"}, 415, "unknown_encoding"),
        (b"x", {"Content-Type": "image/png"}, 415, "content_type"),
        (b"\n" * 99_999 + b"x", {}, 400, None),
    ],
)
def test_each_bad_body_has_its_answer(
    client: Client, content: bytes, headers: dict[str, str], status: int, code: str | None
) -> None:
    answer = client.post("/v1/logs", content=content, headers=headers)
    assert answer.status_code == status
    if code:
        assert answer.json()["error"]["code"] == code


def test_gzip_is_taken_also_in_several_members(client: Client) -> None:
    body = gzip.compress(_lines({"message": "a"}) + b"\n") + gzip.compress(_lines({"message": "b"}))
    assert client.post("/v1/logs", content=body, headers={"Content-Encoding": "gzip"}).json()["accepted"] == 2


@pytest.mark.parametrize(
    ("params", "said"),
    [({"q": "!!!"}, "type a word"), ({"since": "soon"}, "15m"), ({"level": "loud"}, "one of debug")],
)
def test_a_search_that_cannot_be_done_says_why(client: Client, params: dict[str, str], said: str) -> None:
    answer = client.get("/v1/logs", params=params)
    assert answer.status_code == 400
    assert said in answer.json()["error"]["reason"]


def test_a_store_that_is_closed_asks_to_come_back(client: Client, app: FastAPI) -> None:
    app.state.store.close()
    answer = client.post("/v1/logs", content=_lines({"message": "m"}))
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")


class _Away:
    """A store whose server does not answer."""

    counts: ClassVar[dict[str, int]] = {"rejected": 0}

    def search(self, *_: object, **__: object) -> None:
        raise StoreError("es1 does not answer in time")


def test_a_search_while_the_store_is_away_says_so() -> None:
    app = FastAPI()
    app.include_router(logs_router(_Away()))  # type: ignore[arg-type]
    answer = Client(app).get("/v1/logs", params={"q": "x"})
    assert (answer.status_code, answer.json()["error"]["reason"]) == (503, "es1 does not answer in time")


def test_the_routes_are_in_the_openapi(client: Client) -> None:
    found = client.get("/openapi.json").json()["paths"]["/v1/logs"]
    assert set(found) == {"get", "post"}
    assert "application/x-ndjson" in found["post"]["requestBody"]["content"]


# --- the command ------------------------------------------------------------------------------------------------------


@pytest.fixture
def address(app: FastAPI) -> Iterator[str]:
    """The app under uvicorn on a free port."""
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", ws="none"))
    sock = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]})
    thread.start()
    limit = time.monotonic() + 20
    while not server.started and time.monotonic() < limit:
        time.sleep(0.01)
    yield f"127.0.0.1:{sock.getsockname()[1]}"
    server.should_exit = True
    thread.join()
    sock.close()


def _run(*words: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(command, ["search", *words])
    return result.exit_code, result.stdout, result.stderr


def test_the_command_prints_what_it_finds_newest_last(address: str, client: Client) -> None:
    client.post(
        "/v1/logs",
        content=_lines({"message": "b", "@timestamp": 20, "log.level": "error"}, {"message": "a", "@timestamp": 10}),
    )
    code, out, err = _run("--collector", address)
    assert (code, err) == (0, "2 of 2 records\n")
    assert [line.split()[-1] for line in out.splitlines()] == ["a", "b"]
    code, out, _ = _run("b", "--json", "--level", "warning", "--collector", f"http://{address}/")
    assert [json.loads(line)["message"] for line in out.splitlines()] == ["b"]


def test_the_command_says_why_it_fails(address: str) -> None:
    assert _run("!!!", "--collector", address) == (
        1,
        "",
        "nothing to look for in '!!!': type a word of letters or digits\n",
    )
    code, _, err = _run("x", "--collector", "127.0.0.1:1")
    assert code == 1
    assert "no collector answers at 127.0.0.1:1; start one" in err
    code, _, err = _run("x", "--collector", "file:///etc/passwd")
    assert (code, "http://host:port expected" in err) == (2, True)


def test_the_command_finds_the_collector_in_the_environment(address: str) -> None:
    result = CliRunner().invoke(command, ["search", "x"], env={**os.environ, "TOCSIN_COLLECTOR": address})
    assert (result.exit_code, result.stderr) == (0, "0 of 0 records\n")
