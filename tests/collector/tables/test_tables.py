"""One table in every form that it can come in, and what is no table."""

import csv
import gzip
import io
import json

import numpy as np
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin_collector.frame import Values
from tocsin_collector.numerals import NUMERAL
from tocsin_collector.tables import TableError, arrow, csvtext, open_table
from tocsin_collector.tables.cells import ABSENT, TextCells
from tocsin_collector.tables.scan import scan
from tocsin_collector.tables.table import Moments
from tocsin_collector.tables.times import moments, of_texts

ROWS = {
    "time": ["2026-10-01T00:00:00Z", "2026-10-01T01:00:00Z", "2026-10-01T02:00:00Z"],
    "age": [41.0, None, 7.5],
    "city": ["Lyon", "Aix, Provence", None],
    "zip": ["01200", "75001", "13100"],
}


def as_csv(columns=ROWS) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    return out.getvalue().encode()


def as_parquet() -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table(ROWS), out)
    return out.getvalue()


def as_stream() -> bytes:
    out = io.BytesIO()
    with pa.ipc.new_stream(out, pa.table(ROWS).schema) as writer:
        writer.write_table(pa.table(ROWS))
    return out.getvalue()


def as_feather() -> bytes:
    out = io.BytesIO()
    pyarrow.feather.write_feather(pa.table(ROWS), out)
    return out.getvalue()


def plain(column):
    """A column as Python values, whatever it came as."""
    if not isinstance(column, Values | Moments):
        column = column.number() if column.numeric() else column.category()
    if isinstance(column, Moments):
        return column.us.tolist()
    if column.kind == "category":
        return column.texts()
    return [value if ok else None for value, ok in zip(column.data.tolist(), column.valid.tolist(), strict=True)]


def read(table, names=None):
    batches = list(table.batches(names or table.columns))
    return {name: [value for batch in batches for value in plain(batch[name])] for name in names or table.columns}


@pytest.mark.parametrize(
    "source",
    [as_csv(), gzip.compress(as_csv()), b"\xef\xbb\xbf" + as_csv(), as_parquet(), as_stream(), as_feather()],
    ids=["csv", "gzip", "bom", "parquet", "stream", "feather"],
)
def test_a_file_is_the_same_table_in_every_form(source, tmp_path):
    (tmp_path / "table").write_bytes(source)
    for given_as in (source, tmp_path / "table", str(tmp_path / "table")):
        table = open_table(given_as)
        assert read(table) == read(table) == ROWS, "and it can be read again"
        assert read(table, ["zip", "age"]) == {"zip": ROWS["zip"], "age": ROWS["age"]}
        assert not table.notes


@pytest.mark.parametrize("frame", [pa.table(ROWS), pa.record_batch(ROWS)], ids=["table", "batch"])
def test_a_frame_is_read_through_arrows_interface(frame):
    assert read(open_table(frame)) == ROWS


def test_a_dict_of_arrays_needs_no_pyarrow():
    arrays = {
        "n": np.array([1, 2]),
        "x": [0.5, float("nan")],
        "c": ["a", None],
        "b": [True, False],
        "t": np.array(["2026-10-01", "2026-10-02"], "datetime64[D]"),
    }
    found = read(open_table(arrays))
    assert (found["n"], found["c"], found["b"]) == ([1.0, 2.0], ["a", None], ["true", "false"])
    assert found["x"][0] == 0.5
    assert np.isnan(found["x"][1])
    assert found["t"] == [1_790_812_800_000_000, 1_790_899_200_000_000]


def test_arrow_types_become_numbers_categories_or_times():
    table = pa.table(
        {
            "decimal": pa.array([1, None], pa.decimal128(5, 2)),
            "half": pa.array([1.5, 2.5], pa.float16()),
            "flag": pa.array([True, None]),
            "codes": pa.array(["a", "b"]).dictionary_encode(),
            "ints": pa.array([7, 8]).dictionary_encode(),
            "day": pa.array([0, 1], pa.date32()),
            "nothing": pa.nulls(2),
            "view": pa.array(["x", ""], pa.string_view()),
        }
    )
    assert read(open_table(table)) == {
        "decimal": [1.0, None],
        "half": [1.5, 2.5],
        "flag": ["true", None],
        "codes": ["a", "b"],
        "ints": [7.0, 8.0],
        "day": [0, 86_400_000_000],
        "nothing": [None, None],
        "view": ["x", None],
    }


