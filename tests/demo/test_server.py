"""The model server: what it answers, what it tells tocsin, what it writes to its log."""

import http.client
import json
import signal
import socket
import threading
from collections.abc import Iterator

import pytest
import uvicorn
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin_agent.capture import Capture
from tocsin_demo import server
from tocsin_demo.model import Model

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
FLIGHT = {
    "id": "2013-12-05-B6917-JFK",
    "time": "2013-12-05T22:10:00Z",
    "scheduled_hour": 19,
    "dep_delay_min": 41,
    "distance_mi": 187,
    "seats": 100,
    "carrier": "B6",
    "origin": "JFK",
    "dest": "BOS",
}


@pytest.fixture(scope="module")
def address(trained: Model) -> Iterator[str]:
    capture = Capture(model="flights", version="1", project="demo", endpoint="", runtime_dir="")
    app = server.bounded(server.application(trained, capture))
    running = uvicorn.Server(uvicorn.Config(app, log_level="critical"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]})
        thread.start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        running.should_exit = True
        thread.join(10)


def ask(address: str, body: bytes) -> tuple[int, dict[str, list]]:
    connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=10)
    try:
        headers = {"Content-Type": "application/json", "traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}
        connection.request("POST", "/predict", body, headers)
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


def batch(*changes: dict[str, object]) -> bytes:
    return json.dumps({"flights": [FLIGHT | change for change in changes]}).encode()


def test_each_flight_gets_its_class_and_probability(address: str) -> None:
    missing = {"id": "b", "dep_delay_min": None, "seats": None, "scheduled_hour": 6}
    answer = ask(address, batch({}, missing))[1]
    assert answer["predictions"] == ["on_time", "on_time"]
    assert 0.5 > answer["late"][0] > answer["late"][1] > 0


def test_a_feature_that_is_left_out_is_missing(address: str) -> None:
    body = {"flights": [{name: value for name, value in FLIGHT.items() if name not in ("dep_delay_min", "seats")}]}
    assert ask(address, json.dumps(body).encode())[0] == 200


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 422),
        (b"{", 422),
        (b"\xff\xfe", 422),
        (b"[" * 60_000, 400),
        (b" " * 65_537, 413),
        (b'{"flights": []}', 422),
        (batch(*[{"id": str(n)} for n in range(65)]), 422),
        (batch({"dep_delay_min": float("nan")}), 422),
        (batch({"dep_delay_min": float("inf")}), 422),
        (batch({"distance_mi": "far"}), 422),
        (batch({"distance_mi": -1}), 422),
        (batch({"scheduled_hour": 24}), 422),
        (batch({"time": "2013-12-05T22:10:00"}), 422),
        (batch({"time": 1e300}), 422),
        (batch({"id": "two\nlines"}), 422),
        (batch({"carrier": "\ud800"}), 422),
        (batch({"tail\ud800": 1}), 422),
        (batch({"tailnum": "N1"}), 422),
    ],
)
def test_what_is_no_batch_is_refused_with_its_reason(address: str, body: bytes, status: int) -> None:
    answered, reason = ask(address, body)
    assert answered == status
    assert reason["detail"]
    assert ask(address, batch({}))[0] == 200


JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.sampled_from(sorted(FLIGHT)) | st.text(), JSON, max_size=4))
def test_no_json_makes_the_server_fail(address: str, change: dict[str, object]) -> None:
    assert ask(address, batch(change))[0] in (200, 413, 422)


@pytest.mark.system
def test_events_carry_what_was_asked_and_answered_and_the_log_tells_of_it(serve, sink) -> None:
    served = serve(sink.address)
    _, answer = ask(served.address, batch({}, {"id": "b", "dep_delay_min": None}))
    served.process.send_signal(signal.SIGTERM)
    assert served.process.wait(10) == 0
    first, second = sink.rows["prediction"]
    assert first["id"] == FLIGHT["id"]
    assert first["time"] == 1_386_281_400_000_000
    assert (first["feature.dep_delay_min"], first["feature.dest"], first["segment.part_of_day"]) == (
        41,
        "BOS",
        "evening",
    )
    assert (first["prediction"], first["score.late"]) == (answer["predictions"][0], answer["late"][0])
    assert first["score.late"] + first["score.on_time"] == pytest.approx(1)
    assert first["trace_id"] == TRACE
    assert 0 < first["latency_s"] < 5
    assert second["feature.dep_delay_min"] is None
    told, warned = served.log.read_text().splitlines()
    assert " INFO predicted flights=2 late=0 event_time=2013-12-05T22:10:00+00:00 took_ms=" in told
    assert " WARNING input_missing feature=dep_delay_min flights=1 first=b " in warned
