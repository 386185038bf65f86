"""The agent's own cost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin_agent.sources.process import UNLIMITED, limit, sizes, started

LIMITS = """Limit                     Soft Limit           Hard Limit           Units
Max address space         unlimited            unlimited            bytes
Max open files            1024                 524288               files
"""


def test_limits_are_read_by_their_name():
    assert limit(LIMITS, "Max open files") == 1024
    assert limit(LIMITS, "Max address space") == UNLIMITED
    assert limit(LIMITS, "Max nothing") is None


@given(st.text(max_size=100))
def test_any_limits_give_a_number_or_none(text):
    found = limit(text, "Max")
    assert found is None or found >= 0


def test_a_name_with_brackets_and_spaces_does_not_move_the_start():
    fields = " ".join(str(n) for n in range(3, 53))
    assert started(f"42 (a) b (c) {fields}") == 22
    assert started("42 (a)") is None


@given(st.binary(max_size=40))
def test_pages_or_a_value_error(outcome, data):
    found, error = outcome(sizes, data)
    assert "counts of pages expected" in error if error else min(found) >= 0


@pytest.mark.parametrize("data", [b"", b"5", b"5 x", b"-1 2"])
def test_a_torn_statm_is_a_value_error(data):
    with pytest.raises(ValueError, match="counts of pages"):
        sizes(data)
