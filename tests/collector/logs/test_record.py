"""One line into one record: what is kept, what is mended, what is refused with a reason."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin_collector.logs.query import MAX_TERMS, QueryError, match
from tocsin_collector.logs.record import Record, RecordError, record
from tocsin_collector.logs.route import moment
from tocsin_schema.logrecord import MAX_MESSAGE

NOW = 1_700_000_000_000_000


def _record(**fields: object) -> Record:
    return record(json.dumps({"message": "m"} | fields).encode(), NOW)


def test_an_ecs_record_is_kept_whole() -> None:
    found = _record(
        **{
            "@timestamp": "2013-12-05T10:00:00.25Z",
            "event.id": "x1",
            "log.level": "WARN",
            "host.name": "h",
            "log.offset": 7,
        }
    )
    assert found == Record("x1", 1_386_237_600_250_000, 2, "h", "", "m", '{"log.offset":7}')


def test_nested_objects_become_dotted_names() -> None:
    found = record(b'{"message":"m","host":{"name":"h"},"event":{"id":"i"},"a":{"b":{"c":[1,{"d":2}]},"e":{}}}', NOW)
    assert (found.host, found.id) == ("h", "i")
    assert json.loads(found.fields) == {"a.b.c": [1, {"d": 2}], "a.e": {}}


def test_a_record_without_a_time_gets_the_time_of_its_receipt() -> None:
    assert _record().time_us == NOW


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-01", 0),
        ("2013-12-05T10:00:00+05:00", 1_386_219_600),
        (1_386_237_600_000, 1_386_237_600),
        (1_386_237_600.5, 1_386_237_600.5),
    ],
)
def test_times_in_their_forms(text: object, seconds: float) -> None:
    assert _record(**{"@timestamp": text}).time_us == seconds * 1e6


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"\xff{}", "utf8"),
        (b'{"message":"cut', "json"),
        (b'{"message":"m","x":NaN}', "json"),
        (b'{"message":"m","x":' + b"9" * 5000 + b"}", "json"),
        (b'["message"]', "object"),
        (b'{"x":1}', "message"),
        (b'{"message":7}', "message"),
        (b'{"message":"m","event.id":""}', "id"),
        (b'{"message":"m","event.id":"' + b"x" * 65 + b'"}', "id"),
        (b'{"message":"m","event.id":5}', "id"),
        (b'{"message":"m","@timestamp":"yesterday"}', "timestamp"),
        (b'{"message":"m","@timestamp":"1950-01-01T00:00:00Z"}', "timestamp"),
        (b'{"message":"m","@timestamp":"9999-12-31T23:59:59Z"}', "timestamp"),
        (b'{"message":"m","@timestamp":true}', "timestamp"),
        (b'{"message":"m","@timestamp":1e400}', "timestamp"),
        (b'{"message":"m","x":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "depth"),
        (b'{"message":"m"' + b"".join(b',"x%d":1' % i for i in range(300)) + b"}", "fields"),
        (b'{"message":"m","x":"' + b"y" * 70_000 + b'"}', "fields"),
    ],
)
def test_each_fault_has_its_code(line: bytes, code: str) -> None:
    with pytest.raises(RecordError) as caught:
        record(line, NOW)
    assert caught.value.code == code
    assert len(str(caught.value)) < 300


def test_a_deep_object_is_refused() -> None:
    with pytest.raises(RecordError, match="deeper than 32"):
        record(b'{"message":"m","x":' + b'{"x":' * 40 + b"1" + b"}" * 41, NOW)


def test_a_huge_message_is_cut_and_says_so() -> None:
    found = _record(message="x" * 200_000)
    assert len(found.message) == MAX_MESSAGE
    assert json.loads(found.fields) == {"tocsin.message_length": 200_000}


def test_control_bytes_and_lone_surrogates_become_visible() -> None:
    found = record(b'{"message":"a\\u001b[31m\\u0000\\ud800\\tb\\u0085"}', NOW)
    assert found.message == "a␛[31m␀�\tb�"
    found.message.encode()


_NAMES = st.sampled_from(["message", "@timestamp", "event", "id", "host.name", "log.level", "x"])
_TREES = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=4),
    max_leaves=12,
)


@given(st.binary(max_size=200) | _TREES.map(lambda tree: json.dumps(tree).encode()))
@settings(max_examples=200)
def test_any_line_is_a_record_or_a_record_error(line: bytes) -> None:
    try:
        found = record(line, NOW)
    except RecordError:
        return
    (found.message + found.host + found.service + (found.id or "") + found.fields).encode()
    assert json.loads(found.fields) is not None


# --- search texts -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        ("", None),
        ("  ", None),
        ("time out", '"time" AND "out"'),
        ('"time out" x', '"time out" AND "x"'),
        ("fl* NOT", '"fl"* AND "NOT"'),
        ('"a b"*', '"a b"*'),
        ('unclosed "a b', '"unclosed" AND "a b"'),
        ("a:b -c (d)", '"a:b" AND "-c" AND "(d)"'),
        ("... x", '"x"'),
    ],
)
def test_what_is_typed_is_quoted(text: str, expression: str | None) -> None:
    assert match(text) == expression


def test_a_search_for_nothing_says_what_to_type() -> None:
    with pytest.raises(QueryError, match="type a word"):
        match("!!! ***")
    with pytest.raises(QueryError, match=f"at most {MAX_TERMS}"):
        match("w " * 40)


# --- times -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 910), ("15m", 100), ("2h", 0), ("1970-01-01T00:00:05Z", 5), ("", None)]
)
def test_moments(text: str, seconds: float | None) -> None:
    assert moment(text, 1_000) == seconds


@pytest.mark.parametrize("text", ["soon", "5", "h", "-3h", "9" * 30 + "d", "2013-13-01"])
def test_what_is_no_moment_is_said(text: str) -> None:
    with pytest.raises(ValueError, match="a span like 15m"):
        moment(text, 1_000)
