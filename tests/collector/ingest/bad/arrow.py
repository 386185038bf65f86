"""Arrow streams that are torn, lie about their size, or hold what no block can."""

import io
from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from tests.collector.ingest.bad.case import Case
from tocsin_collector.ingest.forms.arrow import MEDIA_TYPE


def stream(table: Any, compression: str | None = None, rows: int | None = None) -> bytes:
    """A table as a stream."""
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression=compression)) as writer:
        writer.write_table(table, max_chunksize=rows)
    return sink.getvalue()


def cases() -> Iterator[Case]:
    """Every case of this file."""
    base: dict[str, Any] = {"id": ["a", "b"], "model": ["m", "m"]}
    whole = stream(pa.table(base | {"feature.x": [1.5, None], "features": [{"y": "é"}, None]}))
    for name, body in (
        ("nothing", b""),
        ("text", b"id,model\n1,m\n"),
        ("zeros", bytes(4_000)),
        ("ones", b"\xff" * 4_000),
        ("only the schema's length", whole[:8]),
        ("half a schema", whole[:100]),
        ("an Arrow file in place of a stream", b"ARROW1\0\0" + whole),
        ("a schema of 2 GiB", b"\xff\xff\xff\xff\xff\xff\xff\x7f" + whole[8:]),
        ("a schema of a negative length", b"\xff\xff\xff\xff\x00\x00\x00\x80" + whole[8:]),
        ("feather 1", b"FEA1" + bytes(100)),
        ("Parquet", b"PAR1" + bytes(100)),
    ):
        yield Case(f"arrow: {name}", body, MEDIA_TYPE, "malformed_arrow")
    for name, column in (
        ("lists", pa.array([[1], [2]])),
        ("structs", pa.array([{"a": 1}, {"a": 2}])),
        ("maps", pa.array([[("a", 1)], []], pa.map_(pa.string(), pa.int8()))),
        ("binaries", pa.array([b"a", b"b"])),
        ("binaries of a fixed size", pa.array([b"ab", b"cd"], pa.binary(2))),
        ("durations", pa.array([1, 2], pa.duration("s"))),
        ("times of day", pa.array([1, 2], pa.time64("us"))),
        ("intervals", pa.array([(1, 2, 3), None], pa.month_day_nano_interval())),
        ("list views", pa.array([[1], [2]], pa.list_view(pa.int8()))),
        ("lists of a fixed size", pa.array([[1, 2], [3, 4]], pa.list_(pa.int8(), 2))),
        ("unions", pa.UnionArray.from_sparse(pa.array([0, 0], pa.int8()), [pa.array([1, 2])])),
        ("runs", pa.RunEndEncodedArray.from_arrays([2], [1])),
        ("dictionaries of binaries", pa.array([b"a", b"b"]).dictionary_encode()),
    ):
        yield Case(
            f"arrow: a column of {name}", stream(pa.table(base | {"feature.x": column})), MEDIA_TYPE, "wrong_type"
        )
        yield Case(f"arrow: ids that are {name}", stream(pa.table(base | {"id": column})), MEDIA_TYPE, "wrong_type")
    for name, more, code in (
        ("an unknown column", {"age": [1, 2]}, "unknown_column"),
        ("scores that are texts", {"score.yes": ["a", "b"]}, "wrong_type"),
        ("segments that are floats", {"segment.x": [0.5, 1.5]}, "wrong_type"),
        ("latencies that are texts", {"latency_s": ["a", "b"]}, "wrong_type"),
        ("times that are integers", {"time": [1, 2]}, "wrong_type"),
        ("times that are floats", {"time": [1.5, 2]}, "wrong_type"),
        ("a name of 257 characters", {"feature." + "x" * 249: [1, 2]}, "out_of_range"),
        ("a struct of structs", {"features": [{"a": {"b": 1}}, None]}, "wrong_type"),
        ("a feature twice", {"features": [{"x": 1}, None], "feature.x": [1, 2]}, "duplicate_column"),
        ("a score that is infinite", {"score.yes": [float("inf"), float("nan")]}, "not_finite"),
        ("negative latencies", {"latency_s": [-1, -2]}, "out_of_range"),
        ("seconds beyond the calendar", {"time": pa.array([10**17, 0], pa.timestamp("s"))}, "malformed_arrow"),
        ("times in the year 3000", {"time": pa.array([32503680000] * 2, pa.timestamp("s"))}, "bad_time"),
        ("types that are none", {"type": ["x", "y"]}, "unknown_type"),
        ("labels without a label", {"type": ["label"] * 2}, "missing_field"),
        ("outcomes without a value", {"type": ["outcome"] * 2, "name": ["n"] * 2}, "missing_field"),
        ("vectors of one number", {"feature.e": pa.array([[1.0], [2.0]], pa.list_(pa.float32(), 1))}, "wrong_type"),
        ("vectors of 4,097 numbers", {"feature.e": [[0.5] * 4_097] * 2}, "wrong_type"),
        ("vectors of vectors", {"feature.e": [[[0.5, 1.0]], [[0.5, 1.0]]]}, "wrong_type"),
        ("vectors of texts", {"feature.e": [["a", "b"], ["a", "b"]]}, "wrong_type"),
        ("predictions that are vectors", {"prediction": [[0.5, 1.0]] * 2}, "wrong_type"),
        ("ids that are vectors", {"id": [[0.5, 1.0]] * 2}, "wrong_type"),
        ("no ids", {"id": pa.nulls(2)}, "missing_field"),
        ("no models", {"model": pa.nulls(2)}, "missing_field"),
        ("1,101 columns", {f"feature.{n}": [1, 2] for n in range(1_101)}, "too_many_columns"),
    ):
        yield Case(f"arrow: {name}", stream(pa.table(base | more)), MEDIA_TYPE, code)
    yield Case("arrow: no rows", stream(pa.table(base).slice(0, 0)), MEDIA_TYPE, "no_events")
    yield Case("arrow: 5,000 batches", stream(pa.table({"id": ["a"] * 5_000}), rows=1), MEDIA_TYPE,
               "too_many_batches", 413)  # fmt: skip
    long = pa.table({"id": ["a"], "model": ["m"], "feature.x": ["x" * 30_000_000]})
    for compression in ("zstd", "lz4"):
        yield Case(f"arrow: a bomb of {compression}", stream(long, compression), MEDIA_TYPE, "too_large", 413)
    shared = pa.DictionaryArray.from_arrays(pa.array([0] * 1_000, pa.int8()), ["x" * 60_000])
    rows = {"id": [str(number) for number in range(1_000)], "model": ["m"] * 1_000}
    yield Case("arrow: a dictionary of 60 MB", stream(pa.table(rows | {"feature.x": shared})), MEDIA_TYPE,
               "too_large", 413)  # fmt: skip
    yield Case("arrow: an unknown parameter", whole, MEDIA_TYPE, "unknown_parameter", query=b"modle=m")
    other = pa.table({"id": ["good v1", "good v2", "b"], "model": ["m"] * 3, "feature.e": [[0.5, 1], [0.5, 2], [0.5]]})
    yield Case("arrow: a vector of another length", stream(other), MEDIA_TYPE, "out_of_range", 200, accepted=2)
    half = stream(pa.table({"id": ["good a1", None], "model": ["m", "m"], "feature.x": [1, 1]}))
    yield Case("arrow: one row without an id", half, MEDIA_TYPE, "missing_field", 200, accepted=1)
