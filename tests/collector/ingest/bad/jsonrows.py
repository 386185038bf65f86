"""JSON documents and lines that are wrong: each field with each kind of wrong value, and texts that are no JSON."""

from collections.abc import Iterator
from typing import Any

from tests.collector.ingest.bad.case import Case, event, good, text

JSON, LINES = "application/json", "application/x-ndjson"
_VALUES: dict[str, Any] = {
    "null": None, "true": True, "an integer": 7, "a float": 0.5, "a text": "x", "an empty text": "", "a list": [],
    "a list of numbers": [1], "an object": {"a": 1}, "an empty object": {}, "a huge integer": 10**30,
    "a long text": "x" * 70_000, "a lone surrogate": "\ud800", "a list of nulls": [None], "a list of lists": [["a"]],
    "a list of floats": [0.5], "a list of a lone surrogate": ["\ud800"], "a long list": ["x" * 70] * 1_000,
    "an object of texts": {"a": "x"}, "an object of huge integers": {"a": 10**30},
}  # fmt: skip
_TEXT = dict.fromkeys(
    ("true", "an integer", "a float", "a list", "a list of numbers", "an object", "an empty object", "a huge integer"),
    "wrong_type") | {"a lone surrogate": "bad_text", "a long text": "out_of_range"}  # fmt: skip
_NEEDED = _TEXT | {"null": "missing_field", "an empty text": "out_of_range"}
_NUMBER = dict.fromkeys(
    ("true", "a text", "an empty text", "a list", "a list of numbers", "an object", "an empty object", "a long text",
     "a lone surrogate"), "wrong_type") | {"a huge integer": "out_of_range"}  # fmt: skip
_VALUE = dict.fromkeys(("a list", "a list of numbers", "an object", "an empty object"), "wrong_type") | {
    "a huge integer": "out_of_range", "a lone surrogate": "bad_text", "a long text": "out_of_range",
}  # fmt: skip
_EMBEDDINGS: dict[str, tuple[Any, str]] = {
    "no number": ([], "out_of_range"), "one number": ([0.5], "out_of_range"),
    "4,097 numbers": ([0.5] * 4_097, "out_of_range"),
    "a text": ([0.5, "x"], "wrong_type"), "true": ([0.5, True], "wrong_type"), "null": ([0.5, None], "wrong_type"),
    "a list": ([[0.5, 0.5], [0.5, 0.5]], "wrong_type"), "NaN": ([0.5, float("nan")], "not_finite"),
    "more than float32 has": ([0.5, 1e39], "not_finite"), "an integer of 1,000 digits": ([1, 10**1_000], "not_finite"),
}  # fmt: skip
_LIST = dict.fromkeys(("a list of nulls", "a list of lists", "a list of floats"), "wrong_type") | {
    "a list of a lone surrogate": "bad_text", "a long list": "out_of_range",
}  # fmt: skip
_SINGLE = {kind: _VALUE[kind] for kind in ("a huge integer", "a lone surrogate", "a long text")}
_PREDICTION = _SINGLE | _LIST | {"an object": "wrong_type", "null": "missing_field"}
_LABEL = _SINGLE | _LIST | {
    "an object of texts": "wrong_type", "an object of huge integers": "out_of_range", "null": "missing_field",
}  # fmt: skip
_MAP = dict.fromkeys(("true", "an integer", "a float", "a text", "an empty text", "a list", "a list of numbers",
                      "a huge integer", "a long text", "a lone surrogate"), "wrong_type")  # fmt: skip
_TIME = _TEXT | {"a text": "bad_time", "an empty text": "bad_time"}
_TYPE = dict.fromkeys(_VALUES, "unknown_type")
FIELDS: dict[str, dict[str, str]] = {
    "type": _TYPE, "project": _TEXT, "model": _NEEDED, "version": _TEXT, "id": _NEEDED, "time": _TIME,
    "prediction": _PREDICTION, "features": _MAP, "scores": _MAP | {"an object": ""},
    "segment": _MAP | {"an object": "wrong_type"}, "latency_s": _NUMBER, "trace_id": _TEXT,
}  # fmt: skip
_OTHERS: dict[str, dict[str, dict[str, str]]] = {
    "label": {"label": _LABEL},
    "outcome": {"value": _NUMBER | {"null": "missing_field"}, "name": _NEEDED},
}
_BASES = {"label": {"label": 1}, "outcome": {"name": "n", "value": 1}}


