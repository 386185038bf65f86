"""Event blocks: what is written reads back, and whatever else comes is refused with where and what."""

import json
import re
from array import array
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin_schema.block import MAX_ROWS, Block, BlockError, Column, column, decode, encode

PRODUCER = "0123456789abcdef0123456789abcdef"
ROOT = Path(__file__).parents[2]


def block(*columns: Column, rows: int | None = None, **more: object) -> Block:
    fields = {"project": "shop", "model": "credit", "version": "3", "producer": PRODUCER, "sequence": 7} | more
    return Block(
        "prediction",
        rows=len(columns[0].data) // 8 if rows is None else rows,
        columns={item.name: item for item in columns},
        **fields,
    )


def example() -> Block:
    return block(
        column("time", [1_795_428_000_000_000, 1_795_428_001_000_000], "time"),
        column("id", ["a1", "a2"], "str"),
        column("feature.age", [41.0, None]),
        column("prediction", ["yes", "yes"], "dict"),
    )


def values(found: Block) -> dict[str, list[object]]:
    return {name: item.to_list() for name, item in found.columns.items()}


def edited(**changes: object) -> bytes:
    """The example with another header; a dict for ``columns`` edits single columns by number."""
    raw = encode(example())
    size = int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8 : 8 + size])
    for number, change in dict(changes.pop("columns", {})).items():
        header["columns"][number] |= change
    head = json.dumps(header | changes).encode()
    head += b" " * (-len(head) % 8)
    return len(head).to_bytes(8, "little") + head + raw[8 + size :]


def test_the_example_of_the_reference_is_byte_for_byte_what_is_written() -> None:
    page = (ROOT / "docs/reference/block.md").read_text(encoding="utf-8")
    lines = re.findall(r"^[0-9a-f]{4}  ((?:[0-9a-f]{2} ?)+) *\|", page, re.MULTILINE)
    raw = bytes.fromhex("".join(lines))
    assert raw == encode(example())
    assert values(decode(raw)) == values(example())


def test_header_and_values_read_back() -> None:
    found = decode(encode(example()))
    assert repr(found) == (
        "Block(prediction, shop/credit@3, rows=2, producer=01234567, sequence=7, "
        "columns=['time', 'id', 'feature.age', 'prediction'])"
    )
    assert values(found) == {
        "time": [1_795_428_000_000_000, 1_795_428_001_000_000],
        "id": ["a1", "a2"],
        "feature.age": [41.0, None],
        "prediction": ["yes", "yes"],
    }


def with_header(text: str) -> bytes:
    """The example behind another header."""
    raw = encode(example())
    head = text.encode()
    head += b" " * (-len(head) % 8)
    return len(head).to_bytes(8, "little") + head + raw[8 + int.from_bytes(raw[:8], "little") :]


def header_of(raw: bytes) -> dict[str, object]:
    found: dict[str, object] = json.loads(raw[8 : 8 + int.from_bytes(raw[:8], "little")])
    return found


def test_columns_may_stand_anywhere_in_the_header() -> None:
    header = header_of(encode(example()))
    columns = json.dumps(header.pop("columns"))
    rest = json.dumps(header)[1:-1]
    for text in (
        f'{{{rest},"columns":{columns}}}',
        f'{{"columns":{columns},{rest}}}',
        f'{{"v":1,"columns":{columns},{rest}}}',
        f'{{{rest},"columns":[],"columns":{columns}}}',
        f'{{{rest},"columns": {columns} , "note": [1]}}',
    ):
        assert values(decode(with_header(text))) == values(example())


@pytest.mark.parametrize("model", [',"columns":', ',"columns":[{}]}', '{"a":1,"columns":[]}', "]}", "\\"])
def test_a_name_that_reads_as_columns_is_a_name(model: str) -> None:
    found = decode(encode(block(*example().columns.values(), model=model)))
    assert found.model == model
    assert values(found) == values(example())


