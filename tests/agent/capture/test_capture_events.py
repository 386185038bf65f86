"""Rows on their way to an endpoint that works, fails, lies or is not there."""

import logging
import multiprocessing
import socket
import threading
from collections import Counter
from datetime import UTC, datetime

import numpy as np
import pytest

from tests.agent.capture.test_capture_asgi import START, answering, run
from tocsin_agent.capture import Capture
from tocsin_agent.capture.outbox import MAX_PENDING_BYTES, Outbox
from tocsin_agent.capture.rows import MAX_ROWS
from tocsin_schema.block import encode


def dropped(capture, reason):
    return capture._worker.counts.get("rows_dropped", reason)


def test_a_row_arrives_as_it_was_given(capture, sink):
    made = capture.prediction(
        features={"age": 41, "city": "Lyon"},
        prediction="yes",
        scores={"yes": 0.81},
        segment={"country": "fr"},
        latency_s=0.004,
        time=datetime(2026, 11, 23, 10, tzinfo=UTC),
        trace_id="t",
    )
    capture.label(made, "no", time=1.5)
    capture.outcome(made, "conversion", 1)
    assert capture.flush(5)
    blocks = {block.type: block for block in sink.blocks.values()}
    found = {name: column.to_list() for name, column in blocks["prediction"].columns.items()}
    assert found == {
        "id": [made],
        "time": [1795428000000000],
        "prediction": ["yes"],
        "feature.age": [41],
        "feature.city": ["Lyon"],
        "score.yes": [0.81],
        "segment.country": ["fr"],
        "latency_s": [0.004],
        "trace_id": ["t"],
    }
    assert {block.model for block in blocks.values()} == {"credit"}
    assert blocks["label"].columns["label"].to_list() == ["no"]
    assert blocks["label"].columns["time"].to_list() == [1_500_000]
    assert blocks["outcome"].columns["value"].to_list() == [1.0]
    assert sink.paths == {"/v1/events"}


def test_changing_the_callers_mappings_afterwards_does_not_change_the_event(capture, sink):
    features, scores, segment = {"age": 41, "city": "Lyon"}, {"yes": 0.8}, {"country": "fr"}
    for name in ("first", "second"):
        capture.prediction(id=name, features=features, prediction="yes", scores=scores, segment=segment, time=1)
        features |= {"age": 0, "city": "", "new": 1}
        scores.clear()
        segment["country"] = "de"
    assert capture.flush(5)
    found = {}
    for block in sink.blocks.values():  # one, or one each
        columns = {name: column.to_list() for name, column in block.columns.items()}
        for row, name in enumerate(columns.pop("id")):
            found[name] = {of: values[row] for of, values in columns.items() if values[row] is not None}
    both = {"time": 1_000_000, "prediction": "yes"}
    assert found == {
        "first": both | {"feature.age": 41, "feature.city": "Lyon", "score.yes": 0.8, "segment.country": "fr"},
        "second": both | {"feature.age": 0, "feature.city": "", "feature.new": 1, "segment.country": "de"},
    }


def test_columns_become_rows_and_are_copied(capture, sink):
    age = np.array([1.0, 2.0, np.nan])
    ids = capture.predictions(
        features={"age": age, "city": ["a", "b", None]}, prediction=[0, 1, 1], segment={"zone": "x"}
    )
    age[:] = 9
    capture.prediction(id="last", features={"age": 4})
    assert capture.flush(5)
    found = dict(zip(sink.rows(), sink.rows("feature.age"), strict=True))
    assert found == {ids[0]: 1.0, ids[1]: 2.0, ids[2]: None, "last": 4.0}
    assert sorted(map(str, sink.rows("segment.zone"))) == ["None", "x", "x", "x"]


def test_features_changed_after_the_call_are_sent_as_they_were(capture, sink):
    features = {"age": 1}
    capture.prediction(id="a", features=features)
    features["age"] = 2
    assert capture.flush(5)
    assert sink.rows("feature.age") == [1]


@pytest.mark.parametrize(
    "call",
    [
        lambda capture: capture.predictions(ids=["a"], prediction=[1, 2]),
        lambda capture: capture.prediction(features=5),
        lambda capture: capture.label(None, "yes"),
        lambda capture: capture.label("a", None),
        lambda capture: capture.outcome("a", "n", None),
        lambda capture: capture.prediction(scores=object()),
    ],
)
def test_a_wrong_call_raises_nothing_is_counted_and_spoils_nothing(capture, sink, call, caplog):
    with caplog.at_level(logging.WARNING):
        call(capture)
        capture.label("good", 1)
        assert capture.flush(5)
    assert sink.rows() == ["good"]
    assert dropped(capture, "invalid") == 1
    assert "capture_error" in caplog.text


