"""The id of a log line: re-reading cannot change it, rotation cannot make two of it."""

from hypothesis import given
from hypothesis import strategies as st

from tocsin_schema.logrecord import FIELDS, MAX_ID, REQUIRED, file_key, line_id


def test_the_id_of_a_known_line() -> None:
    key = file_key(b"first line")
    assert key == "1de24ae78ad00c30"
    assert line_id(key, 4096, b"hello") == "1de24ae78ad00c3000000010003610a686"


@given(st.binary(max_size=50), st.integers(0, (1 << 40) - 1), st.binary(max_size=50))
def test_an_id_has_one_length_and_fits(first: bytes, offset: int, line: bytes) -> None:
    found = line_id(file_key(first), offset, line)
    assert len(found) == 34 <= MAX_ID
    assert set(found) <= set("0123456789abcdef")


@given(st.integers(0, 1 << 39), st.integers(0, 1 << 39), st.binary(max_size=20))
def test_another_place_is_another_id(one: int, other: int, line: bytes) -> None:
    assert (line_id("0" * 16, one, line) == line_id("0" * 16, other, line)) == (one == other)


def test_what_is_needed_is_described() -> None:
    assert set(REQUIRED) <= set(FIELDS)
