"""Arrow IPC streams through the real server: what each type becomes, and what is refused by name."""

import contextlib
import datetime as dt
import decimal
import io
import json
import subprocess
import sys
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.collector.ingest.served import Collector
from tocsin_collector.ingest.answer import Refusal
from tocsin_collector.ingest.arrowsize import inflated_bytes
from tocsin_collector.ingest.form import Given
from tocsin_collector.ingest.forms.arrow import MEDIA_TYPE, parse
from tocsin_collector.ingest.pairs import Pairs

BASE = {"id": ["a", "b", "c"], "model": ["credit"] * 3}


def stream(table: pa.Table, compression: str | None = None, rows: int | None = None) -> bytes:
    sink = io.BytesIO()
    options = pa.ipc.IpcWriteOptions(compression=compression)
    with pa.ipc.new_stream(sink, table.schema, options=options) as writer:
        writer.write_table(table, max_chunksize=rows)
    return sink.getvalue()


def parsed(body: bytes, most_bytes: int = 1 << 20) -> dict[str, list[object]]:
    """The columns of the only block of a stream."""
    (block,) = parse(body, Given({}, {}, 7, most_bytes, Pairs())).blocks
    return {name: column.to_list() for name, column in block.columns.items()}


def one(values: Any, name: str = "feature.x") -> tuple[str, list[object]]:
    """Dtype and values of a column in the block that the stream becomes."""
    found = parse(stream(pa.table(BASE | {name: values})), Given({}, {}, 7, 1 << 20, Pairs()))
    column = found.blocks[0].columns[name]
    return column.dtype, column.to_list()


def refused(body: bytes, most_bytes: int = 1 << 20) -> tuple[int, str, str]:
    with pytest.raises(Refusal) as caught:
        parsed(body, most_bytes)
    return caught.value.status, caught.value.code, caught.value.reason


def test_a_table_of_predictions_is_taken_and_known_when_it_comes_again(collector: Collector) -> None:
    table = pa.table(BASE | {"feature.age": [41, None, 7], "prediction": ["yes", "no", "no"], "score.yes": [1.0, 0, 0]})
    status, answer = collector.post(stream(table, rows=2), MEDIA_TYPE)
    assert (status, answer["accepted"], answer["rejected"]) == (200, 3, [])
    assert collector.post(stream(table), MEDIA_TYPE)[1]["duplicate"] == 3
    (frame,) = [frame for frame, _ in collector.applied]
    assert (frame.key.model, list(frame.ids)) == ("credit", ["a", "b", "c"])
    assert frame.columns["feature.age"].valid.tolist() == [True, False, True]


def test_an_event_is_the_same_in_arrow_and_as_json(collector: Collector) -> None:
    collector.post_json(
        {"type": "prediction", "model": "credit", "id": "a", "prediction": "yes", "features": {"age": 41, "at": None}}
    )
    table = pa.table(
        {"id": ["a"], "prediction": ["yes"], "features": [{"age": 41.0, "at": None}], "model": ["credit"]},
        pa.schema(
            {
                "id": pa.large_string(),
                "prediction": pa.dictionary(pa.int8(), pa.string()),
                "features": pa.struct({"age": pa.float32(), "at": pa.null()}),
                "model": pa.string(),
            }
        ),
    )
    assert collector.post(stream(table), MEDIA_TYPE)[1]["duplicate"] == 1


def test_model_and_type_may_stand_in_the_query(collector: Collector) -> None:
    body = stream(pa.table({"id": ["a"], "label": [True]}))
    status, _, answer = collector.request("POST", body, MEDIA_TYPE, path="/v1/events?type=label&model=m&version=2")
    assert (status, json.loads(answer)["accepted"]) == (200, 1)
    frame, _ = collector.applied[0]
    assert (frame.type, frame.key) == ("label", ("default", "m", "2"))


