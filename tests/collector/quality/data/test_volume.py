"""The rows of a window beside the same hours of the weeks before."""

import numpy as np
import pytest

from tocsin_collector.quality.data import volume
from tocsin_collector.quality.data.volume import expected

WEEK = 168


def _traffic(hours, base=2_000, seed=1):
    rng = np.random.default_rng(seed)
    hour = np.arange(hours)
    return rng.poisson(base * np.exp(0.8 * np.sin(2 * np.pi * hour / 24))).astype(float)


PAST = _traffic(5 * WEEK)
NONE_ODD = np.zeros(len(PAST), bool)


def _said(rows, past=PAST, odd=NONE_ODD):
    return volume(rows, past, WEEK, odd=odd[: len(past)])


def test_a_window_like_those_of_the_weeks_before_is_well():
    assert _said(int(PAST[-WEEK])).reason == ""


@pytest.mark.parametrize(("share", "how"), [(0.0, "few"), (0.7, "few"), (1.4, "many")])
def test_too_few_and_too_many_rows_are_told_with_what_was_to_be_expected(share, how):
    usual = np.median(PAST[-WEEK::-WEEK][:4])
    found = _said(int(usual * share))
    assert found.check == "volume"
    assert f"too {how}" in found.reason
    assert f"{usual:,.0f}" in found.reason


def test_one_bad_week_teaches_nothing():
    past, odd = PAST.copy(), NONE_ODD.copy()
    past[-WEEK : -WEEK + 48], odd[-WEEK : -WEEK + 48] = 0, True
    assert _said(int(PAST[-2 * WEEK]), past, odd).reason == ""
    assert _said(0, past, odd).reason


@pytest.mark.parametrize("hours", [0, 1, WEEK, WEEK + 29])
def test_too_short_a_past_says_nothing(hours):
    assert _said(0, PAST[:hours]) is None


def test_windows_that_fit_no_week_and_streams_of_a_few_rows_say_nothing():
    assert volume(0, PAST, 0, odd=NONE_ODD) is None
    assert _said(0, _traffic(5 * WEEK, base=3)) is None
    assert expected(np.zeros(5 * WEEK), WEEK, NONE_ODD) is None


def test_days_are_windows_too():
    past = _traffic(24 * 70).reshape(70, 24).sum(axis=1)
    odd = np.zeros(70, bool)
    assert volume(int(past[-7]), past, 7, odd=odd).reason == ""
    assert volume(int(past[-7] / 2), past, 7, odd=odd).reason
