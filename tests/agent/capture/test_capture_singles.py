"""Single rows, one after the other in one list, become the columns that they would be one by one."""

from hypothesis import given
from hypothesis import strategies as st

from tocsin_agent.capture import rows as rows_module
from tocsin_agent.capture.rows import Waiting, table
from tocsin_agent.capture.singles import COLUMNS, columns_of, gathered

NAMES = st.sampled_from(["a", "b", "c", 7])
PARTS = st.none() | st.dictionaries(NAMES, st.integers() | st.text(max_size=3) | st.none(), max_size=4)


class Request:
    """A request that ends when the test says so."""

    start_ns = 0

    def __init__(self, end_ns=0):
        self.end_ns = end_ns


class Undecided:
    """What numpy's arrays are: no truth value comes out of a comparison."""

    def __eq__(self, other):
        raise ValueError("ambiguous")

    __hash__ = None


TIMED = st.none() | st.sampled_from([0, 2_000_000_000]).map(Request)
MAYBE = st.none() | st.just("yes")
ODD = st.sampled_from([0, 9, 10**400, -(10**400), float("nan"), float("inf"), [], {}, "x", Undecided()])
FIXED = st.text(max_size=3), ODD | st.floats(), MAYBE | ODD, MAYBE | ODD, MAYBE | ODD
ROWS = st.tuples(*FIXED, PARTS, PARTS, PARTS, TIMED)


def _filled(columns):
    return {name: [*values] for name, values in columns.items() if any(value is not None for value in values)}


@given(st.lists(ROWS, min_size=1, max_size=6))
def test_in_columns_they_are_what_they_are_one_by_one(rows):
    found = columns_of("prediction", [value for row in rows for value in row])
    one_by_one = [_filled(columns_of("prediction", [*row])) for row in rows]
    names = {name for columns in one_by_one for name in columns}
    expected = {name: [columns.get(name, [None])[0] for columns in one_by_one] for name in names}
    found = _filled(found)
    assert found.keys() == expected.keys()
    for name, values in found.items():  # by identity: NaN is no other NaN
        assert list(map(id, values)) == list(map(id, expected[name])) or name == "latency_s"
    if "latency_s" in found:
        assert str(found["latency_s"]) == str(expected["latency_s"])
    kept = [row for row in rows if table("prediction", [*row])[0]]
    assert table("prediction", [value for row in rows for value in row])[0] == len(kept)


@given(st.lists(PARTS, min_size=1, max_size=6))
def test_a_value_that_a_mapping_has_not_is_none(parts):
    found = dict(gathered(parts))
    assert found.keys() == {name for part in parts for name in part or ()}
    for name, values in found.items():
        assert [*values] == [(part or {}).get(name) for part in parts]


def test_what_no_row_has_is_no_column_unless_every_block_needs_it():
    assert columns_of("label", ["a", 1, None, None]).keys() == {"id", "time", "label"}
    assert columns_of("label", ["a", 1, "x", "receipt"]).keys() == set(COLUMNS["label"])


def _row(name, time, request=None):
    return [name, time, "yes", None, None, None, None, None, request]


def test_a_row_waits_for_the_end_of_its_request():
    waiting, request = Waiting("prediction"), Request()
    waiting.values += _row("a", 1, request) + _row("b", 2) + _row("c", 3, request) + _row("d", 4, Request(1))
    values, _ = waiting.take()
    assert values == _row("b", 2) + _row("d", 4, values[-1])
    assert waiting.rows == 2
    assert waiting.take() == ([], [])
    request.end_ns = 3_000_000_000
    rows, columns = table("prediction", waiting.take()[0])
    assert (rows, columns["id"], columns["latency_s"]) == (2, ["a", "c"], [3.0, 3.0])
    assert waiting.rows == 0


def test_a_row_does_not_wait_for_ever(monkeypatch):
    waiting = Waiting("prediction")
    waiting.values += _row("a", 1, Request())
    assert waiting.take() == ([], [])
    now = rows_module.monotonic() + rows_module.PATIENCE_S
    monkeypatch.setattr(rows_module, "monotonic", lambda: now + 1)
    assert waiting.take()[0][0] == "a"
