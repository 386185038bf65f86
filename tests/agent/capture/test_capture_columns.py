"""Arbitrary values become columns of a sound block."""

import math
from array import array
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum, IntEnum

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin_agent.capture.columns import MAX_TEXT, Builder
from tocsin_agent.capture.rows import micros, split, table
from tocsin_agent.capture.vectors import apart
from tocsin_schema.block import MAX_COLUMNS, Block, decode, encode


class Colour(str, Enum):  # noqa: UP042 - the form that serving code has
    RED = "red"


class Level(IntEnum):
    HIGH = 3


class Hostile:
    def __len__(self) -> int:
        raise RuntimeError("no length")

    def __str__(self) -> str:
        raise RuntimeError("no text for you")

    def __float__(self) -> float:
        raise RuntimeError("no number either")


@pytest.fixture
def altered():
    return []


def build(rows, altered=None, builder=None):
    builder = builder or Builder((altered if altered is not None else []).append, lambda: None)
    ((count, built),) = builder.build(whole(rows))
    block = Block(
        "prediction", project="p", model="m", version="", rows=count, producer="0" * 32, sequence=1, columns=built
    )
    return decode(encode(block))


def whole(rows):
    """A table of predictions."""
    return table("prediction", [value for row in rows for value in row])


def row(name="a", time=1.5, prediction=None, latency_s=None, trace_id=None, features=None, scores=None, segment=None):
    """The values of one prediction."""
    return name, time, prediction, latency_s, trace_id, features, scores, segment, None


def single(**features):
    return row(features=features)


def column(values, altered=None):
    block = build([single(x=value) for value in values], altered)
    return block.columns["feature.x"]


def test_numbers_keep_their_kind():
    assert (column([1, 2, None]).dtype, column([1, 2, None]).to_list()) == ("i64", [1, 2, None])
    assert (column([1, 2.5]).dtype, column([1, 2.5]).to_list()) == ("f64", [1.0, 2.5])
    assert (column([True, False]).dtype, column([True, None]).to_list()) == ("bool", [True, None])
    assert (column([True, 2]).dtype, column([True, 2]).to_list()) == ("i64", [1, 2])
    assert column([1 << 80, 1]).to_list() == [float(1 << 80), 1.0]


def test_numpy_enum_and_decimal_are_what_they_mean():
    assert column([np.float32(0.5), np.int64(2), 1]).to_list() == [0.5, 2.0, 1.0]
    assert column([np.bool_(1), np.bool_(0)]).to_list() == [True, False]
    assert column([Level.HIGH, 1]).to_list() == [3, 1]
    assert column([Colour.RED, np.str_("blue"), b"gr\xffn"]).to_list() == ["red", "blue", "gr\ufffdn"]
    assert column([Decimal("1.25")]).to_list() == [1.25]


@pytest.mark.parametrize(
    "row",
    [
        [0.5, -2, 3.0],
        (0.5, -2.0, 3.0),
        array("d", [0.5, -2.0, 3.0]),
        array("f", [0.5, -2.0, 3.0]),
        np.array([0.5, -2.0, 3.0], np.float32),
        np.array([0.5, -2.0, 3.0], np.float16),
        np.array([0.5, 9, -2.0, 9, 3.0, 9])[::2],
        [*np.array([0.5, -2.0, 3.0], np.float32)],
        memoryview(array("f", [0.5, -2.0, 3.0])),
    ],
    ids=lambda row: type(row).__name__,
)
def test_lists_and_arrays_of_numbers_are_vectors(row):
    found = column([row, None])
    assert (found.dtype, found.to_list()) == ("f32[3]", [[0.5, -2.0, 3.0], None])


def test_what_is_no_vector_among_them_is_missing_and_counted(altered):
    assert column([[1, 2], [3, 4], "x"], altered).to_list() == [[1.0, 2.0], [3.0, 4.0], None]
    assert altered == ["mixed"]


