"""Quotas: what a project may send a second, and that no other project pays for it."""

import contextlib
import http.client
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.collector.doors.visitor import event
from tests.servers.process import until
from tocsin_agent.capture import Capture
from tocsin_collector.doors.caller import PREDICTIONS
from tocsin_collector.doors.counts import MAX_PROJECTS, Counts
from tocsin_collector.doors.keys import make
from tocsin_collector.doors.quota import BURST_S, Bucket, Quotas
from tocsin_collector.ingest.answer import Refusal
from tocsin_schema.block import Block
from tocsin_schema.config import ConfigError


def _block(rows, project="shop"):
    said = {"model": "m", "version": "", "producer": "a" * 32, "sequence": 1, "columns": {}}
    return Block("prediction", project=project, rows=rows, **said)


def _quotas(now, events=0.0, volume=0.0, projects=()):
    values = {
        "quota.events_per_s": events,
        "quota.bytes_per_s": volume,
        "quota.disk_bytes": 0,
        "quota.series": 0,
        "quota.projects": list(projects),
    }
    counts = Counts()
    return Quotas(values, counts, lambda: now[0]), counts


def test_a_project_is_let_in_until_it_has_paid_and_told_when_to_come_again():
    now = [0.0]
    quotas, counts = _quotas(now, events=10)
    quotas.admit(["shop"])
    quotas.charge([_block(50)], 1)  # 20 are there: 30 in debt
    with pytest.raises(Refusal) as told:
        quotas.admit(["shop"])
    assert (told.value.status, told.value.code, told.value.retry_after_s) == (429, "over_quota", 3)
    assert "10 events a second" in str(told.value)
    quotas.admit(["bank"])
    now[0] = 3.1
    quotas.admit(["shop"])
    assert counts.quotas == {("shop", "events"): 1}


def test_bytes_are_shared_out_by_rows():
    now = [0.0]
    quotas, counts = _quotas(now, volume=100)
    quotas.charge([_block(9), _block(1, "bank")], 1_000)  # 900 and 100 of 200
    quotas.admit(["bank"])
    with pytest.raises(Refusal, match="100 bytes a second"):
        quotas.admit(["bank", "shop"])
    assert counts.quotas == {("shop", "bytes"): 1}


def test_a_project_may_have_its_own_quota_or_none():
    now = [0.0]
    quotas, _ = _quotas(now, events=1, projects=["my shop events=100", "free events=0"])
    for project in ("my shop", "free", "bank"):
        quotas.charge([_block(150, project)], 1)
    quotas.admit(["my shop", "free"])
    with pytest.raises(Refusal):
        quotas.admit(["bank"])


@pytest.mark.parametrize(
    "text",
    [
        "shop",
        "shop 1",
        "shop events=x",
        "shop events=-1",
        "shop bytes=nan",
        "shop disk=inf",
        "series=1",
        "shop gb=1",
        "shop events=1 events=2",
        "shop events=1 x",
        "",
    ],
)
def test_what_is_no_quota_is_a_fault_of_the_configuration(text):
    with pytest.raises(ConfigError, match=r"quota.projects: .* a project and its own expected"):
        _quotas([0.0], projects=[text])


def test_requests_that_come_at_once_are_not_all_let_in_for_one_token():
    now = [0.0]
    quotas, _ = _quotas(now, events=10)
    quotas.charge([_block(19)], 1)  # one of 20 is left
    first = quotas.begin("shop")  # as much as the last one is held while its body comes
    with pytest.raises(Refusal):
        quotas.begin("shop")
    first.release()
    first.release()
    quotas.begin("shop")


@given(st.lists(st.tuples(st.floats(0, 5), st.integers(1, 100)), max_size=60))
def test_over_any_time_a_project_gets_its_rate_its_burst_and_one_request(steps):
    bucket, now, got, largest = Bucket(10.0, 0.0), 0.0, 0, 0
    for pause, amount in steps:
        now += pause
        if not bucket.wait_s(now):
            bucket.take(amount)
            got, largest = got + amount, max(largest, amount)
    assert got <= 10 * (now + BURST_S) + largest + 1e-6


def test_more_projects_than_series_share_one():
    counts = Counts()
    for project in range(MAX_PROJECTS + 50):
        counts.over_quota(str(project), "events")
    assert len(counts.quotas) == MAX_PROJECTS + 1
    assert counts.quotas["_other", "events"] == 50


