"""CSV files through the real server: what a column becomes, and that a bad row is told by its line in the file."""

import csv
import io
import json
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.collector.ingest.served import Collector
from tocsin_collector.ingest.answer import Refusal
from tocsin_collector.ingest.form import Given
from tocsin_collector.ingest.forms.csvfile import EXAMPLE, MEDIA_TYPE, parse
from tocsin_collector.ingest.jsonbody import Parsed
from tocsin_collector.ingest.pairs import Pairs

NOW_US = 7


def parsed(body: str | bytes, content_type: bytes = b"text/csv", most_bytes: int = 1 << 20) -> Parsed:
    raw = body if isinstance(body, bytes) else body.encode()
    return parse(raw, Given({b"content-type": content_type}, {"model": "m"}, NOW_US, most_bytes, Pairs()))


def columns(body: str | bytes) -> dict[str, list[object]]:
    (block,) = parsed(body).blocks
    return {name: column.to_list() for name, column in block.columns.items()}


def rejected(found: Parsed) -> list[tuple[int | None, str]]:
    return [(item.row, item.code) for item in found.rejected]


def refused(body: str | bytes, content_type: bytes = b"text/csv", most_bytes: int = 1 << 20) -> tuple[int, str, str]:
    with pytest.raises(Refusal) as caught:
        parsed(body, content_type, most_bytes)
    return caught.value.status, caught.value.code, caught.value.reason


def test_the_example_is_taken_and_known_when_it_comes_again(collector: Collector) -> None:
    assert collector.post(EXAMPLE.encode(), MEDIA_TYPE)[1]["accepted"] == 2
    assert collector.post(EXAMPLE.encode(), "text/csv; charset=utf-8; header=present")[1]["duplicate"] == 2
    frame, _ = collector.applied[0]
    assert frame.columns["feature.city"].texts() == ["Lyon", "Aix, Provence"]
    assert frame.columns["feature.age"].valid.tolist() == [True, False]