def test_rows_are_parted_by_the_lengths_of_their_vectors_and_none_is_lost():
    rows = [single(x=[1.0] * length if length else None, n=at) for at, length in enumerate([2, 3, 0, 2, 3, 3])]
    parts = Builder([].append, lambda: None).build(whole(rows))
    assert [count for count, _ in parts] == [3, 3]
    assert [columns["feature.n"].to_list() for _, columns in parts] == [[0, 2, 3], [1, 4, 5]]
    assert [columns["feature.x"].dtype for _, columns in parts] == ["f32[2]", "f32[3]"]


def test_lists_of_many_lengths_are_no_vectors():
    rows = [list(range(length)) for length in range(2, 8)]
    many = whole([single(x=numbers) for numbers in rows])
    assert [*apart(many)] == [many]
    assert column(rows).to_list()[0] == "[0,1]"


def test_a_column_of_vectors_keeps_its_kind_while_all_are_missing():
    builder = Builder([].append, lambda: None)
    build([single(x=[1.0, 2.0])], builder=builder)
    assert build([single(x=None)], builder=builder).columns["feature.x"].dtype == "f32[2]"


@pytest.mark.parametrize("row", [[1.0], [0.5] * 4_097, [True, False], [[1, 2], [3, 4]]], ids=len)
def test_what_is_no_embedding_stays_text(row):
    assert column([row, row]).dtype in ("str", "dict")


def test_a_list_that_is_no_feature_is_json():
    block = build([row(prediction=[3, 1, 2])])
    assert block.columns["prediction"].to_list() == ["[3,1,2]"]


def test_lists_and_grades_are_json():
    assert column([["a", "b"], ("c",), {"é": 3}]).to_list() == ['["a","b"]', '["c"]', '{"é":3}']
    assert column([[Decimal("1.5"), Level.HIGH]]).to_list() == ['["1.5",3]']
    own: list[object] = []
    own.append(own)
    assert column([own]).to_list() == ["[[...]]"]


def test_one_text_makes_the_column_text_and_is_counted(altered):
    found = column([1, "many", 2.5, None], altered)
    assert found.to_list() == ["1", "many", "2.5", None]
    assert altered == ["mixed"]


def test_nan_is_missing_and_infinity_is_missing_and_counted(altered):
    assert column([math.nan, 1.0, math.inf, -math.inf, 10**400], altered).to_list() == [None, 1.0, None, None, None]
    assert altered == ["nonfinite"] * 3


def test_a_value_that_cannot_be_read_is_missing_and_counted(altered):
    assert column([Hostile(), 1], altered).to_list() == [None, 1]
    assert altered == ["unreadable"]


def test_a_feature_that_is_missing_throughout_keeps_its_kind():
    builder = Builder([].append, lambda: None)
    build([single(city="Lyon"), single(city="Lyon")], builder=builder)
    found = build([single(city=None), single(city=None)], builder=builder).columns["feature.city"]
    assert found.to_list() == [None, None]
    assert found.dtype in ("str", "dict")


def test_repeated_texts_become_a_dictionary_and_ids_do_not():
    block = build([single(city="Lyon") for _ in range(4)])
    assert block.columns["feature.city"].dtype == "dict"
    assert block.columns["id"].dtype == "str"
    assert block.columns["id"].to_list() == ["a"] * 4


def test_scores_are_numbers_and_segments_are_text():
    block = build([row(scores={"yes": np.float32(1), "no": "x"}, segment={"zone": 3})])
    assert block.columns["score.yes"].to_list() == [1.0]
    assert block.columns["score.no"].to_list() == [None]
    assert block.columns["segment.zone"].to_list() == ["3"]


def test_long_text_is_cut_and_lone_surrogates_are_replaced(altered):
    found = column(["x" * (MAX_TEXT + 1), "\ud800"], altered).to_list()
    assert found == ["x" * MAX_TEXT, "?"]
    assert altered == ["cut"]