def _key(tmp_path, project=None):
    return make(str(tmp_path / "data" / "keys.json"), (PREDICTIONS,), project, "", 0.0)[1]


def _answer(sock):
    """The head of an answer and its line."""
    found = b""
    while not found.endswith(b"}"):
        found += sock.recv(4_096) or pytest.fail(f"cut off: {found}")
    return found


def test_over_http_the_body_is_not_read(collector, tmp_path):
    one, shop = collector(**{"quota.events_per_s": 1.0}), _key(tmp_path, "shop")
    assert one.post(*(event(str(row)) for row in range(200)), key=shop)[0] == 200
    with one.plain() as sock:
        head = f"POST /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {shop}\r\nContent-Length: 99\r\n"
        sock.sendall((head + "Content-Type: application/json\r\nExpect: 100-continue\r\n\r\n").encode())
        answer = sock.recv(4_096)  # no 100 Continue comes: nobody wants the body
    assert answer.startswith(b"HTTP/1.1 429 ")
    assert 150 < int(re.search(rb"\r\nretry-after: (\d+)\r\n", answer.lower())[1]) <= 198
    assert one.metric("tocsin_requests_over_quota_total", project="shop", quota="events") == 1


def test_a_body_that_comes_after_its_refusal_is_thrown_away_and_the_connection_goes_on(collector, tmp_path):
    one, shop = collector(**{"quota.events_per_s": 1.0}), _key(tmp_path, "shop")
    assert one.post(*(event(str(row)) for row in range(200)), key=shop)[0] == 200
    connection = http.client.HTTPConnection("127.0.0.1", one.port, timeout=10)
    with contextlib.closing(connection):
        connection.connect()
        opened = connection.sock
        for _ in range(3):
            headers = {"authorization": f"Bearer {shop}", "content-type": "application/json"}
            connection.request("POST", "/v1/events", b"x" * (4 << 20), headers)
            with connection.getresponse() as answer:
                assert (answer.status, json.loads(answer.read())["rejected"][0]["code"]) == (429, "over_quota")
            assert connection.sock is opened


def test_what_was_held_for_a_client_that_went_away_is_given_back(collector, tmp_path):
    one, shop = collector(**{"quota.events_per_s": 500.0}), _key(tmp_path, "shop")
    bodies, quotas = one.server.config.app._bodies, one.service.quotas
    assert one.post(*(event(str(row)) for row in range(950)), key=shop)[0] == 200  # of 1,000
    with one.plain() as gone:
        head = f"POST /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {shop}\r\nContent-Length: 99\r\n"
        gone.sendall((head + "Content-Type: application/json\r\n\r\n[").encode())
        until(lambda: bodies.held == 1, "some of it has come")
        with pytest.raises(Refusal):
            quotas.admit(["shop"])
    until(lambda: bodies.held == 0, "it is gone")
    quotas.admit(["shop"])


def test_capture_over_its_quota_loses_nothing(collector, tmp_path, monkeypatch):
    one, token = collector(**{"quota.projects": ["shop events=100"]}), tmp_path / "token"
    token.write_text(_key(tmp_path, "shop"))
    monkeypatch.setenv("TOCSIN_TOKEN_FILE", str(token))
    capture = Capture(model="credit", project="shop", endpoint=one.url)
    for part in range(3):
        for row in range(200):
            capture.prediction(id=f"{part}-{row}", features={"age": row}, prediction="yes")
        assert capture.flush(20)
        assert one.post(event(f"bank {part}", "bank"), key=_key(tmp_path, "bank"))[0] == 200
    assert capture.close(20)
    assert one.metric("tocsin_requests_over_quota_total", project="shop", quota="events") >= 1
    assert one.metric("tocsin_predictions_total", project="shop") == 600


NONSENSE = b'{"type":"prediction","project":"shop"}'


