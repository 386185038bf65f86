"""Frames that are put together have the rows of their parts, each value as it came."""

from array import array
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tocsin_collector.frame import Frame, alike, category, concat, embedding, frame, number
from tocsin_collector.texts import Texts
from tocsin_collector.verdict import ModelKey
from tocsin_schema.block import Block, column, decode, encode

KEY = ModelKey("shop", "credit", "3")
cells = st.one_of(st.none(), st.floats(allow_nan=False)), st.one_of(st.none(), st.text(max_size=3))
columns = st.one_of(*(st.lists(cell, min_size=3, max_size=3) for cell in cells))
parts = st.lists(st.dictionaries(st.sampled_from("abc"), columns), min_size=1, max_size=5)


def _frame(at, cells):
    packed = Texts(f"{at}-0{at}-1{at}-2".encode(), np.arange(0, 10, 3, dtype=np.uint32))
    made = {
        name: category(some) if any(isinstance(cell, str) for cell in some) else number(some)
        for name, some in cells.items()
    }
    return Frame("prediction", KEY, np.arange(3) + 3 * at, packed, made)


def _cells(frame, name):
    values = frame.columns.get(name)
    return [None] * frame.rows if values is None else values.texts()


@given(parts)
def test_a_row_of_the_whole_is_the_row_of_its_part(some):
    frames = [_frame(at, cells) for at, cells in enumerate(some)]
    whole = concat(frames)
    assert whole.time_us.tolist() == list(range(3 * len(some)))
    assert list(whole.ids) == [event_id for frame in frames for event_id in frame.ids]
    for name in whole.columns:
        assert whole.columns[name].texts() == [text for frame in frames for text in _cells(frame, name)]


@given(parts)
def test_frames_that_are_alike_become_one_and_no_value_becomes_of_another_kind(some):
    frames = [_frame(at, cells) for at, cells in enumerate(some)]
    runs = list(alike(frames))
    kinds = [{name: values.kind for name, values in run.columns.items()} for run in runs]
    assert all(a != b for a, b in pairwise(kinds))
    rows = [(row, name, text) for run in runs for name in run.columns for row, text in _named(run, name)]
    assert sorted(rows) == sorted(
        (row, name, text) for frame in frames for name in frame.columns for row, text in _named(frame, name)
    )


def _named(frame, name):
    return zip(frame.ids, map(str, frame.columns[name].texts()), strict=True)


rows = st.lists(
    st.tuples(
        *(
            st.none() | cell
            for cell in (
                st.floats(allow_nan=False),
                st.text("ab日", max_size=2),
                st.booleans(),
                st.integers(-(1 << 63), (1 << 63) - 1),
            )
        )
    ),
    max_size=4,
)


def _block(at, some):
    ids = [f"{at}-{row}" for row in range(len(some))]
    kinds = (("feature.n", "f64"), ("feature.t", "str"), ("feature.b", "bool"), ("feature.i", "i64"))
    made = [column("time", [10 * at + row for row in range(len(some))], "time"), column("id", ids, "str")]
    made += [column(name, [row[place] for row in some], dtype) for place, (name, dtype) in enumerate(kinds)]
    made.append(column("feature.d", [row[1] for row in some], "dict"))
    vectors = [None if row[2] is None else array("f", [at, row[2], 0.5]) for row in some]
    made.append(column("feature.v", vectors, "f32[3]"))
    named = {item.name: item for item in made}
    return Block(
        "prediction",
        project="shop",
        model="credit",
        version="3",
        rows=len(some),
        producer="0" * 32,
        sequence=at,
        columns=named,
    )


@given(st.lists(rows, min_size=1, max_size=4), st.booleans(), st.booleans())
def test_the_frame_of_blocks_has_the_rows_of_their_frames(some, were_read, twice):
    blocks = [_block(at, own) for at, own in enumerate(some)]
    if were_read:
        blocks = [decode(encode(block)) for block in blocks]
    if twice:
        blocks = [block for block in blocks for _ in range(2)]  # those of one layout follow each other
    whole = frame(*blocks)
    single = [frame(block) for block in blocks]
    assert whole.time_us.tolist() == [time for one in single for time in one.time_us.tolist()]
    at = 0
    for one in single:
        part = whole.part(at, at + one.rows)
        assert list(part.ids) == list(one.ids)
        assert part.time_us.tolist() == one.time_us.tolist()
        assert _all_texts(part) == _all_texts(one)
        assert part.columns["feature.v"].vectors.tolist() == one.columns["feature.v"].vectors.tolist()
        at += one.rows


def _all_texts(part):
    return {name: (values.kind, values.texts()) for name, values in part.columns.items()}


def test_ids_that_are_packed_stay_packed():
    assert isinstance(concat([_frame(0, {}), _frame(1, {})]).ids, Texts)


@given(st.lists(st.integers(0, 4), min_size=1, max_size=4), st.integers(2, 5))
def test_embeddings_of_one_length_are_joined_and_where_a_part_has_none_they_are_missing(sizes, wide):
    frames = []
    for at, size in enumerate(sizes):
        vectors = np.full((3, wide), at, np.float32)
        cells = {} if size == 0 else {"e": embedding(vectors, np.arange(3) < size)}
        frames.append(Frame("prediction", KEY, np.arange(3), [f"{at}-{row}" for row in range(3)], cells))
    whole = concat(frames)
    if not any(sizes):
        assert "e" not in whole.columns
        return
    found = whole.columns["e"]
    assert found.valid.tolist() == [row < size for size in sizes for row in range(3)]
    expected = np.repeat(np.arange(len(sizes), dtype=np.float32), 3)
    assert (found.vectors[found.valid] == expected[found.valid][:, None]).all()
    assert (found.take(np.array([0])).vectors == found.vectors[:1]).all()


def test_embeddings_of_another_length_are_another_kind():
    short, long = (embedding(np.ones((3, wide), np.float32), np.ones(3, bool)) for wide in (2, 3))
    frames = [Frame("prediction", KEY, np.arange(3), ["a", "b", "c"], {"e": values}) for values in (short, short, long)]
    assert [run.columns["e"].kind for run in alike(frames)] == ["embedding[2]", "embedding[3]"]
