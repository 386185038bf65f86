"""The highest value of a window that slides."""

from hypothesis import given
from hypothesis import strategies as st

from tocsin_agent.sampling.highest import Highest


@given(st.lists(st.tuples(st.floats(0, 20), st.floats(0, 1)), max_size=60), st.floats(1, 60))
def test_the_highest_is_that_of_the_window(steps, window_s):
    highest, now, seen = Highest(window_s), 0.0, []
    for passed_s, value in steps:
        now += passed_s
        highest.add(now, value)
        seen.append((now, value))
        assert highest.value(now) == max(value for at, value in seen if now - at <= window_s)
    assert highest.value(now + window_s + 1) is None
