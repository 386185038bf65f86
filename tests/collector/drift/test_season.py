"""Hours of the week by local time."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin_collector.drift.policy.season import Clock
from tocsin_collector.monitor.windows import Calendar

HOUR_S = 3_600.0
PARIS = Calendar(zone="Europe/Paris").east_s
ZONES = ("UTC", "Europe/Paris", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Apia")


def at(text):
    return np.array([datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()])


@given(st.sampled_from(ZONES), st.integers(0, 2_000_000_000))
def test_an_hour_of_the_week_is_what_the_local_clock_shows(zone, time_s):
    clock = Clock(HOUR_S, Calendar(zone=zone).east_s)
    start_s = np.array([float(time_s)])
    expected = datetime.fromtimestamp(time_s, UTC if zone == "UTC" else ZoneInfo(zone))
    assert clock.hour(start_s).tolist() == [expected.hour]
    assert clock.hour_of_week(start_s).tolist() == [(expected.weekday() - 3) % 7 * 24 + expected.hour]


def test_the_hour_of_the_week_goes_on_over_a_clock_change():
    clock = Clock(HOUR_S, PARIS)
    before, after = at("2026-03-27T08:00"), at("2026-04-03T07:00")  # Fridays, nine o'clock in Paris
    assert clock.hour_of_week(before) == clock.hour_of_week(after)
    assert int(clock.day(after)[0] - clock.day(before)[0]) == timedelta(weeks=1).days


def test_a_holiday_is_as_a_sunday():
    clock = Clock(HOUR_S, PARIS, ["2026-12-25"])
    christmas, sunday = at("2026-12-25T11:00"), at("2026-12-20T11:00")
    assert clock.hour_of_week(christmas) == clock.hour_of_week(sunday)
    assert clock.hour_of_week(at("2026-12-24T11:00")) != clock.hour_of_week(sunday)


def test_what_is_no_date_is_refused():
    with pytest.raises(ValueError, match="Xmas"):
        Clock(HOUR_S, holidays=["Xmas"])