class Nameless:
    def __str__(self):
        raise RuntimeError("no name")


def test_a_row_that_cannot_be_handled_takes_none_beside_it_along(capture, sink):
    for number in range(20):
        capture.prediction(id=f"p{number}", features={"x": number} if number % 7 else {Nameless(): 1})
    capture.predictions(ids=["b0", "b1"], features={"x": [1, 2]})
    assert capture.flush(5)
    assert sorted(sink.rows()) == sorted([f"p{number}" for number in range(20) if number % 7] + ["b0", "b1"])
    assert dropped(capture, "invalid") == 3


def test_a_wrong_call_gives_the_id_and_says_what_was_wrong(capture, caplog):
    assert capture.prediction(id="a", scores=[0.1, 0.9]) == "a"
    assert capture.predictions(ids="a", prediction=[1, 2]) == []
    capture.label("b", 1, time="soon")
    with caplog.at_level(logging.WARNING):
        assert capture.flush(5)
    assert dropped(capture, "invalid") == 3
    capture.close()
    assert "label: 1 of 1 rows left out; a time in epoch seconds or a datetime is needed" in caplog.text


def test_rows_of_a_batch_without_an_id_get_one(capture, sink):
    when = np.array(["2026-11-27T10:00:00"] * 3, "datetime64[ns]")
    made = capture.predictions(ids=["a", None, None], prediction=[1, 2, 3], time=when)
    assert made[0] == "a"
    assert len(set(made)) == 3
    assert capture.flush(5)
    assert sink.rows() == made
    assert sink.rows("time") == [1795773600000000] * 3


def test_no_block_is_larger_than_what_a_proxy_takes(capture, sink):
    for number in range(600):
        capture.prediction(id=f"p{number}", features={"text": f"{number}" * 2000})
    assert capture.flush(20)
    assert len(set(sink.rows())) == 600
    assert max(len(encode(block)) for block in sink.blocks.values()) < 1 << 20


def test_a_child_of_multiprocessing_sends_what_it_has_at_its_end(sink):
    context = multiprocessing.get_context("fork")
    child = context.Process(target=_record, args=(sink.url,))
    child.start()
    child.join(30)
    assert child.exitcode == 0
    assert sorted(sink.rows()) == ["a", "b"]


def _record(url):
    child = Capture(model="m", endpoint=url, runtime_dir="")
    child.label("a", 1)
    child.label("b", 1)


def test_every_row_is_there_once_whatever_the_endpoint_does(capture, sink):
    sink.script = [500, "reset", 429, "lost", "slow", "close", 503, "lost"]
    for number in range(50):
        capture.prediction(id=f"p{number}")
        if number % 10 == 0:
            assert capture.flush(10)
    assert capture.flush(10)
    assert sink.script == []
    assert Counter(sink.rows()) == Counter(f"p{number}" for number in range(50))
    assert len(sink.posts) > len(set(sink.posts)), "a lost answer must make a repetition under the same number"
    assert capture._worker.counts.get("rows", "prediction") == 50


@pytest.mark.parametrize("status", [400, 404, 413, 422])
def test_a_refused_block_is_dropped_counted_and_told(capture, sink, status, caplog):
    sink.script = [status]
    capture.label("bad", 1)
    with caplog.at_level(logging.WARNING):
        assert capture.flush(5)
    capture.label("good", 1)
    assert capture.flush(5)
    assert sink.rows() == ["good"]
    assert dropped(capture, "refused") == 1
    assert f"capture_block_refused times=1 rows=1 reason={status}" in caplog.text


def test_rejected_rows_are_counted(capture, sink):
    sink.answer = b'{"accepted":0,"duplicate":0,"rejected":[{"row":0,"code":"conflict","reason":"x"}]}'
    capture.label("a", 1)
    assert capture.flush(5)
    assert dropped(capture, "rejected") == 1


def test_rejected_rows_that_an_answer_does_not_list_are_counted(capture, sink):
    row = b'{"row":0,"code":"conflict","reason":"x"}'
    sink.answer = b'{"accepted":9,"duplicate":0,"rejected":[%b],"rejected_count":500}' % row
    capture.label("a", 1)
    assert capture.flush(5)
    assert dropped(capture, "rejected") == 500


