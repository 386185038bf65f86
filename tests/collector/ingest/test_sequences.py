"""A set of integers as ranges, against a set."""

from hypothesis import given
from hypothesis import strategies as st

from tocsin_collector.ingest.sequences import Sequences


@given(st.lists(st.integers(0, 12) | st.integers(0, (1 << 63) - 1), max_size=60))
def test_it_holds_what_was_put_in_and_not_taken_out(numbers: list[int]) -> None:
    sequences, oracle = Sequences(), set()
    for number in numbers:  # the second time takes it out again
        assert (number in sequences) == (number in oracle)
        (sequences.remove if number in oracle else sequences.add)(number)
        oracle ^= {number}
        for near in (number - 1, number, number + 1):
            assert (near in sequences) == (near in oracle)
    assert len(sequences) == sum(number - 1 not in oracle for number in oracle)


def test_a_producer_without_gaps_is_one_range() -> None:
    sequences = Sequences()
    for number in [*range(0, 1_000, 2), *range(999, 0, -2)]:
        sequences.add(number)
    assert (sequences.starts, sequences.ends) == ([0], [1_000])
