"""Counters that become rates."""

from hypothesis import given
from hypothesis import strategies as st

from tocsin_agent.sampling.counters import Counters

GAP_S = 0.5
STEPS = st.lists(st.tuples(st.floats(0.001, 0.4), st.integers(0, 2**64)), min_size=1, max_size=30)


@given(STEPS, st.sampled_from([1.0, 512.0, 1e-6]))
def test_rates_times_the_time_that_passed_are_what_the_counter_gained(steps, unit):
    counters, now, count = Counters([unit], GAP_S), 1.0, 7
    assert counters.rates(now, [count]) is None
    for passed_s, gain in steps:
        before, now, count = now, now + passed_s, count + gain
        (rate,) = counters.rates(now, [count])
        assert abs(rate * (now - before) - gain * unit) <= 1e-9 * gain * unit


def test_a_counter_that_fell_tells_nothing_once():
    counters = Counters([1.0, 1.0], GAP_S)
    counters.rates(1.0, [100, 100])
    assert counters.rates(1.1, [5, 1000]) is None
    assert [round(rate) for rate in counters.rates(1.2, [15, 1000])] == [100, 0]


def test_what_passed_in_a_gap_is_no_rate():
    """A process that was stopped for ten seconds, or a host that was suspended."""
    counters = Counters([1.0], GAP_S)
    counters.rates(1.0, [0])
    assert counters.rates(11.0, [10**12]) is None
    assert [round(rate) for rate in counters.rates(11.1, [10**12 + 1])] == [10]


def test_two_looks_at_once_tell_nothing():
    counters = Counters([1.0], GAP_S)
    counters.rates(1.0, [0])
    assert counters.rates(1.0, [5]) is None