@pytest.mark.parametrize("body", [b"{", NONSENSE, b"[" + NONSENSE + b"]"])
def test_nonsense_pays_for_one_event_and_its_bytes(collector, tmp_path, body):
    one, shop = collector(**{"quota.projects": ["shop events=5 bytes=500"]}), _key(tmp_path, "shop")

    def sent(data):
        status, headers, _ = one.ask("/v1/events", key=shop, data=data, Content_Type="application/json")
        return status, int(headers["Retry-After"] or 0)

    statuses = [sent(body) for _ in range(20)]
    assert statuses[:5] == [(400, 0)] * 5
    assert statuses[-1] == (429, 1)
    until(lambda: sent(body + b" " * 20_000)[0] == 400, "it may send again", 10)
    status, after_s = sent(body)
    assert status == 429
    assert 30 < after_s <= 40


def test_a_body_of_another_project_pays_too(collector, tmp_path):
    one, shop = collector(**{"quota.events_per_s": 1.0}), _key(tmp_path, "shop")
    found = [one.post(event(str(row), "bank"), key=shop)[0] for row in range(5)]
    assert found[0] == 403
    assert found[-1] == 429


def test_over_its_quota_another_project_goes_on(collector, tmp_path):
    one, shop, bank = collector(**{"quota.events_per_s": 1.0}), _key(tmp_path, "shop"), _key(tmp_path, "bank")
    assert one.post(*(event(str(row)) for row in range(9)), key=shop)[0] == 200
    assert one.post(event("x"), key=shop)[0] == 429
    assert one.post(event("x", "bank"), key=bank)[0] == 200


def test_without_a_key_of_one_project_all_of_a_request_is_refused_and_nothing_stored(collector, tmp_path):
    one = collector(**{"quota.events_per_s": 1.0})
    assert one.post(*(event(str(row)) for row in range(9)))[0] == 200
    status, headers, body = one.ask(
        "/v1/events", data=json.dumps([event("x"), event("x", "bank")]).encode(), Content_Type="application/json"
    )
    assert (status, 1 <= int(headers["Retry-After"]) <= 7) == (429, True)
    assert json.loads(body)["accepted"] == 0
    assert one.post(event("x", "bank"))[1]["accepted"] == 1


def test_the_page_and_metrics_tell_who_was_refused(collector, tmp_path):
    one = collector(**{"quota.projects": ["shop events=1"]})
    one.post(*(event(str(row)) for row in range(9)))
    one.post(event("x"))
    page = one.ask("/")[2].decode()
    assert "over its quota of events" in page
    assert "<bdi>shop</bdi>" in page


def test_a_project_that_holds_its_bytes_of_the_journal_is_refused_before_its_body_is_read(collector, tmp_path):
    one, shop = collector(**{"quota.projects": ["shop disk=1000"]}), _key(tmp_path, "shop")
    text = "x" * 2_000
    assert one.post(event("a", features={"text": text}), key=shop)[0] == 200
    with one.plain() as sock:
        head = f"POST /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {shop}\r\nContent-Length: 99\r\n"
        sock.sendall((head + "Content-Type: application/json\r\nExpect: 100-continue\r\n\r\n").encode())
        answer = _answer(sock)
    assert answer.startswith(b"HTTP/1.1 429 ")
    assert b"\r\nretry-after: 60\r\n" in answer.lower()
    assert b"holds the 1000 bytes of the journal" in answer
    assert one.post(event("x", "bank"), key=_key(tmp_path, "bank"))[0] == 200
    assert one.metric("tocsin_requests_over_quota_total", project="shop", quota="disk") == 1
    assert 2 < one.metric("tocsin_quota_used_ratio", project="shop", quota="disk") < 4


def test_what_a_project_holds_is_known_after_a_restart_and_given_back_when_it_is_dropped(collector, tmp_path):
    quota = {"quota.disk_bytes": 1_000}
    one = collector(**quota)
    assert one.post(event("a", features={"text": "x" * 2_000}))[0] == 200
    held = one.service.intake.holdings.size_bytes()["shop"]
    one.stop()
    again = collector(**quota)
    assert again.service.intake.holdings.size_bytes() == {"shop": held}
    assert again.post(event("b"))[0] == 429
    again.stop()
    (tmp_path / "data" / "journal" / "snapshot").unlink()
    third = collector(**quota)
    assert third.service.intake.holdings.size_bytes() == {"shop": held}
    assert third.post(event("b"))[0] == 429
    third.service.intake.holdings.forget(1 << 40)  # as retention says when it has dropped a segment
    assert third.post(event("b"))[0] == 200
