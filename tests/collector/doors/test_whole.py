"""Requests of events that come as a whole: told the same as those that come in pieces, and in their order."""

import contextlib
import gzip
import http.client
import json
import time

import pytest

from tests.collector.doors.visitor import event
from tests.servers.process import until
from tocsin_collector.doors.caller import LABELS, PREDICTIONS
from tocsin_collector.doors.gate import Gate
from tocsin_collector.doors.keys import make

JSON = "Content-Type: application/json"


def _request(body: bytes, *lines: str, first: str = "POST /v1/events HTTP/1.1") -> bytes:
    head = [first, "Host: x", f"Content-Length: {len(body)}", *lines]
    return "\r\n".join([*head, "", ""]).encode() + body


def _answer(sock):
    """Status, headers without the clock's, body without the journal's position."""
    answer = http.client.HTTPResponse(sock)
    answer.begin()
    body = json.loads(answer.read() or b"{}")
    if isinstance(body, dict):
        body.pop("position", None)
    headers = {name.lower(): value for name, value in answer.getheaders()} | {"date": "", "content-length": ""}
    return answer.status, headers, body


def _heard(found):
    """Status and body of the next answer."""
    status = int(found.readline().split()[1])
    lines = list(iter(found.readline, b"\r\n"))
    return status, found.read(next(int(line[15:]) for line in lines if line.startswith(b"content-length")))


def _key(one, *scopes, project=None):
    return make(f"{one.folder}/keys.json", scopes, project, "", time.time())[1]


GOOD = json.dumps(event("same")).encode()
REQUESTS = {
    "known": _request(GOOD, JSON),
    "no JSON": _request(b"{", JSON),
    "some rows": _request(json.dumps([event("same"), {"type": "label"}]).encode(), JSON),
    "no such type": _request(GOOD, "Content-Type: image/png"),
    "no type": _request(GOOD),
    "no body": _request(b"", JSON),
    "gzip": _request(gzip.compress(GOOD), JSON, "Content-Encoding: gzip"),
    "no gzip": _request(GOOD, JSON, "Content-Encoding: gzip"),
    "a query": _request(GOOD, JSON, first="POST /v1/events?a=1 HTTP/1.1"),
    "a bad query": _request(GOOD, JSON, first=f"POST /v1/events?{'a=1&' * 30} HTTP/1.1"),
    "another site": _request(GOOD, JSON, "Origin: https://evil.example"),
    "a bad key": _request(GOOD, JSON, "Authorization: Bearer tsn_a_b"),
    "another method": _request(GOOD, JSON, first="PUT /v1/events HTTP/1.1"),
    "old": _request(GOOD, JSON, first="POST /v1/events HTTP/1.0"),
    "the last": _request(GOOD, JSON, "Connection: close"),
}


@pytest.mark.parametrize("name", REQUESTS)
@pytest.mark.parametrize("locked", [False, True])
def test_a_whole_request_is_told_what_one_in_pieces_is_told(collector, name, locked):
    one = collector()
    assert one.post(event("same"))[0] == 200
    if locked:
        _key(one, PREDICTIONS)
    asked = REQUESTS[name]
    if locked and "a bad" not in name:
        asked = asked.replace(b"\r\n", f"\r\nAuthorization: Bearer {_key(one, LABELS, project='shop')}\r\n".encode(), 1)
    with one.plain() as whole, one.plain() as pieces:
        whole.sendall(asked)
        pieces.sendall(asked[:-1])
        if not asked.endswith(b"\r\n\r\n"):
            until(lambda: all(each.cycle for each in one.server.server_state.connections), "its head has come")
        pieces.sendall(asked[-1:])
        assert _answer(whole) == _answer(pieces)


def test_whole_requests_in_one_packet_are_answered_in_their_order(collector):
    one = collector()
    body = [json.dumps([event(f"{turn}-{row}") for row in range(turn + 1)]).encode() for turn in range(3)]
    health = b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n"
    with one.plain() as sock:
        sock.sendall(_request(body[0], JSON) + health + _request(body[1], JSON) + _request(b"[", JSON))
        with sock.makefile("rb") as found:
            heard = [_heard(found) for _ in range(4)]
    assert [status for status, _ in heard] == [200, 200, 200, 400]
    assert [json.loads(heard[at][1])["accepted"] for at in (0, 2)] == [1, 2]
    assert heard[1][1] == b"healthy\n"


def test_fields_behind_a_body_are_not_its_head(collector):
    one = collector()
    key = _key(one, PREDICTIONS)
    chunked = f"POST /v1/events HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n{JSON}\r\n"
    body = f"\r\n{len(GOOD):x}\r\n{GOOD.decode()}\r\n0\r\n"
    with one.plain() as sock:
        sock.sendall(f"{chunked}{body}Authorization: Bearer {key}\r\n\r\n".encode())
        assert _answer(sock)[0] == 401
        sock.sendall(f"{chunked}Authorization: Bearer {key}\r\n{body}\r\n".encode())
        assert _answer(sock)[0] == 200


def test_a_connection_is_used_again_after_each_kind(collector):
    one = collector()
    with one.plain() as sock:
        for turn in range(3):
            asked = _request(json.dumps(event(str(turn))).encode(), JSON)
            for pieces in ([asked], [asked[:-5], asked[-5:]]):
                for piece in pieces:
                    sock.sendall(piece)
                status, headers, answer = _answer(sock)
                assert (status, answer["accepted"] + answer["duplicate"]) == (200, 1)
                assert headers["x-content-type-options"] == "nosniff"


def test_nothing_is_held_for_clients_that_go_away(collector):
    one = collector()
    gate = one.server.config.app
    assert isinstance(gate, Gate)
    for turn in range(20):
        with one.plain() as sock:
            sock.sendall(_request(json.dumps(event(str(turn))).encode(), JSON))
    until(lambda: sum(one.post(event(str(turn)))[1]["duplicate"] for turn in range(20)) == 20, "all of it was stored")
    assert gate._bodies.held == 0
    assert gate._events._bytes == 0


def test_a_whole_request_waits_for_its_leave(collector):
    one = collector()
    with one.plain() as sock:
        sock.sendall(_request(GOOD, JSON, "Expect: 100-continue"))
        with contextlib.closing(sock.makefile("rb")) as found:
            assert found.readline() == b"HTTP/1.1 100 Continue\r\n"
            assert found.readline() == b"\r\n"
            assert found.readline() == b"HTTP/1.1 200 OK\r\n"


def test_a_project_over_its_quota_is_told_when_to_come_again(collector):
    one = collector(**{"quota.events_per_s": 2.0})
    key = _key(one, PREDICTIONS, project="shop")
    many = _request(json.dumps([event(str(row)) for row in range(100)]).encode(), JSON, f"Authorization: Bearer {key}")
    with one.plain() as sock:
        sock.sendall(many)
        assert _answer(sock)[0] == 200
        sock.sendall(many)
        status, headers, _ = _answer(sock)
        assert status == 429
        assert 40 <= int(headers["retry-after"]) <= 60
