"""The file of a reference is read with exact faults, and what is written reads back the same."""

import gzip

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin_collector.frame import Frame, category, embedding, number
from tocsin_collector.monitor.reference_file import ReferenceFileError, ReferenceRows, digest, parse, render
from tocsin_collector.verdict import CATEGORY, NUMBER, ModelKey

KEY = ModelKey("demo", "m", "1")
GOOD = (
    b"time,id,feature.age,feature.city,prediction,score.yes,label,outcome.cost\n"
    b"2026-01-01T00:00:00Z,a,41,Lyon,yes,0.8,no,3\n"
)


def test_columns_become_numbers_and_categories():
    rows = parse(GOOD, KEY, {})
    features = rows.frame.group("feature.")
    assert (features["age"].kind, features["city"].kind) == (NUMBER, CATEGORY)
    assert (rows.labels.texts(), rows.outcomes["cost"].data.tolist()) == (["no"], [3.0])


def test_a_feature_that_the_stream_shows_as_category_is_one_though_it_reads_as_number():
    rows = parse(GOOD, KEY, {"feature.age": CATEGORY})
    assert rows.frame.columns["feature.age"].texts() == ["41"]


def test_an_empty_cell_is_missing():
    rows = parse(b"time,feature.x\n2026-01-01T00:00:00Z,\n2026-01-01T00:00:00Z,2\n", KEY, {})
    assert rows.frame.columns["feature.x"].valid.tolist() == [False, True]


def test_gzip_and_a_byte_order_mark_are_understood():
    assert parse(gzip.compress(b"\xef\xbb\xbf" + GOOD), KEY, {}).frame.rows == 1


@pytest.mark.parametrize(
    ("raw", "fault"),
    [
        (b"", "the file is empty"),
        (b"time,feature.x\n", "a head and no rows"),
        (b"id,feature.x\n1,2\n", "a column `time` is needed"),
        (b"time,id\n2026-01-01T00:00:00Z,1\n", "no column `feature.NAME`"),
        (b"time,feature.x,feature.x\n2026-01-01T00:00:00Z,1,1\n", "'feature.x' stands twice"),
        (b"time,feature.x,age\n2026-01-01T00:00:00Z,1,1\n", "column 'age': one of time, id"),
        (b"time,feature.x\n2026-01-01T00:00:00Z,1,9\n", "line 2: 3 cells, the head has 2"),
        (b"time,feature.x\nyesterday,1\n", "line 2, column time: 'yesterday' is no RFC 3339 time"),
        (b"time,feature.x\n2026-01-01T00:00:00,1\n", "lacks its offset"),
        (b"time,feature.x,score.yes\n2026-01-01T00:00:00Z,1,high\n", "line 2, column score.yes: 'high' is no number"),
        (b"time,feature.x\n\xff,1\n", "not UTF-8 at byte 15"),
        (b"time,feature.a\n9999-12-31T23:59:59-14:00,1\n", "line 2, column time: .*a year from 1970 to 2199 is needed"),
        (b"time,feature.a\n0001-01-01T00:00:00+14:00,1\n", "a year from 1970 to 2199 is needed"),
        (gzip.compress(GOOD, mtime=0)[:-9], "the gzip data is damaged"),
        (b'time,feature.x\n"2026,1\n', "no CSV"),
    ],
)
def test_a_fault_says_where_and_what(raw, fault):
    with pytest.raises(ReferenceFileError, match=fault.replace("(", r"\(")):
        parse(raw, KEY, {})


@given(st.binary(max_size=200))
def test_any_bytes_give_rows_or_a_fault(raw):
    try:
        rows = parse(raw, KEY, {})
    except ReferenceFileError:
        return
    assert rows.frame.rows > 0


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n\0"), min_size=1, max_size=8)
cells = st.lists(
    st.tuples(st.one_of(st.none(), st.floats(allow_nan=False)), st.one_of(st.none(), texts)), min_size=1, max_size=6
)


@given(cells)
def test_what_is_written_reads_back_the_same(rows):
    ages, cities = zip(*rows, strict=True)
    columns = {"feature.age": number(ages), "feature.city": category(cities)}
    frame = Frame("prediction", KEY, np.arange(len(rows), dtype=np.int64), [str(n) for n in range(len(rows))], columns)
    back = parse(render(ReferenceRows(frame, None, {})), KEY, {"feature.age": NUMBER, "feature.city": CATEGORY}).frame
    assert (back.ids, back.time_us.tolist()) == (frame.ids, frame.time_us.tolist())
    assert back.columns["feature.city"].texts() == list(cities)
    assert [
        v if ok else None
        for v, ok in zip(back.columns["feature.age"].data, back.columns["feature.age"].valid, strict=True)
    ] == list(ages)


def test_embeddings_read_back_the_same():
    vectors = np.array([[0.1, -2.0, 1e-30], [0, 0, 0], [1, 2, np.nan]], np.float32)
    values = embedding(vectors, np.array([True, False, True]))
    frame = Frame("prediction", KEY, np.arange(3) * 1_000_000, ["a", "b", "c"], {"feature.e": values})
    found = parse(render(ReferenceRows(frame, None, {})), KEY, {"feature.e": values.kind})
    again = found.frame.columns["feature.e"]
    assert (again.kind, again.valid.tolist()) == ("embedding[3]", [True, False, True])
    np.testing.assert_array_equal(again.vectors[[0, 2]], vectors[[0, 2]])
    assert digest(found) == digest(ReferenceRows(frame, None, {}))


def test_a_csv_file_of_the_users_own_holds_no_embedding():
    raw = b'time,feature.e\n2026-01-01T00:00:00Z,"[0.1, 0.2, 0.3]"\n'
    with pytest.raises(
        ReferenceFileError, match=r"line 2, column feature.e: .* send the reference as Parquet or Arrow"
    ):
        parse(raw, KEY, {"feature.e": "embedding[3]"})