def cases() -> Iterator[Case]:
    """Every case of this file."""
    yield from _fields()
    yield from _documents()
    yield from _lines()


def _fields() -> Iterator[Case]:
    for field, codes in FIELDS.items():
        for kind, code in codes.items():
            if code:
                body = [good("a"), event(**{field: _VALUES[kind]}), good("b")]
                yield Case(f"json: {field} is {kind}", text(body), JSON, code, 200, accepted=2)
    for kind, (embedding, code) in _EMBEDDINGS.items():
        body = [event(id="good e", features={"x": [0.5, 1]}), event(features={"x": embedding}), good("b")]
        yield Case(f"json: an embedding of {kind}", text(body), JSON, code, 200, accepted=2)
    for kind, code in (_VALUE | dict.fromkeys(("a list", "a list of numbers"), "out_of_range")).items():
        body = [good("a"), event(features={"x": _VALUES[kind]})]
        yield Case(f"json: a feature is {kind}", text(body), JSON, code, 200, accepted=1)
    for kind, code in _NUMBER.items():
        body = [good("a"), event(scores={"x": _VALUES[kind]})]
        yield Case(f"json: a score is {kind}", text(body), JSON, code, 200, accepted=1)
    for kind, code in _TEXT.items():
        body = [good("a"), event(segment={"x": _VALUES[kind]})]
        yield Case(f"json: a segment is {kind}", text(body), JSON, code, 200, accepted=1)
    for kind_of_event, fields in _OTHERS.items():
        base = event(type=kind_of_event, prediction=..., features=...) | _BASES[kind_of_event]
        for field, codes in fields.items():
            for kind, code in codes.items():
                body = [good("a"), base | {field: _VALUES[kind]}]
                yield Case(f"json: {field} of a {kind_of_event} is {kind}", text(body), JSON, code, 200, accepted=1)
            missing = {name: value for name, value in base.items() if name != field}
            yield Case(f"json: a {kind_of_event} without {field}", text([missing]), JSON, "missing_field")