def test_a_bad_name_costs_its_column_only(altered):
    block = build([single(**{"": 1, "x" * 300: 2, "ok": 3, "\udfff": 4})], altered)
    assert [name for name in block.columns if name.startswith("feature.")] == ["feature.ok", "feature.?"]
    assert altered == ["name", "name"]


def test_more_columns_than_a_block_takes_are_left_out_and_counted(altered):
    block = build([single(**{f"f{i}": i for i in range(MAX_COLUMNS + 50)})], altered)
    assert len(block.columns) == MAX_COLUMNS
    assert altered == ["overflow"]


def test_a_header_never_outgrows_its_limit(altered):
    wild = {"\x01" * 200 + f"{i}": "\x02" * 700 for i in range(700)}
    assert build([single(**wild), single(**wild)], altered).rows == 2


def test_times_are_microseconds_and_a_naive_datetime_is_utc():
    assert micros(1.5) == 1_500_000
    naive = datetime(1970, 1, 1, 0, 0, 2)  # noqa: DTZ001 - the case
    assert micros(naive) == micros(datetime(1970, 1, 1, 0, 0, 2, tzinfo=UTC)) == 2_000_000


@pytest.mark.parametrize(
    "time",
    [
        "1970-01-01T00:00:02Z",
        "1970-01-01T02:00:02+02:00",
        "1970-01-01T00:00:02",
        "2.0",
        np.datetime64("1970-01-01T00:00:02"),
        np.datetime64(2_000_000_000, "ns"),
        np.float32(2),
        np.int64(2),
    ],
    ids=str,
)
def test_a_time_may_be_a_text_or_numpys(time):
    assert micros(time) == 2_000_000
    assert whole([row("a", 1), row("b", time)])[1]["time"] == [1_000_000, 2_000_000]


@pytest.mark.parametrize("time", ["yesterday", np.datetime64("NaT"), math.nan, math.inf, 1e300, Hostile()])
def test_a_row_without_a_readable_time_is_left_out(time):
    rows, columns = whole([row("b", 2), row("a", time), row("c", 3)])
    assert (rows, columns["id"], columns["time"]) == (2, ["b", "c"], [2_000_000, 3_000_000])


def test_an_outcome_without_a_number_is_left_out():
    rows, columns = table("outcome", ["a", 1, "n", "x", "b", 1, "n", "2"])
    assert (rows, columns["id"], columns["value"]) == (1, ["b"], [2.0])


def test_split_gives_every_row_once():
    pieces = list(split((5, {"id": [1, 2, 3, 4, 5]}), 2))
    assert [rows for rows, _ in pieces] == [2, 2, 1]
    assert [row for _, columns in pieces for row in columns["id"]] == [1, 2, 3, 4, 5]


values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.text(st.characters(categories=["Cs"]), max_size=3),
    st.binary(max_size=5),
    st.decimals(),
    st.lists(st.integers(), max_size=3),
    st.builds(object),
    st.builds(Hostile),
    st.sampled_from(
        [np.float64(1), np.float32("nan"), np.int8(3), np.array([1, 2]), np.datetime64("2026-01-01"), Colour.RED]
    ),
)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "features": st.dictionaries(st.text(max_size=5) | st.integers(), values, max_size=5),
                "scores": st.none() | st.dictionaries(st.text(max_size=3), values, max_size=3),
                "segment": st.dictionaries(st.text(max_size=3), values, max_size=3),
                "prediction": values,
                "latency_s": values,
                "trace_id": values,
            }
        ),
        min_size=1,
        max_size=6,
    )
)
def test_whatever_the_values_the_block_is_sound_and_has_every_row(rows):
    block = build([row(f"r{number}", 1.0, **one) for number, one in enumerate(rows)])
    assert block.columns["id"].to_list() == [f"r{number}" for number in range(len(rows))]
