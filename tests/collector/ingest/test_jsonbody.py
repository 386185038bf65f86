"""JSON bodies: the good rows of a bad batch are kept, and each field keeps its kind."""

import itertools
import json
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.collector.ingest.blocks import made
from tocsin_collector.ingest.answer import Refusal
from tocsin_collector.ingest.events import EventError
from tocsin_collector.ingest.jsonbody import (
    _DECODER,
    MAX_EVENTS,
    Parsed,
    _malformed,
    decoded,
    parse_json,
    parse_ndjson,
)
from tocsin_schema.block import MAX_COLUMNS, decode, encode


def event(**more: object) -> dict[str, object]:
    return {"type": "prediction", "model": "credit", "id": "a1", "prediction": "yes"} | more


def parsed(*events: object) -> Parsed:
    return parse_json(json.dumps(events).encode(), 5)


def test_an_object_is_one_event() -> None:
    found = parse_json(json.dumps(event()).encode(), 5)
    assert found.rows == [[0]]
    assert [column.to_list() for column in made(found.blocks)[0].columns.values()] == [[5], ["a1"], ["yes"]]


def test_rows_of_one_model_version_share_a_block() -> None:
    found = parsed(event(id="1"), event(id="2", model="other"), event(id="3"), event(id="4", version="2"))
    assert found.rows == [[0, 2], [1], [3]]
    assert [(block.model, block.version, block.rows) for block in made(found.blocks)] == [
        ("credit", "", 2),
        ("other", "", 1),
        ("credit", "2", 1),
    ]


def test_good_rows_of_a_bad_batch_are_kept() -> None:
    found = parsed(event(id="1"), 17, event(id=None), event(id="2"))
    assert found.rows == [[0, 3]]
    assert [(item.row, item.code) for item in found.rejected] == [(1, "wrong_type"), (2, "missing_field")]


def test_an_integer_too_long_for_python_refuses_its_row_alone() -> None:
    body = json.dumps([event(id="1"), event(id="2", features={"age": 0}), event(id="3")]).replace(
        " 0", " " + "9" * 5_000
    )
    found = parse_json(body.encode(), 5)
    assert found.rows == [[0, 2]]
    assert [(bad.row, bad.code) for bad in found.rejected] == [(1, "out_of_range")]


def test_rows_of_more_models_than_one_body_may_have_are_refused_and_the_others_kept() -> None:
    found = parsed(*(event(id=str(number), model=f"m{number % 1_001}") for number in range(2_002)))
    assert len(found.blocks) == 1_000
    assert sum(map(len, found.rows)) == 2_000
    assert [(bad.row, bad.code) for bad in found.rejected] == [(1_000, "too_many_kinds"), (2_001, "too_many_kinds")]


def test_nor_do_ever_new_mixes_of_kinds_make_a_block_each() -> None:
    mixes = itertools.product((1, "x", True), repeat=8)
    found = parsed(
        *(event(features={f"f{at}": value for at, value in enumerate(mix)}) for mix in itertools.islice(mixes, 3_000))
    )
    assert len(found.blocks) == 1_000
    assert {bad.code for bad in found.rejected} == {"too_many_kinds"}


def test_a_bad_line_is_a_bad_row() -> None:
    lines = [json.dumps(event(id="1")), "{", "", json.dumps(event(id="2")), "[" * 100_000, '"\xff"']
    found = parse_ndjson("\r\n".join(lines).encode("latin-1"), 5)
    assert found.rows == [[0, 3]]
    assert [(item.row, item.code) for item in found.rejected] == [
        (1, "malformed_json"),
        (4, "too_deep"),
        (5, "malformed_json"),
    ]


def test_a_number_and_a_text_in_one_feature_do_not_become_each_other() -> None:
    found = parsed(*(event(id=str(n), features={"x": value}) for n, value in enumerate([1, "1", 2.5, True, None])))
    values = {block.columns["feature.x"].dtype: block.columns["feature.x"].to_list() for block in made(found.blocks)}
    assert values == {"f64": [1.0, 2.5, None], "str": ["1"], "bool": [True]}
    assert found.rows == [[0, 2, 4], [1], [3]]


def test_a_feature_that_is_null_everywhere_is_left_out() -> None:
    assert list(made(parsed(event(features={"x": None})).blocks)[0].columns) == ["time", "id", "prediction"]


def test_a_name_that_stands_twice_in_an_object_refuses_its_row() -> None:
    body = (
        b'[{"type":"label","model":"m","id":"1","label":1,"label":2},{"type":"label","model":"m","id":"2","label":1}]'
    )
    found = parse_json(body, 5)
    assert [(item.row, item.code) for item in found.rejected] == [(0, "duplicate_key")]
    assert found.rows == [[1]]
    nested = b'{"type":"prediction","model":"m","id":"1","prediction":1,"features":{"a":1,"a":2}}'
    assert [item.reason for item in parse_json(nested, 5).rejected] == ["features: a name stands twice in this object"]