def _documents() -> Iterator[Case]:
    one = text(event())
    for name, body, code in (
        ("nothing", b"", "malformed_json"),
        ("a blank", b" ", "malformed_json"),
        ("half an object", one[:-5], "malformed_json"),
        ("two objects", one + one, "malformed_json"),
        ("a comma at the end", one[:-1] + b",}", "malformed_json"),
        ("single quotes", one.replace(b'"', b"'"), "malformed_json"),
        ("a byte order mark", b"\xef\xbb\xbf" + one, "malformed_json"),
        ("UTF-16", one.decode().encode("utf-16"), "malformed_json"),
        ("Latin-1", event(id="é")["id"].encode("latin-1"), "malformed_json"),
        ("a zero byte", one.replace(b"bad", b"b\0d"), "malformed_json"),
        ("a line break inside a text", one.replace(b"bad", b"b\nd"), "malformed_json"),
        ("an overlong UTF-8 slash", one.replace(b"bad", b"\xc0\xaf"), "malformed_json"),
        ("an integer of 5,000 digits", one.replace(b'"x": 1', b'"x": ' + b"9" * 5_000), "out_of_range"),
        ("lists to a depth of 100,000", b"[" * 100_000, "too_deep"),
        ("objects to a depth of 50,000", b'{"a":' * 50_000, "too_deep"),
        ("closed lists to a depth of 20,000", b"[" * 20_000 + b"]" * 20_000, "too_deep"),
        ("an empty list", b"[]", "no_events"),
        ("20,001 events", b"[" + b"1," * 20_000 + b"1]", "too_many_events"),
        ("a million lists", b"[" + b"[]," * 600_000 + b"[]]", "too_many_values"),
        ("700,001 features", b'{"features":{' + b"," * 700_001 + b"}}", "too_many_values"),
        ("null", b"null", "wrong_type"),
        ("a number", b"17", "wrong_type"),
        ("a text", b'"event"', "wrong_type"),
        ("a list in a list", b"[[]]", "wrong_type"),
    ):
        yield Case(f"json: {name}", body, JSON, code, 413 if code.startswith("too_many_") else 400)
    for name, more, code in (
        ("an unknown field", {"colour": "red"}, "unknown_field"),
        ("a misspelt field", {"feature": {}}, "unknown_field"),
        ("a label's field in a prediction", {"label": 1}, "unknown_field"),
        ("no type", {"type": ...}, "unknown_type"),
        ("no model", {"model": ...}, "missing_field"),
        ("no id", {"id": ...}, "missing_field"),
        ("no prediction", {"prediction": ...}, "missing_field"),
        ("an id of 257 characters", {"id": "x" * 257}, "out_of_range"),
        ("a project of 257 characters", {"project": "x" * 257}, "out_of_range"),
        ("a version of 257 characters", {"version": "x" * 257}, "out_of_range"),
        ("a feature without a name", {"features": {"": 1}}, "out_of_range"),
        ("a feature with a name of 241 characters", {"features": {"x" * 241: 1}}, "out_of_range"),
        ("a feature whose name is a lone surrogate", {"features": {"\udc00": 1}}, "bad_text"),
        ("1,001 features", {"features": {str(n): n for n in range(1_001)}}, "too_many_fields"),
        ("names of 200 KB", {"features": {"x" * 200 + str(n): n for n in range(999)}}, "too_many_fields"),
        ("a negative latency", {"latency_s": -0.1}, "out_of_range"),
        ("a time in 1969", {"time": "1969-12-31T23:59:59Z"}, "bad_time"),
        ("a time in 2200", {"time": "2200-01-01T00:00:00Z"}, "bad_time"),
        ("a time tomorrow", {"time": "2026-11-20T00:00:00Z"}, "too_far_ahead"),
        ("a time without a zone", {"time": "2026-11-18T10:00:00"}, "bad_time"),
        ("a day that is none", {"time": "2026-02-30T10:00:00Z"}, "bad_time"),
        ("an hour that is none", {"time": "2026-11-18T25:00:00Z"}, "bad_time"),
        ("a zone that is none", {"time": "2026-11-18T10:00:00+99:00"}, "bad_time"),
        ("a time in Arabic digits", {"time": "٢٠٢٦-11-18T10:00:00Z"}, "bad_time"),
    ):
        yield Case(f"json: {name}", text([good("a"), event(**more)]), JSON, code, 200, accepted=1)
    for number in ("NaN", "Infinity", "-Infinity", "1e999", "-1e999"):
        for place, where in (("features", '"x": 1'), ("prediction", '"prediction": 1')):
            body = text(event()).replace(where.encode(), where.replace("1", number).encode())
            yield Case(f"json: {number} as {place}", body, JSON, "not_finite")
    for field in ("id", "features", "type", "prediction"):
        body = text(event())[:-1] + b', "' + field.encode() + b'": 1}'
        yield Case(f"json: {field} stands twice", body, JSON, "duplicate_key")


def _lines() -> Iterator[Case]:
    first, last = text(good("a")), text(good("b"))
    for name, line, code in (
        ("half an object", b'{"type":', "malformed_json"),
        ("two objects on a line", first + first, "malformed_json"),
        ("a deep list", b"[" * 50_000, "too_deep"),
        ("no UTF-8", b'"\xff\xfe"', "malformed_json"),
        ("a zero byte", b"\0", "malformed_json"),
        ("a byte order mark in the middle", b"\xef\xbb\xbf" + first, "malformed_json"),
        ("a list of events", b"[" + first + b"]", "wrong_type"),
        ("a comment", b"# comment", "malformed_json"),
        ("a CSV row", b"id,model,prediction", "malformed_json"),
        ("null", b"null", "wrong_type"),
        ("a carriage return inside", b'{"a":\r1', "malformed_json"),
        ("an unknown type", text(event(type="x")), "unknown_type"),
    ):
        yield Case(f"ndjson: {name}", b"\n".join([first, line, last]), LINES, code, 200, accepted=2)
    long = b"\n".join([first, b"[" + b"," * 700_001 + b"]", last])
    yield Case("ndjson: a line of a million values", long, LINES, "too_many_values", 200, accepted=2)
    yield Case("ndjson: nothing", b"", LINES, "no_events")
    yield Case("ndjson: a megabyte of line breaks", b"\n" * 1_000_000, LINES, "no_events")
    yield Case("ndjson: 20,001 lines", b"1\n" * 20_001, LINES, "too_many_events", 413)
