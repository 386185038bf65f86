"""The middleware over a bare ASGI application driven by hand."""

import asyncio
import re

import pytest

from tests.agent.capture.wire import Wire, http_scope
from tocsin_agent.capture import Capture
from tocsin_agent.capture.layout import DURATION, FIRST, OUTCOME, SLOT_WORDS, parse
from tocsin_agent.capture.series import OUTCOMES

START = {"type": "http.response.start", "status": 200, "headers": []}
TRACE = "0af7651916cd43dd8448eb211c80319c"


def counted(capture, tmp_path):
    """What the worker's file says after a flush: {(route, outcome): n}, and how many times to the first byte."""
    assert capture.flush(5)
    (file,) = (tmp_path / "run").glob("*.tocsin")
    found, first = {}, 0
    for key, words in parse(file.read_bytes()).series.items():
        assert key[:3] == ("shop", "credit", "3")
        assert sum(words[OUTCOME : OUTCOME + 4]) == sum(words[DURATION:FIRST])
        found |= {(key[3], name): words[OUTCOME + i] for i, name in enumerate(OUTCOMES) if words[OUTCOME + i]}
        first += sum(words[FIRST:SLOT_WORDS])
    return found, first


def run(app, scope=None, wire=None):
    wire = wire or Wire()
    asyncio.run(app(scope or http_scope(), wire.receive, wire.send))
    return wire


def answering(*messages):
    async def app(scope, receive, send):
        for message in messages:
            await send(message)

    return app


@pytest.mark.parametrize(
    ("status", "outcome"), [(200, "ok"), (302, "ok"), (404, "client_error"), (503, "server_error")]
)
def test_the_status_decides_the_outcome(capture, tmp_path, status, outcome):
    messages = ({**START, "status": status}, {"type": "http.response.body", "body": b"x"})
    assert run(capture.asgi(answering(*messages))).sent == list(messages)
    assert counted(capture, tmp_path) == ({("_other", outcome): 1}, 1)


def test_a_stream_passes_message_by_message(capture, tmp_path):
    chunks = [{"type": "http.response.body", "body": b"%d" % i, "more_body": True} for i in range(5)]
    messages = [START, *chunks, {"type": "http.response.body", "body": b"", "more_body": False}]
    assert run(capture.asgi(answering(*messages))).sent == messages
    assert counted(capture, tmp_path) == ({("_other", "ok"): 1}, 1)


def test_an_exception_is_raised_untouched_and_counted(capture, tmp_path):
    error = ZeroDivisionError("mine")

    async def app(scope, receive, send):
        raise error

    with pytest.raises(ZeroDivisionError) as raised:
        run(capture.asgi(app))
    assert raised.value is error
    assert counted(capture, tmp_path) == ({("_other", "server_error"): 1}, 0)


def test_a_failure_after_the_answer_does_not_change_what_the_client_got(capture, tmp_path):
    async def app(scope, receive, send):
        await answering(START, {"type": "http.response.body", "body": b"x"})(scope, receive, send)
        raise RuntimeError("a background task")

    with pytest.raises(RuntimeError):
        run(capture.asgi(app))
    assert counted(capture, tmp_path)[0] == {("_other", "ok"): 1}


def test_an_answer_broken_off_and_a_cancelled_task_are_cancelled(capture, tmp_path):
    run(capture.asgi(answering(START, {"type": "http.response.body", "body": b"x", "more_body": True})))

    async def waits(scope, receive, send):
        await asyncio.Event().wait()

    async def cancel():
        wire = Wire()
        task = asyncio.create_task(capture.asgi(waits)(http_scope(), wire.receive, wire.send))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancel())
    assert counted(capture, tmp_path) == ({("_other", "cancelled"): 2}, 1)


def test_no_answer_at_all_is_a_server_error(capture, tmp_path):
    run(capture.asgi(answering()))
    assert counted(capture, tmp_path) == ({("_other", "server_error"): 1}, 0)


def test_a_send_that_fails_fails_the_application_with_the_same_error(capture, tmp_path):
    error = OSError("the client has gone")
    with pytest.raises(OSError, match="gone") as raised:
        run(capture.asgi(answering(START)), wire=Wire(fails=error))
    assert raised.value is error


def test_lifespan_websocket_and_probes_pass_untouched(capture, tmp_path):
    seen = []

    async def app(scope, receive, send):
        seen.append((scope, receive, send))

    wire = Wire()
    wire_receive, wire_send = wire.receive, wire.send
    scopes = [{"type": "lifespan"}, {"type": "websocket", "path": "/predict"}, http_scope("/health")]
    for scope in scopes:
        asyncio.run(capture.asgi(app)(scope, wire_receive, wire_send))
    assert [entry[0] for entry in seen] == scopes
    assert all(entry[1:] == (wire_receive, wire_send) for entry in seen)
    assert counted(capture, tmp_path) == ({}, 0)


