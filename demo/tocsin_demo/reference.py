"""The reference: the flights that left from 13 September to 31 October with what the model says of them, as a CSV file.

    python -m tocsin_demo.reference
    curl -T "$(python -m tocsin_demo.reference)" 'http://127.0.0.1:10301/v1/references/demo/flights?version=1'

Columns are named as those of an event block; an empty cell is a missing value. Other days with --from and --to.
"""

import argparse
import csv
import shutil
import sys
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tocsin_demo import cache, data, model
from tocsin_demo.data import Flights
from tocsin_demo.model import LATE, ON_TIME, Model

FIRST, LAST = date(2013, 9, 13), date(2013, 10, 31)
_FORMAT = 1


def write(path: Path, flights: Flights, trained: Model) -> None:
    """One row a flight, in order of departure; the file takes its name when it is whole."""
    columns = dict(_columns(flights, trained))
    with cache.replacing(path) as part, part.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))


def kept(flights: Flights, trained: Model, first: date = FIRST, last: date = LAST) -> Path:
    """The path of the cached file of these days; written when it is not there."""
    days = f"{first:%Y%m%d}-{last:%Y%m%d}"
    path = cache.folder() / f"reference-{days}-{trained.digest}-{_FORMAT}.csv"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path, flights.between(first, last), trained)
    return path


def _columns(flights: Flights, trained: Model) -> Iterator[tuple[str, list[str]]]:
    late = trained.late(model.inputs(flights))
    yield "time", [data.rfc3339(second) for second in flights.departure_s.tolist()]
    yield "id", flights.ids()
    yield "feature.dep_delay_min", _cells(flights.dep_delay_min)
    yield "feature.distance_mi", _cells(flights.distance_mi)
    yield "feature.seats", _cells(flights.seats)
    yield "feature.carrier", flights.carrier.tolist()
    yield "feature.origin", flights.origin.tolist()
    yield "feature.dest", flights.dest.tolist()
    yield "prediction", model.classes(late)
    yield f"score.{LATE}", _cells(late)
    yield f"score.{ON_TIME}", _cells(1 - late)
    yield "label", [label or "" for label in model.labels(flights)]
    yield "outcome.arrival_delay_minutes", _cells(np.where(flights.arrived, flights.arr_delay_min, np.nan))
    yield "segment.carrier", flights.carrier.tolist()
    yield "segment.origin", flights.origin.tolist()
    yield "segment.part_of_day", data.part_of_day(flights.scheduled_hour)


def _cells(numbers: NDArray[np.float64]) -> list[str]:
    return ["" if number != number else f"{number:.6g}" for number in numbers.tolist()]  # noqa: PLR0124  NaN


def main(arguments: Iterable[str] | None = None) -> int:
    """Write the file and print its path."""
    parser = argparse.ArgumentParser(prog="python -m tocsin_demo.reference", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--from", dest="first", type=date.fromisoformat, default=FIRST, metavar="DATE")
    parser.add_argument("--to", dest="last", type=date.fromisoformat, default=LAST, metavar="DATE")
    parser.add_argument("--output", type=Path, metavar="FILE", help="a copy here; without it, the path is the cache's")
    options = parser.parse_args(None if arguments is None else list(arguments))
    try:
        flights = data.load()
        trained = model.load(flights)
        path = kept(flights, trained, options.first, options.last)
        if options.output:
            with cache.replacing(options.output) as part:
                shutil.copyfile(path, part)
            path = options.output
    except (data.DataError, OSError) as error:
        print(f"tocsin_demo_reference_failed error={error}", file=sys.stderr)
        return 1
    print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