def test_a_column_that_is_no_value_is_left_out_and_told():
    table = open_table(pa.table({"x": [1.0], "list": [[1, 2]], "raw": [b"x"]}), "frame")
    assert table.columns == ["x"]
    assert list(table.notes.values()) == [
        "frame: column 'list' is left out: a list<item: int64> is no number, text, boolean, time or list of floats",
        "frame: column 'raw' is left out: a binary is no number, text, boolean, time or list of floats",
    ]


ODD_CELLS = [
    *ABSENT,
    "1",
    "-2.5",
    "+3",
    "1e5",
    "1E-5",
    ".5",
    "5.",
    "007",
    "0.1",
    "nan",
    "-nan",
    "inf",
    "1_0",
    " 1",
    "1 ",
]
ODD_CELLS += ["-0", "0x1", "1e99999", "12345678901234567890", "1" * 25 + ".5", "NA", "\u0661", "1e", "-", "true", "a,b"]
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0", exclude_categories=["Cs"]), max_size=5)
CELL = st.one_of(st.sampled_from(ODD_CELLS), st.floats().map(repr), st.integers().map(str), TEXT)


@given(st.lists(CELL, min_size=1))
def test_cells_are_numbers_by_one_grammar(texts):
    assert TextCells(texts).numeric() == all(text in ABSENT or bool(NUMERAL.fullmatch(text)) for text in texts)


@given(st.lists(CELL, min_size=1))
def test_pyarrow_and_the_standard_library_read_the_same_cells(texts):
    ours, theirs = TextCells(texts), arrow.ArrowCells(pa.array(texts))
    assert ours.numeric() == theirs.numeric()
    assert ours.category().texts() == theirs.category().texts()
    left, right = ours.number(), theirs.number()
    assert left.valid.tolist() == right.valid.tolist()
    assert np.array_equal(left.data[left.valid], right.data[right.valid], equal_nan=True)


@given(st.lists(st.tuples(CELL, CELL, CELL), min_size=1, max_size=40))
def test_pyarrow_and_the_standard_library_read_the_same_file(rows):
    raw = as_csv({"a": [row[0] for row in rows], "b": [row[1] for row in rows], "c": [row[2] for row in rows]})
    found = [
        [
            [batch[name].category().texts() for name in "abc"]
            for batch in form(lambda: io.BytesIO(raw), "f").batches("abc")
        ]
        for form in (csvtext.csv_table, arrow.csv_table)
    ]
    assert found[0] == found[1]


MOMENT = st.datetimes().flatmap(
    lambda moment: st.sampled_from(
        [
            moment.isoformat(),
            moment.isoformat(" "),
            moment.isoformat() + "Z",
            moment.isoformat() + "+02:00",
            moment.date().isoformat(),
            str(moment.year),
            "yesterday",
            "1790812800",
            "1790812800123",
            "",
        ]
    )
)


@given(st.lists(MOMENT, min_size=1))
def test_pyarrow_and_the_standard_library_read_the_same_times(texts):
    ours, theirs = moments(TextCells(texts)), moments(arrow.ArrowCells(pa.array(texts)))
    assert ours.valid.tolist() == theirs.valid.tolist()
    assert ours.us[ours.valid].tolist() == theirs.us[theirs.valid].tolist()
    assert ours.naive == theirs.naive


@pytest.mark.parametrize(
    "text",
    [
        "2026-10-01T00:00:00Z",
        "2026-10-01 00:00:00",
        "2026-10-01T02:00:00+02:00",
        "2026-10-01",
        "20261001",
        "1790812800",
        "1790812800.0",
        "1790812800000",
        "1790812800000000",
        "1790812800000000000",
    ],
)
def test_a_time_is_understood_in_any_usual_form(text):
    assert of_texts([text]).us.tolist() == [1_790_812_800_000_000]