def test_messages_that_are_none_reach_the_server_and_are_counted(capture, tmp_path):
    assert run(capture.asgi(answering({}, {"type": "http.response.start"}))).sent == [
        {},
        {"type": "http.response.start"},
    ]
    assert counted(capture, tmp_path)[0] == {("_other", "server_error"): 1}
    assert capture._worker.counts.get("errors") == 2


def test_routes_are_templates_and_bounded(capture, tmp_path):
    class Route:
        def __init__(self, path):
            self.path = path

    async def app(scope, receive, send):
        scope["route"] = Route(scope["path"] if scope["path"] != "/long" else "x" * 1000)
        await answering(START, {"type": "http.response.body"})(scope, receive, send)

    observed = capture.asgi(app)
    for number in range(40):
        run(observed, http_scope(f"/r{number}"))
    run(observed, http_scope("/long"))
    found, _ = counted(capture, tmp_path)
    assert sum(found.values()) == 41
    assert len(found) == 24
    assert found["/r0", "ok"] == 1
    assert found["_other", "ok"] == 18
    assert capture._worker.counts.get("observations_folded") == 17


def test_a_prediction_takes_trace_and_duration_from_its_request(capture, sink):
    async def app(scope, receive, send):
        assert capture.trace_id() == TRACE
        capture.prediction(id="a", prediction=1)
        capture.predictions(ids=["b", "c"], prediction=[1, 2])
        await asyncio.to_thread(capture.prediction, id="d")
        capture.prediction(id="e", latency_s=2.0, trace_id="mine")
        await answering(START, {"type": "http.response.body"})(scope, receive, send)

    header = (b"traceparent", f"00-{TRACE}-b7ad6b7169203331-01".encode())
    run(capture.asgi(app), http_scope(headers=[header]))
    assert capture.trace_id() is None
    assert capture.flush(5)
    rows = {
        row: (latency, trace)
        for row, latency, trace in zip(sink.rows(), sink.rows("latency_s"), sink.rows("trace_id"), strict=True)
    }
    assert rows.pop("e") == (2.0, "mine")
    assert set(rows) == set("abcd")
    assert {trace for _, trace in rows.values()} == {TRACE}
    assert len({latency for latency, _ in rows.values()}) == 1
    assert 0 < rows["a"][0] < 5


def test_without_a_valid_traceparent_an_id_is_made_and_stays(capture):
    seen = []

    async def app(scope, receive, send):
        seen.append(capture.trace_id())
        seen.append(await asyncio.to_thread(capture.trace_id))

    run(capture.asgi(app), http_scope(headers=[(b"traceparent", b"00-nonsense")]))
    assert seen[0] == seen[1]
    assert re.fullmatch("[0-9a-f]{32}", seen[0])


def test_rows_of_an_open_request_wait_for_its_end(capture, sink):
    async def talk():
        wire, go = Wire(), asyncio.Event()

        async def app(scope, receive, send):
            capture.prediction(id="early")
            await go.wait()
            await answering(START, {"type": "http.response.body"})(scope, receive, send)

        task = asyncio.create_task(capture.asgi(app)(http_scope(), wire.receive, wire.send))
        await asyncio.sleep(0)
        assert capture._events.waiting["prediction"].take() == ([], [])
        go.set()
        await task

    asyncio.run(talk())
    assert capture.flush(5)
    assert sink.rows() == ["early"]
    assert sink.rows("latency_s")[0] > 0


def test_in_flight_is_what_has_not_ended(capture, tmp_path):
    seen = []

    async def app(scope, receive, send):
        assert await asyncio.to_thread(capture.flush, 5)
        (file,) = (tmp_path / "run").glob("*.tocsin")
        seen.append(parse(file.read_bytes()).series["shop", "credit", "3", "_other"][0])

    run(capture.asgi(app))
    assert seen == [1]
    assert capture.flush(5)
    (file,) = (tmp_path / "run").glob("*.tocsin")
    assert parse(file.read_bytes()).series["shop", "credit", "3", "_other"][0] == 0


def test_without_addresses_nothing_happens(monkeypatch):
    monkeypatch.delenv("TOCSIN_ENDPOINT", raising=False)
    monkeypatch.delenv("TOCSIN_RUNTIME_DIR", raising=False)
    capture = Capture(model="m")
    app = answering(START)

    def plain():
        return 1

    assert capture.asgi(app) is app
    assert capture.watch()(plain) is plain
    assert capture.prediction(id=5, prediction=1) == "5"
    assert len(capture.predictions(prediction=[1, 2])) == 2
    capture.label("5", 1)
    capture.outcome("5", "x", 1)
    assert capture.flush()
    assert capture.close()
