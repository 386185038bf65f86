"""The watermark follows the stream, and neither a wrong clock nor one event."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin_collector.monitor.watermark import QUORUM, SETTLED, Watermark

HOUR, DAY = 3_600.0, 86_400.0
YEAR = 365 * DAY
IN_2013, IN_2026 = 43 * YEAR, 56 * YEAR


@pytest.fixture
def watermark():
    return Watermark(DAY, 7 * DAY)


def _block(watermark, *times_s, now_s=None):
    return watermark.events(np.array([int(time_s * 1e6) for time_s in times_s]), now_s)


def _blocks(watermark, start_s, count, step_s=HOUR):
    return [_block(watermark, start_s + step * step_s) for step in range(count)]


def test_it_is_the_newest_of_the_stream_and_does_not_turn_back(watermark):
    for time_s in (1_000.0, 10.0, 900.0):
        _block(watermark, time_s)
    assert watermark.value == 1_000.0


def test_a_live_streams_time_goes_on_without_traffic(watermark):
    _block(watermark, 1_000.0, now_s=1_005.0)
    watermark.tick(1_065.0)
    assert watermark.value == 1_060.0


def test_a_replays_time_stands_still_without_traffic(watermark):
    _block(watermark, 1_000.0, now_s=400_000_000.0)
    watermark.tick(400_000_900.0)
    assert watermark.value == 1_000.0


def test_one_event_ahead_of_the_clock_does_not_drag_the_stream_along(watermark):
    _block(watermark, 1_600.0, now_s=1_000.0)
    watermark.tick(1_060.0)
    assert watermark.value == 1_600.0
    watermark.tick(1_700.0)
    assert watermark.value == 1_700.0


def test_one_event_from_2100_does_not_drag_a_replay_along_and_is_given_up(watermark):
    _blocks(watermark, IN_2013, 10)
    assert not _block(watermark, 130 * YEAR)
    assert watermark.value == IN_2013 + 9 * HOUR
    assert any(_blocks(watermark, IN_2013 + 10 * HOUR, 10))
    assert watermark.value == IN_2013 + 19 * HOUR


def test_a_few_rows_of_a_block_do_not_drag_it_along_but_a_whole_block_of_many_days_is_one_stream(watermark):
    _block(watermark, *np.arange(IN_2013, IN_2013 + DAY, HOUR / 2), 130 * YEAR)
    assert watermark.value == IN_2013 + DAY - HOUR / 2
    other = Watermark(DAY, 7 * DAY)
    _block(other, *np.arange(IN_2013, IN_2013 + 30 * DAY, DAY / 2))
    assert other.value == IN_2013 + 29.5 * DAY


def test_nights_and_a_batch_a_day_go_on_at_once(watermark):
    for day in range(5):
        _block(watermark, IN_2013 + day * DAY)
        assert watermark.value == IN_2013 + day * DAY


def test_after_a_weekend_some_blocks_confirm_the_jump(watermark):
    _blocks(watermark, IN_2013, 10)
    monday = IN_2013 + 3 * DAY
    _blocks(watermark, monday, QUORUM - 1)
    assert watermark.value == IN_2013 + 9 * HOUR
    _block(watermark, monday + QUORUM * HOUR)
    assert watermark.value == monday + QUORUM * HOUR


def test_the_clock_vouches_for_what_is_of_the_present(watermark):
    _blocks(watermark, IN_2026, 10)
    monday = IN_2026 + 3 * DAY
    _block(watermark, monday, now_s=monday + 5)
    assert watermark.value == monday


def test_the_clock_vouches_for_the_journals_end_too(watermark):
    _blocks(watermark, IN_2026, 10)
    monday = IN_2026 + 3 * DAY
    _block(watermark, monday)
    watermark.resume(monday + 5)
    assert watermark.value == monday


@pytest.mark.parametrize("silent", [lambda mark: mark.tick(2 * IN_2026 + 60), lambda mark: mark.resume(2 * IN_2026)])
def test_after_a_silence_a_jump_of_days_is_believed_and_one_of_years_is_not(watermark, silent):
    monday = IN_2013 + 3 * DAY
    for time_s in (IN_2013, monday, 130 * YEAR):
        _block(watermark, time_s, now_s=2 * IN_2026)
    watermark.tick(2 * IN_2026 + 59)
    assert watermark.value == IN_2013
    silent(watermark)
    assert watermark.value == monday


def test_what_was_contradicted_is_not_believed_after_a_silence(watermark):
    for time_s in (IN_2013, IN_2013 + 3 * DAY, IN_2013 + HOUR):
        _block(watermark, time_s, now_s=IN_2026)
    watermark.tick(IN_2026 + 3_600)
    assert watermark.value == IN_2013 + HOUR


def test_a_producer_whose_clock_is_a_year_fast_does_not_drag_the_others_along(watermark):
    rng = np.random.default_rng(1)
    for step in range(4_000):
        fast = rng.random() < 0.25
        _block(watermark, IN_2013 + step * 60 + fast * YEAR)
    assert watermark.value < IN_2013 + 4_000 * 60


def test_a_first_block_that_is_wrong_is_taken_back(watermark):
    _block(watermark, 130 * YEAR)
    assert _blocks(watermark, IN_2013, QUORUM + 2) == [False] * QUORUM + [True, False]
    assert watermark.value == IN_2013 + (QUORUM + 1) * HOUR


def test_two_blocks_from_1970_do_not_turn_a_young_stream_back(watermark):
    _block(watermark, IN_2013)
    _blocks(watermark, 0.0, 2)
    assert watermark.value == IN_2013


def test_a_jump_that_was_wrong_is_taken_back(watermark):
    _blocks(watermark, IN_2013, 200)
    _blocks(watermark, 130 * YEAR, QUORUM)
    assert watermark.value > 129 * YEAR
    assert any(_blocks(watermark, IN_2013 + 200 * HOUR, 20))
    assert watermark.value == IN_2013 + 219 * HOUR


def test_a_stream_that_is_settled_does_not_go_back_for_a_replay(watermark):
    _blocks(watermark, IN_2026, SETTLED)
    _blocks(watermark, IN_2013, 10 * SETTLED)
    assert watermark.value == IN_2026 + (SETTLED - 1) * HOUR


@given(st.lists(st.integers(0, 40), min_size=1, max_size=60))
def test_a_stream_that_only_goes_forward_ends_at_most_a_quorum_of_blocks_behind(gaps):
    watermark, times = Watermark(DAY, 7 * DAY), (np.cumsum(gaps) * 6 * HOUR).tolist()
    for time_s in times:
        _block(watermark, time_s)
    assert times[max(len(times) - QUORUM, 0)] <= watermark.value <= times[-1]