@pytest.mark.parametrize("make", [csvtext.csv_table, arrow.csv_table])
def test_a_row_of_another_width_is_left_out_and_told(make):
    table = make(lambda: io.BytesIO(b"a,b\n1,2\n3\n4,5,6\n7,8\n"), "f.csv")
    assert read(table) == {"a": [1.0, 7.0], "b": [2.0, 8.0]}
    assert list(table.notes.values()) == ["f.csv: rows without the head's 2 cells are left out; the first begins '3'"]


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (b"", "the file is empty; the first line names the columns"),
        (b"a,a\n1,2\n", "the column 'a' stands twice"),
        (b"a;b\n1;2\n", "commas between columns are needed, found 'a;b'"),
        (b"a,b\n1,\xe9\n", "not UTF-8; iconv"),
        (gzip.compress(as_csv())[:-9], "gzip data is damaged"),
        (as_parquet()[:-20], "arquet"),
        (as_stream()[:200], "f: "),
        (b"PAR1", "arquet"),
    ],
)
def test_what_is_no_table_is_told(raw, told):
    with pytest.raises(TableError, match=told):
        read(open_table(raw, "f"))


@pytest.mark.parametrize("make", [csvtext.csv_table, arrow.csv_table])
def test_a_file_without_rows_has_its_columns(make):
    assert read(make(lambda: io.BytesIO(b"a,b\n"), "f.csv")) == {"a": [], "b": []}


def test_a_file_that_is_not_there_is_named():
    with pytest.raises(TableError, match=r"/no/file: cannot be read: No such file"):
        open_table("/no/file")


@pytest.mark.parametrize("source", [7, {"a": [1], "b": [1, 2]}, {}, {"a": [[1]]}], ids=json.dumps)
def test_what_is_no_source_is_told(source):
    with pytest.raises(TableError):
        open_table(source)


VECTORS = [[0.5, 1.5, -2.0], [1.0, 2.0, 3.0]] * 3_000


def parquet_of(kind: pa.DataType) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table({"e": pa.array(VECTORS, kind), "n": range(6_000)}), out)
    return out.getvalue()


@pytest.mark.parametrize(
    "source",
    [
        parquet_of(pa.list_(pa.float32(), 3)),
        parquet_of(pa.list_(pa.float64())),
        pa.table({"e": VECTORS, "n": range(6_000)}),
        {"e": np.array(VECTORS), "n": np.arange(6_000)},
        {"e": [np.array(row) for row in VECTORS], "n": np.arange(6_000)},
    ],
    ids=["Parquet, fixed", "Parquet, lists", "frame", "array", "list of arrays"],
)
def test_embeddings_are_a_column_in_every_form_that_has_them(source):
    table = open_table(source)
    parts = [batch["e"] for batch in table.batches(["n", "e"])]
    assert {part.kind for part in parts} == {"embedding[3]"}
    assert max(len(part.valid) for part in parts) < 6_000
    np.testing.assert_array_equal(np.concatenate([part.vectors for part in parts]), np.array(VECTORS, np.float32))
    assert scan(table, ["n", "e"]).kinds == {"n": "number", "e": "embedding[3]"}


def test_vectors_of_another_length_are_missing_and_told():
    table = open_table(pa.table({"e": [[1.0, 2.0], [3.0], None, [4.0, None]]}))
    (found,) = [batch["e"] for batch in table.batches(["e"])]
    assert found.valid.tolist() == [True, False, False, True]
    assert np.isnan(found.vectors[3, 1])
    assert list(table.notes.values()) == ["Table: vectors of column 'e' without its 2 numbers are left out"]


def test_a_vector_that_is_too_long_is_told():
    table = open_table(pa.table({"e": [[0.5] * 4_097]}))
    with pytest.raises(TableError, match="'e': an embedding has 2 to 4096 numbers, found 4097"):
        list(table.batches(["e"]))