TEXTS = st.text('ab":, \\\n', max_size=6)
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


def outcome(read: Callable[[bytes], object], raw: bytes) -> str:
    try:
        found = read(raw)
    except EventError as error:
        return error.code
    return f"{found!r} {[type(one).__name__ for one in nested(found)]}"


def by_the_standard_library(raw: bytes) -> object:
    try:
        return _DECODER.decode(raw.decode())
    except (ValueError, RecursionError) as error:
        raise EventError(*_malformed(error)) from None


@settings(max_examples=400, deadline=None)
@given(DOCUMENTS, st.sampled_from([None, 1]), st.sampled_from([(",", ":"), (" , ", " : ")]), st.data())
def test_the_fast_parser_says_what_the_standard_librarys_says(
    value: object, indent: int | None, separators: tuple[str, str], data: st.DataObject
) -> None:
    raw = json.dumps(value, indent=indent, separators=separators, ensure_ascii=data.draw(st.booleans())).encode()
    at, cut = data.draw(st.integers(0, len(raw))), data.draw(st.integers(0, 3))
    junk = data.draw(st.sampled_from([b"", b",", b'"', b":", b'"a":1,', b"}", b"1", b"\xff", b"\\ud800"]))
    for body in (raw, raw[:at] + junk + raw[at + cut :]):
        assert outcome(decoded, body) == outcome(by_the_standard_library, body)


@pytest.mark.parametrize(
    "body",
    [
        b'{"a":1,"a":2}',
        b'{"a" :1,"a":2}',
        b'{"a":1,"a"\n:2}',
        b'{"x":[{"a":1,"a":1}]}',
        b'{"a":1,"\\u0061":2}',
        b'{"a":1,"a":":"}',
        b'{"a":"\\\\","a":1}',
        b'{"a":"\\"","a":"\\\\\\""}',
        b'[{"type":"prediction","model":"m","id":"1","prediction":1,"features":{"a":"\\"","a":2}}]',
    ],
)
def test_no_name_that_stands_twice_is_overlooked(body: bytes) -> None:
    assert "Repeated" in str([type(found).__name__ for found in nested(decoded(body))])


def nested(value: object) -> Iterator[object]:
    yield value
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for one in inner:
        yield from nested(one)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "malformed_json"),
        (b"{", "malformed_json"),
        (b"not json", "malformed_json"),
        (b"\xff\xfe", "malformed_json"),
        (b"[" * 100_000, "too_deep"),
        (b'{"a":' * 100_000, "too_deep"),
        (b"[]", "no_events"),
        (b"[" + b"1," * MAX_EVENTS + b"1]", "too_many_events"),
    ],
)
def test_a_body_that_is_no_list_of_events_is_refused_whole(body: bytes, code: str) -> None:
    with pytest.raises(Refusal) as caught:
        parse_json(body, 5)
    assert caught.value.code == code
    assert caught.value.status in (400, 413)


def test_rows_with_ever_new_features_never_exceed_a_blocks_columns() -> None:
    found = parsed(*(event(id=str(n), features={f"{n}.{k}": 1 for k in range(400)}) for n in range(8)))
    assert all(len(block.columns) <= MAX_COLUMNS for block in made(found.blocks))
    assert sorted(row for rows in found.rows for row in rows) == list(range(8))


TEXT = st.text(max_size=6)
FEATURES = st.dictionaries(
    TEXT,
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    max_size=4,
)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(TEXT, FEATURES), max_size=6))
def test_what_is_taken_comes_out_as_it_went_in(rows: list[tuple[str, dict[str, object]]]) -> None:
    body = json.dumps([event(id=name, features=features) for name, features in rows]).encode()
    if not rows:
        return
    found = parse_json(body, 5)
    refused = {item.row for item in found.rejected}
    for block, numbers in zip(made(found.blocks), found.rows, strict=True):
        columns = {name: column.to_list() for name, column in decode(encode(block)).columns.items()}
        for at, number in enumerate(numbers):
            name, features = rows[number]
            assert columns["id"][at] == name
            for key, value in features.items():
                got = columns.get(f"feature.{key}", [None] * len(numbers))[at]
                assert got == value
                assert isinstance(got, bool) == isinstance(value, bool)
        refused |= set(numbers)
    assert refused == set(range(len(rows)))


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=60))
def test_no_bytes_break_the_parsers(body: bytes) -> None:
    for parse in (parse_json, parse_ndjson):
        try:
            parse(body, 5)
        except Refusal:
            continue
