"""`POST /v1/notifications` as Alertmanager calls it: yes once it is on disk, no with a reason, later else."""

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from tests.collector.notifications.conftest import alert, document
from tocsin_collector.notifications import Inbox, notifications_router

BODY = json.dumps(document(alert("HostDown", {"instance": "a"}, 1_000_000.0, summary="down"))).encode()


def _post(inbox: Inbox, body: bytes, **headers: str) -> httpx.Response:
    app = FastAPI()
    app.include_router(notifications_router(inbox))

    async def post() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://collector") as client:
            return await client.post(
                "/v1/notifications", content=body, headers={"Content-Type": "application/json", **headers}
            )

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(lambda: asyncio.run(post())).result()


def test_a_notification_is_answered_when_its_message_is_on_disk(bench: Any, inbox: Inbox) -> None:
    bench.hook.status = 500
    answer = _post(inbox, BODY)
    assert (answer.status_code, answer.json()) == (200, {"messages": 1})
    (target,) = bench.alarms.targets()
    assert (target.waiting, target.delivered) == (1, 0)
    assert _post(inbox, BODY).json() == {"messages": 0}


@pytest.mark.parametrize(
    ("body", "headers", "status", "code"),
    [
        (b"{", {}, 400, "json"),
        (BODY, {"Content-Type": "text/plain"}, 415, "content_type"),  # what a page in a browser may send anywhere
        (b" " * (5 << 20), {}, 413, "too_large"),
        (BODY, {"Content-Encoding": "gzip"}, 400, "malformed_gzip"),
    ],
)
def test_a_refusal_has_one_reason_and_is_counted(
    inbox: Inbox, body: bytes, headers: dict[str, str], status: int, code: str
) -> None:
    answer = _post(inbox, body, **headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert inbox.view().refused == 1
    assert inbox.view().last_refusal == answer.json()["error"]["reason"]


def test_a_store_that_fails_makes_alertmanager_try_again(bench: Any, inbox: Inbox) -> None:
    bench.alarms._store._connection.execute("DROP TABLE received")
    answer = _post(inbox, BODY)
    assert (answer.status_code, "Retry-After" in answer.headers) == (503, True)
    bench.restart()  # makes the table again
    retried = Inbox(bench.alarms, page_url="", clock=bench.clock)
    assert _post(retried, BODY).json() == {"messages": 1}