def test_rows_of_several_models_become_blocks_of_their_own(collector: Collector) -> None:
    table = pa.table({"id": ["1", "2", "3", "4"], "model": ["a", "b", "a", None], "feature.x": [1, 2, 3, 4]})
    status, answer = collector.post(stream(table), MEDIA_TYPE)
    assert (status, answer["accepted"]) == (200, 3)
    assert [(item["row"], item["code"]) for item in answer["rejected"]] == [(3, "missing_field")]
    assert [(frame.key.model, list(frame.ids)) for frame, _ in collector.applied] == [("a", ["1", "3"]), ("b", ["2"])]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (pa.array([1, None, 3], pa.int8()), ("i64", [1, None, 3])),
        (pa.array([1, 2, 2**63], pa.uint64()), ("f64", [1.0, 2.0, 2.0**63])),
        (pa.array([1, 2, 3], pa.uint64()), ("i64", [1, 2, 3])),
        (pa.array([1.5, None, float("inf")], pa.float16()), ("f64", [1.5, None, float("inf")])),
        (pa.array([decimal.Decimal("1.25"), None, decimal.Decimal(-3)]), ("f64", [1.25, None, -3.0])),
        (pa.array([True, None, False]), ("bool", [True, None, False])),
        (pa.array(["x", None, "é"]), ("str", ["x", None, "é"])),
        (pa.array(["x", None, "é"], pa.large_string()), ("str", ["x", None, "é"])),
        (pa.array(["x", None, "x" * 13]).cast(pa.string_view()), ("str", ["x", None, "x" * 13])),
        (pa.array(["x", None, "x"]).dictionary_encode(), ("dict", ["x", None, "x"])),
        (pa.array([1, None, 1]).dictionary_encode(), ("i64", [1, None, 1])),
        (pa.array([1001, None, 2999], pa.timestamp("ns")), ("time", [1, None, 2])),
        (pa.array([1, None, 2], pa.timestamp("s", "Europe/Paris")), ("time", [1_000_000, None, 2_000_000])),
        (pa.array([dt.date(1970, 1, 2), None, dt.date(1970, 1, 1)]), ("time", [86_400_000_000, None, 0])),
        (pa.array([1, 2, 3], pa.int64()).slice(0), ("i64", [1, 2, 3])),
    ],
)  # fmt: skip
def test_each_type_has_its_column(values: pa.Array, expected: tuple[str, list[object]]) -> None:
    assert one(values) == expected


def test_ids_that_are_integers_are_texts_and_times_that_are_texts_are_read() -> None:
    found = parsed(stream(pa.table({"id": [1, 2], "model": ["m", "m"], "time": ["2026-11-23T10:00:00Z", None]})))
    assert (found["id"], found["time"]) == (["1", "2"], [1_795_428_000_000_000, 7])


def test_a_time_that_is_missing_is_that_of_the_receipt_and_the_first_moment_is_none() -> None:
    assert parsed(stream(pa.table(BASE | {"time": pa.array([0, None, 1], pa.timestamp("us"))})))["time"] == [0, 7, 1]
    for values in ([1, None, 3], [1.5, None, 2], [True, None, False]):
        found = parse(stream(pa.table(BASE | {"time": values})), Given({}, {}, 7, 1 << 20, Pairs()))
        assert found.blocks[0].columns["time"].dtype != "time"


def test_a_column_without_a_value_is_left_out() -> None:
    table = pa.table(BASE | {"feature.x": pa.nulls(3), "feature.y": pa.array([None] * 3, pa.int32())})
    assert set(parsed(stream(table))) == {"time", "id"}


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (pa.list_(pa.int8()), [[1]]),
        (pa.struct({"x": pa.int8()}), [{"x": 1}]),
        (pa.map_(pa.string(), pa.int8()), [[("x", 1)]]),
        (pa.binary(), [b"x"]),
        (pa.duration("s"), [1]),
        (pa.time32("s"), [1]),
        (pa.month_day_nano_interval(), [(1, 1, 1)]),
        (pa.list_view(pa.int8()), [[1]]),
        (pa.binary(3), [b"abc"]),
    ],
)
def test_what_no_column_can_hold_is_refused_by_name(kind: pa.DataType, values: list[object]) -> None:
    table = pa.table({"id": ["a"], "model": ["m"], "feature.odd": pa.array(values, kind)})
    status, code, reason = refused(stream(table))
    assert (status, code) == (400, "wrong_type")
    assert "'feature.odd'" in reason
    assert str(kind) in reason


def test_segments_are_texts() -> None:
    table = pa.table({"id": ["a"], "model": ["m"], "segment": [{"share": 0.5}]})
    assert refused(stream(table))[1:] == (
        "wrong_type", "column 'segment.share': text or integers are needed, found double"
    )  # fmt: skip