@pytest.mark.parametrize("tail", [',"columns":[]', ',"columns":[]]}', ',"columns":{"a":[]}', ',"columns":[}]}'])
def test_a_header_that_is_cut_or_closed_twice_is_no_json(tail: str) -> None:
    header = header_of(encode(example()))
    del header["columns"]
    with pytest.raises(BlockError, match="no JSON"):
        decode(with_header(json.dumps(header)[:-1] + tail))


def test_the_columns_of_one_block_are_not_those_of_the_next() -> None:
    """A table that was read before is not read again; its rows and bytes are another block's."""
    first = decode(encode(example()))
    other = decode(encode(block(*example().columns.values(), sequence=8)))
    assert (first.sequence, other.sequence) == (7, 8)
    with pytest.raises(BlockError, match="3 rows of time"):
        decode(edited(rows=3))
    with pytest.raises(BlockError, match="inside"):
        decode(encode(example())[:-8])
    assert values(decode(encode(example()))) == values(example())


def test_a_dictionary_has_its_texts_in_order() -> None:
    """Whatever the rows' order: blocks of the same categories have the same header."""
    made = [column("feature.x", texts, "dict") for texts in (["b", "a", "b", "c"], ["c", "c", "a", "b"])]
    assert [item.values for item in made] == [["a", "b", "c"]] * 2
    assert [item.to_list() for item in made] == [["b", "a", "b", "c"], ["c", "c", "a", "b"]]


def test_buffers_are_views_at_multiples_of_eight() -> None:
    raw = encode(example())
    for item in decode(raw).columns.values():
        assert isinstance(item.data, memoryview)
        assert item.data.obj is raw


@pytest.mark.parametrize(
    ("items", "dtype", "back"),
    [
        ([True, None], "bool", [True, None]),
        ([1, 2], "i64", [1, 2]),
        ([1, 2.5], "f64", [1.0, 2.5]),
        ([1 << 63, 1], "f64", [float(1 << 63), 1.0]),
        (["a", "a"], "dict", ["a", "a"]),
        (["a", "b"], "str", ["a", "b"]),
        (["a", None], "str", ["a", None]),
        ([None, None], "dict", [None, None]),
        (["é", "日本"], "str", ["é", "日本"]),
        (["", ""], "dict", ["", ""]),
        ([array("f", [0.5, -2.0]), None], "f32[2]", [[0.5, -2.0], None]),
    ],
)
def test_a_columns_dtype_follows_its_values(items: list[object], dtype: str, back: list[object]) -> None:
    made = column("feature.x", items)
    assert made.dtype == dtype
    found = decode(encode(block(column("time", [0, 0], "time"), column("id", ["a", "b"], "str"), made)))
    assert found.columns["feature.x"].to_list() == back


SCALARS = {
    "f64": st.floats(allow_nan=False),
    "i64": st.integers(-(1 << 63), (1 << 63) - 1),
    "bool": st.booleans(),
    "time": st.integers(-(1 << 63), (1 << 63) - 1),
    "str": st.text(max_size=9),
    "dict": st.text(max_size=9),
    "f32[3]": st.lists(st.floats(width=32, allow_nan=False), min_size=3, max_size=3),
}


@settings(max_examples=100, deadline=None)
@given(st.data(), st.sampled_from(sorted(SCALARS)), st.integers(0, 12))
def test_any_column_reads_back(data: st.DataObject, dtype: str, rows: int) -> None:
    items = data.draw(st.lists(st.none() | SCALARS[dtype], min_size=rows, max_size=rows))
    base = [column("time", [0] * rows, "time"), column("id", ["x"] * rows, "dict")]
    given = [array("f", item) if isinstance(item, list) else item for item in items]
    made = block(*base, column("feature.x", given, dtype), rows=rows)
    raw = encode(made)
    found = decode(raw)
    assert found.columns["feature.x"].to_list() == items
    assert encode(found) == raw


def test_an_empty_block_is_a_block() -> None:
    assert decode(encode(block(column("time", [], "time"), column("id", [], "str"), rows=0))).rows == 0