@pytest.mark.parametrize(
    "answer",
    [b"", b"[]", b"not json", b"[" * 5000, b'{"rejected":7}', b'{"rejected":[1],"rejected_count":"x"}'],
)
def test_any_answer_with_200_is_an_acknowledgement(capture, sink, answer):
    sink.answer = answer
    capture.label("a", 1)
    assert capture.flush(5)
    assert capture._worker.counts.get("blocks_sent", "ok") == 1


def test_a_full_queue_drops_and_counts(capture, sink):
    capture._worker.running = True  # nobody takes yet
    for number in range(MAX_ROWS + 3):
        capture.label(number, 1)
        capture.prediction(number)
    assert capture.predictions(ids=["more", "and more"], prediction=[1, 2]) == ["more", "and more"]
    assert dropped(capture, "full") == 8
    capture._worker.running = False
    capture._worker.start()
    assert capture.flush(20)
    assert len(sink.rows()) == 2 * MAX_ROWS
    capture.label("there is room again", 1)
    assert capture.flush(5)
    assert "there is room again" in sink.rows()


def test_the_oldest_blocks_go_when_too_many_wait():
    from tocsin_agent.capture.counts import Counts

    counts, told = Counts(), []
    with socket.create_server(("127.0.0.1", 0)) as silent:
        outbox = Outbox(
            f"http://127.0.0.1:{silent.getsockname()[1]}", counts, lambda event, **fields: told.append(event)
        )
        outbox.start()
        for _ in range(9):
            outbox.put(bytes(MAX_PENDING_BYTES // 4), 10)
        assert not outbox.drain(0.0)
        assert counts.get("rows_dropped", "pending") in (40, 50)  # one may be on its way already
        silent.close()
        outbox.stop(10)
    assert counts.get("rows_dropped", "pending") + counts.get("rows_dropped", "closed") == 90


def test_an_endpoint_that_never_accepts_fails_and_blocks_no_request(tmp_path):
    with socket.create_server(("127.0.0.1", 0), backlog=1) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        capture = Capture(model="m", endpoint=address, runtime_dir=str(tmp_path))
        threads = set()

        async def app(scope, receive, send):
            threads.add(threading.get_ident())
            capture.prediction(features={"x": 1}, prediction=2)
            await answering(START, {"type": "http.response.body", "body": b"ok"})(scope, receive, send)

        observed = capture.asgi(app)
        for _ in range(1000):
            assert len(run(observed).sent) == 2
        assert threads == {threading.get_ident()}
        assert not capture.flush(0.2)
        # Only the two background threads are there, and the one that sends is the one that waits for the endpoint.
        names = sorted(thread.name for thread in threading.enumerate() if thread.name.startswith("tocsin"))
        assert names == ["tocsin-capture", "tocsin-capture-send"]
    capture.close(0.1)


def test_a_closed_capture_does_nothing_and_a_second_one_goes_on(sink, tmp_path):
    first = Capture(model="a", endpoint=sink.url, runtime_dir=str(tmp_path))
    second = Capture(model="b", endpoint=sink.url, runtime_dir=str(tmp_path))
    first.label("1", 1)
    assert first.close()
    first.label("2", 1)
    second.label("3", 1)
    assert second.close()
    assert sorted(sink.rows()) == ["1", "3"]
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("tocsin")]


@pytest.mark.parametrize(
    "names", [{"model": ""}, {"model": None}, {"model": "x" * 257}, {"model": "m", "version": 3}, {"model": "a\nb"}]
)
def test_a_name_that_is_none_is_refused_at_once(names):
    with pytest.raises(ValueError, match="Capture"):
        Capture(**names)


def test_a_wrong_address_disables_events_and_is_told(caplog):
    with caplog.at_level(logging.WARNING):
        capture = Capture(model="m", endpoint="localhost:10300", runtime_dir="")
    assert "capture_disabled" in caplog.text
    capture.label("a", 1)
    assert capture.close()


def test_many_threads_lose_no_row(capture, sink):
    def work(name):
        for number in range(200):
            capture.label(f"{name}-{number}", number)

    threads = [threading.Thread(target=work, args=(name,)) for name in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert capture.flush(10)
    assert Counter(sink.rows()) == Counter(f"{name}-{number}" for name in range(8) for number in range(200))


def test_an_address_that_cannot_be_used_costs_its_rows_only(caplog):
    capture = Capture(model="m", endpoint="http://127.0.0.1:port", runtime_dir="")
    worker = capture._worker
    capture.label("a", 1)
    assert not capture.close(0.5)
    assert worker.counts.get("rows_dropped", "closed") == 1
    assert "capture_endpoint_unavailable" in caplog.text