def test_an_event_is_the_same_in_csv_and_as_json(collector: Collector) -> None:
    event = {"type": "prediction", "model": "m", "id": "a", "prediction": True, "features": {"age": 41, "n": 0.5}}
    collector.post_json(event | {"segment": {"zip": "010"}})
    body = b"id,model,prediction,feature.age,feature.n,segment.zip\na,m,TRUE,41,0.5,010\n"
    assert collector.post(body, MEDIA_TYPE)[1]["duplicate"] == 1


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_a_file_goes_by_curl(collector: Collector, tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("id,label\na1,yes\na2,no\n")
    url = f"http://127.0.0.1:{collector.port}/v1/events?type=label&model=credit"
    command = ["curl", "-sS", url, "-H", "content-type: text/csv", "--data-binary", f"@{tmp_path}/labels.csv"]
    told = subprocess.run(command, capture_output=True, check=True, timeout=30)
    assert json.loads(told.stdout)["accepted"] == 2
    assert collector.applied[0][0].columns["label"].texts() == ["yes", "no"]


@pytest.mark.parametrize(
    ("cells", "dtype", "values"),
    [
        (["1", "-2", "+3"], "i64", [1, -2, 3]),
        (["1", "2.5", ""], "f64", [1.0, 2.5, None]),
        (["1e3", ".5", "7."], "f64", [1000.0, 0.5, 7.0]),
        (["1", "inf", "-Infinity"], "f64", [1.0, float("inf"), float("-inf")]),
        (["true", "FALSE", ""], "bool", [True, False, None]),
        (["true", "1", ""], "str", ["true", "1", None]),
        (["01234", "69001", "1"], "str", ["01234", "69001", "1"]),
        (["1234567890123456789", "1", "2"], "str", ["1234567890123456789", "1", "2"]),
        (["1_000", "1", "2"], "str", ["1_000", "1", "2"]),
        ([" 1", "1", "2"], "str", [" 1", "1", "2"]),
        (["0x1F", "1", "2"], "str", ["0x1F", "1", "2"]),
        (["٣", "1", "2"], "str", ["٣", "1", "2"]),
        (["NA", "1", "2"], "str", ["NA", "1", "2"]),
    ],
)
def test_a_column_becomes_what_all_its_cells_can_be(cells: list[str], dtype: str, values: list[object]) -> None:
    body = "id,feature.x\n" + "".join(f"{number},{cell}\n" for number, cell in enumerate(cells))
    column = parsed(body).blocks[0].columns["feature.x"]
    assert (column.dtype, column.to_list()) == (dtype, values)


def test_a_stated_type_is_kept_and_what_is_not_of_it_refuses_its_row() -> None:
    found = parsed("id,feature.zip:text,feature.age:number,feature.new:bool\n1,7,41,true\n2,8,old,true\n3,9,,maybe\n")
    assert rejected(found) == [(3, "wrong_type"), (4, "wrong_type")]
    assert "feature.age: a number is needed, found 'old'" in found.rejected[0].reason
    (block,) = found.blocks
    assert {name: item.to_list() for name, item in block.columns.items() if name.startswith("feature.")} == {
        "feature.zip": ["7"], "feature.age": [41.0], "feature.new": [True],
    }  # fmt: skip


def test_a_colon_that_states_no_type_is_part_of_the_name() -> None:
    assert columns("id,feature.a:b\n1,2\n")["feature.a:b"] == [2]


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_quotes_commas_line_breaks_and_a_byte_order_mark(ending: str) -> None:
    body = ending.join(["id,feature.x", '1,"a, ""b"""', "", '2,"two', 'lines"', "3,é"]).encode()
    for whole in (body, b"\xef\xbb\xbf" + body):
        assert columns(whole)["feature.x"] == ['a, "b"', f"two{ending}lines", "é"]
    assert list(parsed(body).rows[0]) == [2, 4, 6]


def test_rows_are_told_by_their_line_in_the_file(collector: Collector) -> None:
    body = b'id,model,latency_s\n1,m,0.1\n2,m\n3,m,"0.\n\n2"x\n4,m,-1\n,m,1\n\xff,m,1\n6,m,1\n'
    status, answer = collector.post(body, MEDIA_TYPE)
    assert (status, answer["accepted"]) == (200, 2)
    assert [(item["row"], item["code"]) for item in answer["rejected"]] == [
        (3, "wrong_width"),
        (4, "malformed_csv"),
        (7, "out_of_range"),
        (8, "missing_field"),
        (9, "bad_encoding"),
    ]


def test_a_time_is_rfc_3339_or_that_of_the_receipt() -> None:
    found = parsed("id,time\n1,2026-11-23T10:00:00Z\n2,\n3,yesterday\n")
    assert rejected(found) == [(4, "bad_time")]
    assert found.blocks[0].columns["time"].to_list() == [1_795_428_000_000_000, NOW_US]


@pytest.mark.parametrize(
    ("body", "content_type", "expected"),
    [
        (b"", b"text/csv", (400, "no_events")),
        (b"\n\n", b"text/csv", (400, "no_events")),
        ("id,é\n".encode("utf-16"), b"text/csv", (415, "unknown_charset")),
        (b"id\n1\n", b"text/csv; charset=ISO-8859-1", (415, "unknown_charset")),
        (b"id;model\n1;m\n", b"text/csv", (400, "malformed_csv")),
        (b"id,id\n1,1\n", b"text/csv", (400, "duplicate_column")),
        (b"model\nm\n", b"text/csv", (400, "missing_field")),
        (b'"id\n1\n', b"text/csv", (400, "malformed_csv")),
        (b"id,\xe9\n1,1\n", b"text/csv", (400, "bad_encoding")),
        (b"," * 2_000 + b"\n", b"text/csv", (400, "too_many_columns")),
        (b"id," + b"x" * 257 + b"\n1,1\n", b"text/csv", (400, "out_of_range")),
    ],
)
def test_what_is_no_table_is_refused(body: bytes, content_type: bytes, expected: tuple[int, str]) -> None:
    assert refused(body, content_type)[:2] == expected


def test_a_header_without_rows_holds_no_event(collector: Collector) -> None:
    status, answer = collector.post(b"id,model\n", MEDIA_TYPE)
    assert (status, answer["rejected"][0]["code"]) == (400, "no_events")


def test_what_a_file_becomes_in_memory_is_bounded() -> None:
    assert refused("id," + ",".join(f"feature.{n}" for n in range(99)) + "\n" + ("," * 99 + "\n") * 2_000)[0] == 413


def test_a_text_that_is_too_long_refuses_its_row_alone() -> None:
    found = parsed(f"id,feature.x\n1,{'x' * 70_000}\n2,y\n3,{'x' * 200_000}\n4,z\n")
    assert sorted(rejected(found)) == [(2, "out_of_range"), (4, "malformed_csv")]
    assert found.blocks[0].columns["feature.x"].to_list() == ["y", "z"]


_CELL = st.one_of(
    st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=8),
    st.integers(-(10**20), 10**20).map(str),
    st.floats().map(str),
    st.sampled_from(["true", "False", "", "0", "007", "1e5"]),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(_CELL, min_size=3, max_size=3), min_size=1, max_size=8))
def test_whatever_python_writes_is_read_back(rows: list[list[str]]) -> None:
    sink = io.StringIO()
    writer = csv.writer(sink)
    writer.writerows(
        [["id", "feature.x", "feature.y:text", "feature.z"], *([str(n), *row] for n, row in enumerate(rows))]
    )
    found = columns(sink.getvalue())
    assert found.get("feature.y", [None] * len(rows)) == [row[1] or None for row in rows]
    for name, cells in (("feature.x", [row[0] for row in rows]), ("feature.z", [row[2] for row in rows])):
        values = found.get(name, [None] * len(rows))
        assert [value is None for value in values] == [cell == "" for cell in cells]
        for cell, value in zip(cells, values, strict=True):
            if isinstance(value, str | bool):
                assert str(value).lower() == cell.lower()
            elif value is not None:
                assert str(float(cell)) == str(float(value))


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_but_a_refusal(body: bytes) -> None:
    for whole in (body, b"id,feature.x\n" + body):
        try:
            parsed(whole)
        except Refusal as refusal:
            assert refusal.status in (400, 413, 415)  # noqa: PT017
