"""Windows cut event time."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tocsin_collector.monitor.windows import Calendar

DAY = 86_400.0
times = st.integers(0, 7_258_118_400_000_000)


@given(times, st.sampled_from([60.0, 3_600.0, DAY]), st.sampled_from([0.0, -18_000.0, 19_800.0]))
def test_each_time_lies_in_exactly_its_window(micros, length_s, offset_s):
    calendar = Calendar(length_s, offset_s)
    index = int(calendar.index(np.array([micros]))[0])
    assert calendar.start_s(index) * 1e6 <= micros < calendar.end_s(index) * 1e6


def test_a_day_begins_at_local_midnight():
    calendar = Calendar(DAY, -5 * 3_600)
    midnight_in_new_york = 1_386_219_600  # 2013-12-05T00:00:00-05:00
    before, after = calendar.index(np.array([midnight_in_new_york * 10**6 - 1, midnight_in_new_york * 10**6])).tolist()
    assert (after - before, calendar.start_s(after)) == (1, midnight_in_new_york)


def test_a_window_is_final_after_lateness_and_label_wait():
    calendar = Calendar(DAY, 0, lateness_s=600, label_wait_s=3_600)
    assert (calendar.closes_s(0), calendar.final_s(0)) == (DAY + 600, DAY + 4_200)