def test_what_is_left_out_of_the_header_has_its_default() -> None:
    raw = edited()
    size = int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8 : 8 + size])
    del header["project"], header["version"]
    head = json.dumps(header).encode()
    head += b" " * (-len(head) % 8)
    found = decode(len(head).to_bytes(8, "little") + head + raw[8 + size :])
    assert (found.project, found.version) == ("default", "")


@pytest.mark.parametrize(
    ("raw", "names"),
    [
        (b"", "eight bytes"),
        (b"\0" * 7, "7 bytes"),
        (b"\xff" * 8, "header length"),
        ((4).to_bytes(8, "little") + b"{}  ", "multiple of eight"),
        ((8).to_bytes(8, "little") + b"nonsense", "no JSON"),
        ((8).to_bytes(8, "little") + b"[[[[[[[[", "no JSON"),
        ((80_000).to_bytes(8, "little") + b"[" * 80_000, "no JSON"),
        ((8).to_bytes(8, "little") + b"[]      ", "JSON object"),
        (edited(v=2), '"v": 1'),
        (edited(type="guess"), "prediction, label, outcome"),
        (edited(rows=-1), "header.rows"),
        (edited(rows=True), "header.rows"),
        (edited(rows=1.0), "header.rows"),
        (edited(rows=MAX_ROWS + 1), "header.rows"),
        (edited(rows=3), "3 rows of time are 24 bytes"),
        (edited(model=""), "header.model"),
        (edited(model=7), "header.model"),
        (edited(model="m" * 257), "header.model"),
        (edited(model="\ud800"), "lone surrogate"),
        (edited(producer="short"), "32 hex digits"),
        (edited(producer="G" * 32), "32 hex digits"),
        (edited(sequence=-1), "header.sequence"),
        (edited(sequence=1 << 63), "header.sequence"),
        (edited(columns={0: {"name": "when"}}), "a column 'time'"),
        (edited(columns={1: {"name": "time"}}), "stands twice"),
        (edited(columns={1: {"name": ""}}), "columns[1].name"),
        (edited(columns={2: {"name": "feature.\ud800"}}), "columns[2].name"),
        (edited(columns={2: {"dtype": "f32"}}), "dtype"),
        (edited(columns={0: {"data": [0, 9]}}), "16 bytes, found 9"),
        (edited(columns={0: {"data": [4, 20]}}), "multiple of 8"),
        (edited(columns={0: {"data": [0, 1 << 40]}}), "inside"),
        (edited(columns={0: {"data": [16, 0]}}), "inside"),
        (edited(columns={0: {"data": "all"}}), "two integers"),
        (edited(columns={0: {"data": [0.0, 16]}}), "two integers"),
        (edited(columns={1: {"offsets": [24, 32]}}), "3 u32"),
        (edited(columns={1: {"offsets": [0, 12]}}), "the first must be 0"),
        (edited(columns={2: {"valid": [16, 18]}}), "0 or 1"),
        (edited(columns={3: {"values": []}}), "points past 0 values"),
        (edited(columns={3: {"values": [1]}}), "a list of texts"),
        (edited(columns={3: {"values": ["\ud800"]}}), "lone surrogate"),
        (edited(columns={3: {"values": None}}), "a list of texts"),
    ],
)
def test_what_is_no_block_is_refused_with_where_and_what(raw: bytes, names: str) -> None:
    with pytest.raises(BlockError) as caught:
        decode(raw)
    assert names in str(caught.value)
    str(caught.value).encode()
    assert len(str(caught.value)) < 600


@pytest.mark.parametrize(
    "dtype", ["f32[1]", "f32[4097]", "f32[]", "f32[2.0]", "f32[+2]", "f32[٣]", "f32[02]", "F32[2]"]
)
def test_a_dtype_of_vectors_has_a_length_within_bounds(dtype: str) -> None:
    with pytest.raises(BlockError, match=re.escape("f32[2] to f32[4096]")):
        decode(edited(columns={2: {"dtype": dtype}}))


