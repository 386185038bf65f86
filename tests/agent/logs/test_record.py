import json
import time
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin_agent.logs.level import guess
from tocsin_agent.logs.lines import Line
from tocsin_agent.logs.record import Records, text
from tocsin_agent.logs.timestamp import leading
from tocsin_schema.logrecord import FIELDS, LEVELS, REQUIRED, line_id

records = Records(host='h"1', dataset="app", namespace="default", service="shop")


def render(data, offset=5, **line):
    out = records.render(Line(offset, data, **line), "0" * 16, text("/var/log/ä.log"))
    assert out.endswith(b"}\n")
    assert out.count(b"\n") == 1
    return json.loads(out)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"2026-11-23T10:00:00Z x", b"2026-11-23T10:00:00Z"),
        (b"2026-11-23T10:00:00.123456789+01:00", b"2026-11-23T09:00:00.123456Z"),
        (b"[2026-11-23 10:00:00 +0530] [12] [INFO]", b"2026-11-23T04:30:00Z"),
        (b"2024-02-29T23:59:59-01:00", b"2024-03-01T00:59:59Z"),
        (b"2023-02-29T00:00:00Z", None),
        (b"2026-13-01T00:00:00Z", None),
        (b"2026-11-23T10:00:60Z", None),
        (b"1969-12-31T23:59:59Z", None),
        (b"2200-01-01T00:00:00Z", None),
        (b"1970-01-01T00:30:00+01:00", None),
        (b"2026-11-23", None),
        (b"", None),
        (b"INFO 2026-11-23T10:00:00Z", None),
    ],
)
def test_a_leading_time_is_read_in_utc(line, expected):
    assert leading(line) == expected


def test_a_time_without_zone_is_local(monkeypatch):
    monkeypatch.setenv("TZ", "Etc/GMT-2")
    time.tzset()
    try:
        assert leading(b"2030-11-23 10:00:00,123 INFO x") == b"2030-11-23T08:00:00.123Z"
    finally:
        monkeypatch.undo()
        time.tzset()


@given(st.datetimes(datetime(1970, 1, 2), datetime(2199, 12, 30), timezones=st.timezones()))  # noqa: DTZ001 (hypothesis wants them so)
def test_any_time_with_zone_agrees_with_the_standard_library(moment):
    if moment.utcoffset().total_seconds() % 60:
        return
    found = leading(moment.isoformat().encode())
    assert datetime.fromisoformat(found.decode()) == moment.astimezone(UTC)


@given(st.binary(max_size=60))
def test_any_bytes_have_a_time_or_none(data):
    found = leading(data)
    assert found is None or datetime.fromisoformat(found.decode()).tzinfo


@pytest.mark.parametrize(
    ("line", "level"),
    [
        (b"2026-11-23 10:00:00 ERROR worker failed", b"error"),
        (b"INFO:     retry after ERROR", b"info"),
        (b"[WARNING] low", b"warning"),
        (b"WARN low", b"warning"),
        (b"FATAL: out of memory", b"critical"),
        (b"time=x level=error msg=y", b"error"),
        (b'level="warn" msg=y', b"warning"),
        (b"2026/11/23 10:00:00 [error] 123#0: *1 open()", b"error"),
        (b"no error found", None),
        (b"INFORMATION desk, ERRORS=0, MY_ERROR", None),
        (b"", None),
    ],
)
def test_the_level_is_guessed_from_literals(line, level):
    assert guess(line) == level


def test_a_plain_line_is_a_flat_ecs_document():
    found = render(b'2026-11-23T10:00:00Z ERROR "quoted" \\ back\tslash')
    assert found == {
        "@timestamp": "2026-11-23T10:00:00Z",
        "message": '2026-11-23T10:00:00Z ERROR "quoted" \\ back\tslash',
        "event.id": line_id("0" * 16, 5, b'2026-11-23T10:00:00Z ERROR "quoted" \\ back\tslash'),
        "event.dataset": "app",
        "data_stream.namespace": "default",
        "host.name": 'h"1',
        "log.file.path": "/var/log/ä.log",
        "log.offset": 5,
        "log.level": "error",
        "service.name": "shop",
    }
    assert set(found) <= set(FIELDS)


