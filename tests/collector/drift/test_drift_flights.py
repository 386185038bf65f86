"""The story of the demo on its real rows: reference 13 September to 31 October 2013, service from 1 November."""

import numpy as np
import pytest

from tocsin_collector.drift import compare, fit
from tocsin_collector.profile import layout_of, profile

MIN_ROWS = 50


@pytest.fixture(scope="session")
def reference(flights):
    return reference_of(flights.days(913, 1031).values())


def reference_of(frames):
    days = list(frames)
    layout = layout_of(days)
    return fit([profile(day, layout) for day in days], layout)


def reasons(reference, frame):
    verdicts = compare(reference, profile(frame, reference.layout), MIN_ROWS)
    return [reason for verdict in verdicts.values() for reason in verdict.reasons]


def test_thirty_four_days_are_silent_and_the_storm_of_5_december_alarms_by_missing_values(flights, reference):
    for day, frame in flights.days(1101, 1204).items():
        assert not reasons(reference, frame), day
    told = reasons(reference, flights.rows(flights.day == 1205))
    assert told[0].startswith("dep_delay: 16.3 % of values are missing, the reference's worst window had 6.7 % (bound")
    assert all("are missing" in reason for reason in told)


@pytest.mark.parametrize("step", [2, 3, 4])
def test_the_same_holds_for_a_part_of_the_flights(flights, step):
    own = reference_of(frame.take(np.arange(0, frame.rows, step)) for frame in flights.days(913, 1031).values())
    told = {
        day: reasons(own, frame.take(np.arange(0, frame.rows, step))) for day, frame in flights.days(1101, 1205).items()
    }
    assert [day for day, found in told.items() if found] == [1205]


def test_the_reference_replayed_is_silent(flights, reference):
    for day, frame in flights.days(913, 1031).items():
        assert not reasons(reference, frame), day


def test_the_reference_in_windows_from_noon_to_noon_is_silent(flights, reference):
    inside = (flights.day >= 913) & (flights.day <= 1031)
    order = np.unique(flights.day[inside], return_inverse=True)[1]
    noon = order + (flights.hour[inside] >= 13)
    rows = np.flatnonzero(inside)
    for window in range(1, 49):
        assert not reasons(reference, flights.whole.take(rows[noon == window])), window


def test_the_reference_in_windows_of_shuffled_rows_is_silent(flights, reference):
    rows = np.flatnonzero((flights.day >= 913) & (flights.day <= 1031))
    for window in np.array_split(np.random.default_rng(7).permutation(rows), 49):
        assert not reasons(reference, flights.whole.take(window))
