"""Axes have round ticks around all values, written exactly."""

from hypothesis import given
from hypothesis import strategies as st

from tocsin_dashboards.preview.scale import Scale, ticks, time_ticks, written

UNITS = st.sampled_from(["short", "none", "bytes", "s", "percentunit", "Bps"])
VALUES = st.floats(-1e12, 1e12, allow_nan=False)


@given(low=VALUES, length=st.floats(1e-6, 1e12), unit=UNITS)
def test_ticks_rise_around_the_values_and_are_few(low, length, unit):
    high = low + length
    found = ticks(low, high, unit)
    assert found == sorted(set(found))
    assert 2 <= len(found) <= 9
    slack = (found[-1] - found[0]) * 1e-6
    assert found[0] <= low + slack
    assert found[-1] >= high - slack


@given(low=st.floats(0, 1e6), length=st.floats(1e-3, 1e9), unit=UNITS)
def test_every_tick_has_a_text(low, length, unit):
    found = ticks(low, low + length, unit)
    assert len(written(found, unit)) == len(found)


def test_round_numbers():
    assert written(ticks(0, 0.93, "percentunit"), "percentunit") == ["0%", "20%", "40%", "60%", "80%", "100%"]
    assert written(ticks(0, 0.9, "none"), "none") == ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]
    assert written(ticks(0, 3e9, "bytes"), "bytes") == ["0 B", "1 GiB", "2 GiB", "3 GiB"]
    assert written(ticks(0, 1_300, "s"), "s") == ["0 s", "5 mins", "10 mins", "15 mins", "20 mins", "25 mins"]


def test_times_are_full_minutes_or_hours():
    assert [text for _, text in time_ticks(3_590, 4_250, 6)] == ["01:00", "01:02", "01:04", "01:06", "01:08", "01:10"]
    assert [text for _, text in time_ticks(0, 86_400, 4)] == ["00:00", "06:00", "12:00", "18:00", "00:00"]
    assert [text for _, text in time_ticks(10, 40, 3)] == ["00:00:10", "00:00:20", "00:00:30", "00:00:40"]


@given(start=st.floats(1, 2e9), length=st.floats(5, 1e7), most=st.integers(2, 15))
def test_times_lie_within_the_span(start, length, most):
    found = time_ticks(start, start + length, most)
    assert all(start <= at <= start + length for at, _ in found)
    assert len(found) <= max(most, length / 604_800) + 1


def test_a_scale_is_a_line():
    scale = Scale(0, 10, 100, 0)
    assert (scale(0), scale(5), scale(10)) == (100, 50, 0)
