"""A block as an Arrow table has the block's values, whatever their kind."""

import math
from array import array

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.collector.ingest.blocks import block
from tocsin_collector.compaction.arrays import fitting, gathered, table, types
from tocsin_schema.block import column, decode, encode

TEXT = st.text(st.characters(codec="utf-8"), max_size=9)
KINDS: dict[str, st.SearchStrategy[object]] = {
    "f64": st.floats(),
    "i64": st.integers(-(1 << 63), (1 << 63) - 1),
    "bool": st.booleans(),
    "str": TEXT,
    "dict": TEXT,
    "f32[3]": st.lists(st.floats(width=32, allow_nan=False), min_size=3, max_size=3).map(lambda row: array("f", row)),
}


@settings(max_examples=40)
@given(st.integers(1, 20), st.data())
def test_every_value_is_the_same(rows: int, data: st.DataObject) -> None:
    times = data.draw(st.lists(st.integers(0, 1 << 52), min_size=rows, max_size=rows))
    columns = [column("time", list(times), "time"), column("id", [str(n) for n in range(rows)], "str")]
    for kind, values in KINDS.items():
        drawn = data.draw(st.lists(st.none() | values, min_size=rows, max_size=rows))
        columns.append(column(f"feature.{kind}", drawn, kind))
    whole = decode(encode(block("prediction", columns)))
    for found in (table(whole), gathered([whole], types(whole))):
        found.validate(full=True)
        assert found["version"].to_pylist() == ["3"] * rows
        assert found["time"].cast("int64").to_pylist() == times
        for name in list(whole.columns)[1:]:
            pairs = zip(found[name].to_pylist(), whole.columns[name].to_list(), strict=True)
            assert all(ours == theirs or (math.isnan(ours) and math.isnan(theirs)) for ours, theirs in pairs), name
    assert table(whole).schema == gathered([whole], types(whole)).schema


def test_few_groups_hold_all_that_agree() -> None:
    items = [
        {"x": "int64"},
        {"y": "double"},
        {"x": "double"},
        {"x": "int64", "y": "double"},
        {"y": "string", "x": "double"},
    ]
    assert fitting(items, lambda item: item) == [
        ({"x": "int64", "y": "double"}, [items[0], items[1], items[3]]),
        ({"x": "double", "y": "string"}, [items[2], items[4]]),
    ]