@pytest.mark.parametrize("compression", [None, "zstd", "lz4"])
def test_what_a_stream_becomes_in_memory_is_bounded(compression: str | None) -> None:
    body = stream(pa.table({"id": ["a"] * 2_000, "model": ["m"] * 2_000}), compression)
    assert len(parsed(body, 100_000)["id"]) == 2_000
    assert refused(body, 20_000)[:2] == (413, "too_large")


def test_a_bomb_of_compressed_zeros_is_told_before_it_is_made() -> None:
    table = pa.table({"id": ["a"], "model": ["m"], "feature.x": ["x" * 40_000_000]})
    body = stream(table, "zstd")
    assert len(body) < 20_000
    assert refused(body)[:2] == (413, "too_large")


def test_a_dictionary_that_many_rows_share_is_counted_for_each() -> None:
    long = pa.DictionaryArray.from_arrays(pa.array([0] * 1_000, pa.int8()), ["x" * 60_000])
    table = pa.table({"id": [str(n) for n in range(1_000)], "model": ["m"] * 1_000, "feature.x": long})
    assert refused(stream(table))[:2] == (413, "too_large")
    views = pa.array(["x" * 5_000] * 2_000).cast(pa.string_view())
    assert refused(stream(pa.table({"id": ["a"] * 2_000, "feature.x": views})))[0] == 413


def test_a_text_that_is_too_long_refuses_its_row_alone() -> None:
    table = pa.table({"id": ["a", "b"], "model": ["m", "m"], "feature.x": ["x" * 65_537, "y"]})
    found = parse(stream(table), Given({}, {}, 7, 1 << 20, Pairs()))
    assert [(item.row, item.code) for item in found.rejected] == [(0, "out_of_range")]
    assert found.blocks[0].columns["feature.x"].to_list() == ["y"]
    assert list(found.rows[0]) == [1]


def test_a_stated_length_counts_even_when_it_lies() -> None:
    body = bytearray(stream(pa.table({"id": ["a" * 500], "model": ["m"]}), "zstd"))
    message = list(pa.ipc.MessageReader.open_stream(bytes(body)))[1]
    raw = bytearray(memoryview(message.body))
    (at,) = (at for at in range(0, len(raw), 8) if raw[at : at + 8] == (500).to_bytes(8, "little"))
    raw[at : at + 8] = (1 << 62).to_bytes(8, "little")
    assert inflated_bytes(message.metadata.to_pybytes(), memoryview(raw)) > 1 << 61


def test_a_stream_that_is_cut_anywhere_is_refused_or_shorter() -> None:
    body = stream(pa.table(BASE | {"feature.x": [1, 2, 3]}), rows=1)
    for length in range(0, len(body), 5):
        with contextlib.suppress(Refusal):
            assert set(parsed(body[:length])["id"]) <= {"a", "b", "c"}


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from([None, "zstd", "lz4"]),
    st.lists(st.tuples(st.integers(0, 2_000), st.integers(0, 4), st.binary(max_size=4)), min_size=1, max_size=4),
)
def test_no_mutation_raises_anything_but_a_refusal(
    compression: str | None, edits: list[tuple[int, int, bytes]]
) -> None:
    features = pa.array([{"age": 1.5, "city": "x"}, None, {"age": None, "city": "y"}])
    more = {"features": features, "prediction": pa.array(["a", "b", "a"]).dictionary_encode()}
    body = stream(pa.table(BASE | more), compression)
    for at, cut, junk in edits:
        body = body[:at] + junk + body[at + cut :]
    with contextlib.suppress(Refusal):
        parse(body, Given({}, {}, 7, 1 << 20, Pairs()))


def test_without_pyarrow_the_answer_says_what_to_install() -> None:
    program = (
        "import sys; sys.modules['pyarrow'] = None\n"
        "from tocsin_collector.ingest.answer import Refusal\n"
        "from tocsin_collector.ingest.form import Given, forms_by_media_type\n"
        "try: forms_by_media_type()['application/vnd.apache.arrow.stream'].parse(b'', Given({}, {}, 0, 9, None))\n"
        "except Refusal as refusal: print(refusal.status, refusal)\n"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert told.stdout == (
        "415 content-type application/vnd.apache.arrow.stream: this collector lacks a package for it; "
        "pip install 'tocsin[arrow]'\n"
    )


def test_nothing_imports_pyarrow_before_a_stream_comes() -> None:
    program = "import sys, tocsin_collector.web, tocsin_collector.ingest.openapi as o; print('pyarrow' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert told.stdout == "False\n"