def test_bytes_that_are_no_utf8_are_replaced_and_control_bytes_escaped():
    assert render(b"caf\xe9 \x1b[31mred\x00 \xf0\x9f\x94\x94")["message"] == "caf� \x1b[31mred\0 🔔"


def test_a_line_without_time_has_the_time_of_reading():
    before = time.time()
    stamp = datetime.fromisoformat(render(b"hello")["@timestamp"]).timestamp()
    assert before - 0.002 <= stamp <= time.time() + 0.002


def test_a_cut_line_says_so():
    assert render(b"long", cut=True)["log.flags"] == "truncated"


def test_a_json_line_keeps_its_fields_under_ecs_names():
    found = render(
        b'{"@timestamp":"2026-11-23T11:00:00+01:00","log":{"level":"WARN","logger":"a.b"},"message":"hi \\u2603",'
        b'"trace.id":"0af7651916cd43dd8448eb211c80319c","http":{"status":500},"event.id":"evil","host":{"name":"evil"},'
        b'"service.name":"own","n":1.5}'
    )
    assert found["@timestamp"] == "2026-11-23T10:00:00Z"
    assert (found["message"], found["log.level"]) == ("hi ☃", "warning")
    assert found["trace.id"] == "0af7651916cd43dd8448eb211c80319c"
    assert (found["log"], found["http"], found["n"]) == ({"logger": "a.b"}, {"status": 500}, 1.5)
    assert (found["host.name"], found["service.name"], found.get("host", "")) == ('h"1', "own", "")
    assert found["event.id"].startswith("0" * 16)


def test_names_that_loggers_use_are_understood():
    found = render(b'{"ts":1763892000.5,"level":"error","msg":"m","trace_id":"0af7651916cd43dd8448eb211c80319c"}')
    assert found["@timestamp"] == "2025-11-23T10:00:00.500Z"
    assert (found["message"], found["log.level"], found["trace.id"][:4]) == ("m", "error", "0af7")
    assert render(b'{"time":1763892000500,"msg":"m"}')["@timestamp"] == "2025-11-23T10:00:00.500Z"


def test_a_json_line_without_message_is_shown_whole():
    found = render(b'{"n":1,"level":"odd","@timestamp":"yesterday"}')
    assert (found["message"], found["n"], found["level"]) == (
        '{"n":1,"level":"odd","@timestamp":"yesterday"}',
        1,
        "odd",
    )


@pytest.mark.parametrize(
    "line",
    [
        b'{"message":"cut of',
        b"{}x",
        b'{"a":NaN}',
        b'{"a":[1,{"b":-1e999}]}',
        b'{"message":"m","a":' + b'{"a":' * 40 + b"1" + b"}" * 41,
        b'{"message":"m","a":' + b"[" * 60_000,
        b'{"message":"m",' + b",".join(b'"f%d":1' % n for n in range(300)) + b"}",
        b'{"n":' + b"9" * 5000 + b"}",
    ],
)
def test_what_no_collector_would_take_as_json_is_a_plain_line(line):
    assert render(line)["message"] == line.decode()


@settings(max_examples=200)
@given(
    st.one_of(
        st.binary(max_size=200),
        st.recursive(
            st.none() | st.booleans() | st.floats() | st.text(max_size=5) | st.integers(),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(["message", "log", "level", "time", "@timestamp", "trace.id", "x"]), inner
                )
            ),
            max_leaves=12,
        ).map(lambda value: b"{" + json.dumps({"a": value} | (value if isinstance(value, dict) else {})).encode()[1:]),
    )
)
def test_any_line_is_one_valid_record(data):
    data = data.replace(b"\n", b" ")
    found = render(data)
    assert set(REQUIRED) <= set(found)
    assert isinstance(found["message"], str)
    assert datetime.fromisoformat(found["@timestamp"]).tzinfo
    assert found.get("log.level", "info") in LEVELS
    assert found["event.id"] == line_id("0" * 16, 5, data)
    assert isinstance(found.get("service.name"), str) or "service.name" in str(data)