def test_vectors_end_where_their_length_says() -> None:
    assert decode(edited(columns={2: {"dtype": "f32[2]"}})).columns["feature.age"].to_list()[1] is None
    with pytest.raises(BlockError, match=re.escape("2 rows of f32[3] are 24 bytes, found 16")):
        decode(edited(columns={2: {"dtype": "f32[3]"}}))


def text_block(data: bytes, ends: list[int]) -> bytes:
    offsets = b"".join(end.to_bytes(4, "little") for end in ends)
    time = column("time", [0] * (len(ends) - 1), "time")
    return encode(
        block(time, column("id", ["x"] * (len(ends) - 1), "dict"), Column("feature.x", "str", data, offsets=offsets))
    )


@pytest.mark.parametrize(
    ("data", "ends", "names"),
    [
        (b"\xff", [0, 1], "no UTF-8 at byte 0"),
        ("é".encode(), [0, 1, 2], "cuts a UTF-8 character"),
        (b"ab", [0, 2, 1, 2], "must rise"),
        (b"ab", [0, 1], "the last 2"),
        (b"x" * 65_537, [0, 65_537], "at most 65536"),
    ],
)
def test_texts_that_cannot_be_cut_so_are_refused(data: bytes, ends: list[int], names: str) -> None:
    with pytest.raises(BlockError, match=re.escape(names)):
        decode(text_block(data, ends))


def test_texts_may_be_long_together() -> None:
    assert decode(text_block(b"x" * 131_072, [0, 65_536, 131_072])).rows == 2


@pytest.mark.parametrize(
    ("values", "code", "sound"), [(256, 255, True), (255, 255, False), (3, 256, False), (3, 1 << 24, False)]
)
@pytest.mark.parametrize("filler", [0, 300])
def test_codes_point_at_values(values: int, code: int, sound: bool, filler: int) -> None:
    names = [str(n) for n in range(values + filler)]
    code += filler
    data = (0).to_bytes(4, "little") + code.to_bytes(4, "little")
    made = block(
        column("time", [0, 0], "time"), column("id", ["a", "b"], "str"), Column("feature.x", "dict", data, values=names)
    )
    if sound:
        assert decode(encode(made)).columns["feature.x"].to_list() == ["0", str(code)]
    else:
        with pytest.raises(BlockError, match="points past"):
            decode(encode(made))


def test_a_small_body_cannot_claim_a_thousand_large_columns() -> None:
    raw = encode(block(column("time", [0] * 9, "time"), column("id", ["x"] * 9, "dict")))
    size = int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8 : 8 + size])
    header["columns"] += [{"name": f"feature.{n}", "dtype": "f64", "data": [0, 72]} for n in range(1_000)]
    head = json.dumps(header).encode()
    head += b" " * (-len(head) % 8)
    with pytest.raises(BlockError, match="overlap"):
        decode(len(head).to_bytes(8, "little") + head + raw[8 + size :])


def readable(raw: bytes) -> None:
    """Decode; what decodes must be usable in full, and be written again."""
    try:
        found = decode(raw)
    except BlockError as error:
        str(error).encode()
        return
    assert all(len(items) == found.rows for items in values(found).values())
    decode(encode(found))


def test_every_truncation_is_refused_or_sound() -> None:
    raw = encode(example())
    for length in range(len(raw)):
        readable(raw[:length])
    with pytest.raises(BlockError):
        decode(raw[:-9])


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 500), st.integers(0, 9), st.binary(max_size=9)), min_size=1, max_size=4))
def test_no_mutation_breaks_the_reader(edits: list[tuple[int, int, bytes]]) -> None:
    raw = encode(example())
    for at, cut, junk in edits:
        raw = raw[:at] + junk + raw[at + cut :]
    readable(raw)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(["v", "type", "project", "model", "version", "rows", "producer", "sequence"]), JSON)
def test_no_header_value_breaks_the_reader(key: str, value: object) -> None:
    readable(edited(**{key: value}))


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 3), st.sampled_from(["name", "dtype", "data", "valid", "offsets", "values"]), JSON)
def test_no_column_entry_breaks_the_reader(number: int, key: str, value: object) -> None:
    readable(edited(columns={number: {key: value}}))
