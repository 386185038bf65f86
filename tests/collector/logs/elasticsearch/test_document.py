"""A record in its three forms: each two lines of JSON that Elasticsearch can read, with the record's own id."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin_collector.logs.elasticsearch.document import as_it_is, dead_letter, repaired, timestamp
from tocsin_collector.logs.elasticsearch.search import found
from tocsin_collector.logs.elasticsearch.stream import Stream
from tocsin_collector.logs.record import Record, RecordError, record

APP, DEAD = Stream("app", "prod"), Stream("tocsin.deadletter", "prod")
NOW = 1_700_000_000_000_000


def _record(**fields: object) -> Record:
    return record(json.dumps({"message": "m", "@timestamp": 5, "event.id": "i1"} | fields).encode(), NOW)


def _read(lines: str) -> tuple[dict[str, str], dict[str, Any]]:
    action, source, end = lines.split("\n")
    assert end == ""
    pairs: list[str] = []

    def once(members: list[tuple[str, Any]]) -> dict[str, Any]:
        names = [name for name, _ in members]
        pairs.extend(name for name in names if names.count(name) > 1)
        return dict(members)

    document = json.loads(source, object_pairs_hook=once)
    assert pairs == [], "a name stands twice, which Elasticsearch refuses"
    return json.loads(action)["create"], document


def test_a_record_as_it_is_has_its_fields_beside_ours() -> None:
    sent = _record(**{"log.level": "warn", "host.name": "h", "service.name": "s", "event.dataset": "App", "x": [1],
                      "data_stream.namespace": "other", "tocsin.order": 3})  # fmt: skip
    action, document = _read(as_it_is(sent, "i1", APP, 77))
    assert action == {"_index": "logs-app-prod", "_id": "i1"}
    assert document == {
        "@timestamp": "1970-01-01T00:00:05.000000Z", "message": "m", "tocsin.order": 77, "log.level": "warning",
        "host.name": "h", "service.name": "s", "data_stream.type": "logs", "data_stream.dataset": "app",
        "data_stream.namespace": "prod", "event.dataset": "App", "x": [1],
    }  # fmt: skip


def test_a_repaired_record_has_everything_else_as_texts_without_dots() -> None:
    sent = _record(**{"a.b": 1, "a_b": "two", "n": {"deep": [1]}, "trace.id": "t", "log.offset": "no number", "": 0})
    _, document = _read(repaired(sent, "i1", APP, 1))
    assert document["labels"] == {
        "a_b": "1", "a_b_": "two", "n_deep": "[1]", "log_offset": "no number", "_": "0",
    }  # fmt: skip
    assert document["trace.id"] == "t"
    assert document["message"] == "m"


def test_a_dead_letter_holds_the_record_as_a_text_and_the_reason() -> None:
    action, document = _read(dead_letter(_record(x=1), "i1", APP, DEAD, 9, "no\x1bway", NOW))
    assert action == {"_index": "logs-tocsin.deadletter-prod", "_id": "i1"}
    assert document["error.message"] == "no␛way"
    assert document["tocsin.stream"] == "logs-app-prod"
    assert document["@timestamp"] == "2023-11-14T22:13:20.000000Z"
    assert json.loads(document["event.original"])["x"] == 1


@pytest.mark.parametrize(
    ("time_us", "text"), [(0, "1970-01-01T00:00:00.000000Z"), (1_500_000, "1970-01-01T00:00:01.500000Z")]
)
def test_times(time_us: int, text: str) -> None:
    assert timestamp(time_us) == text


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
_NAMES = st.text(max_size=10) | st.sampled_from(
    ["labels", "labels.a", "data_stream.type", "tocsin.order", "tocsin", "event.dataset", "log.offset", "_id", "log"]
)


@given(st.dictionaries(_NAMES, _VALUES, max_size=6), st.text(max_size=20), st.text(min_size=1, max_size=64))
def test_any_record_is_two_lines_of_json_in_each_form(fields: dict[str, Any], message: str, id_: str) -> None:
    sent = None
    with contextlib.suppress(RecordError):
        sent = record(json.dumps({**fields, "message": message}).encode(), NOW)
    if sent is None:
        return
    for lines in (
        as_it_is(sent, id_, APP, 1),
        repaired(sent, id_, APP, 1),
        dead_letter(sent, id_, APP, DEAD, 1, "why", NOW),
    ):
        lines.encode()
        action, document = _read(lines)
        assert action["_id"] == id_
        assert document["tocsin.order"] == 1
    labels = _read(repaired(sent, id_, APP, 1))[1]["labels"]
    assert all(isinstance(value, str) and "." not in name and name.strip() for name, value in labels.items())


@given(st.dictionaries(st.text(min_size=1, max_size=8), st.integers() | st.text(max_size=8), max_size=4))
def test_what_is_found_again_is_what_was_sent(fields: dict[str, Any]) -> None:
    sent = None
    with contextlib.suppress(RecordError):
        sent = record(json.dumps({**fields, "message": "m", "host.name": "h"}).encode(), NOW)
    if sent is None:
        return
    _, document = _read(as_it_is(sent, "i1", APP, 5))
    hits = {"hits": {"total": {"value": 1}, "hits": [{"_id": "i1", "_source": document, "sort": [5]}]}}
    (row,) = found(hits, 10).rows
    assert (row.message, row.host, row.time_s, row.id) == ("m", sent.host, sent.time_us / 1e6, "i1")
    assert row.fields == json.loads(sent.fields)
