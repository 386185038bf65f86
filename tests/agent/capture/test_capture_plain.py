"""Predictions as plain tuples become the columns that they would be one by one."""

from hypothesis import given
from hypothesis import strategies as st

from tocsin_agent.capture.plain import columns_of, gathered, parts_of
from tocsin_agent.capture.rows import Item, Waiting, table

NAMES = st.sampled_from(["a", "b", "c", 7])
PARTS = st.none() | st.dictionaries(NAMES, st.integers() | st.text(max_size=3) | st.none(), max_size=4)


class Request:
    """A request that ends when the test says so."""

    start_ns = 0

    def __init__(self, end_ns=0):
        self.end_ns = end_ns


TIMED = st.none() | st.sampled_from([0, 2_000_000_000]).map(Request)
MAYBE = st.none() | st.just("yes")
ODD = st.sampled_from([0, 9, 10**400, -(10**400), float("nan"), float("inf"), [], {}, "x"])
FIXED = st.text(max_size=3), ODD | st.floats(), MAYBE | ODD, MAYBE | ODD, MAYBE | ODD
ROWS = st.tuples(*FIXED, PARTS, PARTS, PARTS, TIMED)


def _filled(found):
    rows, columns = found
    return rows, {
        name: values
        for name, values in columns.items()
        if name in ("id", "time", "prediction") or any(value is not None for value in values)
    }


@given(st.lists(ROWS, min_size=1, max_size=6))
def test_in_columns_they_are_what_they_are_one_by_one(rows):
    one_by_one = table([Item(*parts_of(row), timed=row[-1]) for row in rows])
    assert _filled(table(rows)) == _filled(one_by_one)
    assert columns_of(rows)[0] == len(rows)


@given(st.lists(PARTS, min_size=1, max_size=6))
def test_a_value_that_a_mapping_has_not_is_none(parts):
    found = dict(gathered(parts))
    assert found.keys() == {name for part in parts for name in part or ()}
    for name, values in found.items():
        assert values == [(part or {}).get(name) for part in parts]


def test_a_row_waits_for_the_end_of_its_request():
    waiting, request = Waiting(), Request()
    assert waiting.add(("a", 1, "yes", None, None, None, None, None, request))
    assert waiting.add(("b", 2, "no", None, None, None, None, None, None))
    assert [item[0] for item in waiting.take()] == ["b"]
    request.end_ns = 3_000_000_000
    (item,) = waiting.take()
    assert table([item])[1]["latency_s"] == [3.0]
    assert waiting.rows == 0
