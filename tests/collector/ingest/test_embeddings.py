"""Embeddings come in as JSON, Arrow and blocks, are the same event in each, and go out of the journal as they came."""

import io
import json
from array import array

import numpy as np
import pyarrow as pa
import pytest

from tests.collector.ingest.blocks import NOW_S, block
from tests.collector.ingest.served import Collector
from tocsin_collector.frame import frame
from tocsin_collector.ingest import times
from tocsin_collector.ingest.forms.arrow import MEDIA_TYPE as ARROW
from tocsin_collector.ingest.jsonbody import parse_ndjson
from tocsin_collector.ingest.rows import events
from tocsin_collector.ingest.subset import take
from tocsin_schema.block import MEDIA_TYPE, Block, column, encode

ROWS = [[0.1, -2.5, 3e-7], [1.0, 0.0, -0.0], [5.5, 6.5, 7.5]]
TIME = times.text(int(NOW_S * 1e6))


def as_json() -> bytes:
    common = {
        "type": "prediction",
        "project": "shop",
        "model": "credit",
        "version": "3",
        "time": TIME,
        "prediction": "y",
    }
    return json.dumps([common | {"id": str(at), "features": {"e": row}} for at, row in enumerate(ROWS)]).encode()


def as_arrow(kind: pa.DataType) -> bytes:
    count = len(ROWS)
    table = pa.table(
        {
            "id": [str(at) for at in range(count)],
            "time": [TIME] * count,
            "project": ["shop"] * count,
            "model": ["credit"] * count,
            "version": ["3"] * count,
            "prediction": ["y"] * count,
            "feature.e": pa.array(ROWS, kind),
        }
    )
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def as_block() -> Block:
    columns = [
        column("time", [int(NOW_S * 1e6)] * len(ROWS), "time"),
        column("id", [str(at) for at in range(len(ROWS))], "str"),
        column("feature.e", [array("f", row) for row in ROWS]),
        column("prediction", ["y"] * len(ROWS)),
    ]
    return block("prediction", columns)


BODIES = {
    "JSON": ("application/json", as_json()),
    "block": (MEDIA_TYPE, encode(as_block())),
    "fixed lists": (ARROW, as_arrow(pa.list_(pa.float32(), 3))),
    "lists": (ARROW, as_arrow(pa.list_(pa.float64()))),
    "large lists": (ARROW, as_arrow(pa.large_list(pa.float32()))),
}


@pytest.mark.parametrize("first", BODIES)
def test_an_event_is_the_same_in_whatever_form_its_embedding_comes(collector: Collector, first: str) -> None:
    media_type, body = BODIES[first]
    status, answer = collector.post(body, media_type)
    assert (status, answer["accepted"], answer["rejected"]) == (200, len(ROWS), [])
    for media_type, body in BODIES.values():
        assert collector.post(body, media_type)[1]["duplicate"] == len(ROWS)
    (found,) = [part for part, _ in collector.applied]
    values = found.columns["feature.e"]
    assert values.kind == "embedding[3]"
    np.testing.assert_array_equal(values.vectors, np.array(ROWS, np.float32))


def test_the_same_id_with_another_vector_is_a_conflict(collector: Collector) -> None:
    collector.post(as_json(), "application/json")
    changed = json.loads(as_json())[:1]
    changed[0]["features"]["e"][0] = 0.2
    _, answer = collector.post(json.dumps(changed).encode(), "application/json")
    assert [one["code"] for one in answer["rejected"]] == ["conflict"]


def test_vectors_of_several_lengths_in_one_body_are_all_taken(collector: Collector) -> None:
    rows = json.loads(as_json())
    rows[1]["features"]["e"] = [1.0, 2.0]
    status, answer = collector.post(json.dumps(rows).encode(), "application/json")
    assert (status, answer["accepted"]) == (200, 3)
    kinds = {part.columns["feature.e"].kind: part.rows for part, _ in collector.applied}
    assert kinds == {"embedding[3]": 2, "embedding[2]": 1}


def test_events_of_a_block_come_back_from_their_json_bit_by_bit() -> None:
    made = as_block()
    lines = "\n".join(json.dumps(event) for event in events(made)).encode()
    parsed = parse_ndjson(lines, 0)
    assert not parsed.rejected
    again = parsed.blocks[0].block()  # type: ignore[union-attr]
    assert again.columns["feature.e"].data == made.columns["feature.e"].data


def test_a_vector_that_is_no_json_is_left_out_of_the_row() -> None:
    made = as_block()
    made.columns["feature.e"] = column("feature.e", [array("f", [1, float("nan")]), None, array("f", [1, 2])])
    assert [event.get("features") for event in events(made)] == [None, None, {"e": [1.0, 2.0]}]


def test_some_rows_of_a_block_keep_their_vectors() -> None:
    part = take(as_block(), np.array([2, 0]))
    np.testing.assert_array_equal(frame(part).columns["feature.e"].vectors, np.array(ROWS, np.float32)[[2, 0]])
