"""The reference file: complete, as the collector reads it, made once."""

import csv
import subprocess
import sys
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from tocsin_collector.monitor import reference_file
from tocsin_collector.verdict import CATEGORY, NUMBER, ModelKey
from tocsin_demo import model, reference
from tocsin_demo.data import Flights
from tocsin_demo.model import Model

FIRST, LAST = date(2013, 9, 13), date(2013, 9, 30)


@pytest.fixture(scope="module")
def days(flights: Flights) -> Flights:
    return flights.between(FIRST, LAST)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory, days: Flights, trained: Model) -> Path:
    path = tmp_path_factory.mktemp("reference") / "reference.csv"
    reference.write(path, days, trained)
    return path


def test_the_collector_reads_every_flight(written: Path, days: Flights, trained: Model) -> None:
    rows = reference_file.parse(written.read_bytes(), ModelKey("demo", "flights", "1"), {})
    assert rows.frame.ids == days.ids()
    assert np.array_equal(rows.frame.time_us, days.departure_s * 1_000_000)
    kinds = {name: values.kind for name, values in rows.frame.group("feature.").items()}
    assert kinds == {
        "dep_delay_min": NUMBER,
        "distance_mi": NUMBER,
        "seats": NUMBER,
        "carrier": CATEGORY,
        "origin": CATEGORY,
        "dest": CATEGORY,
    }
    late = trained.late(model.inputs(days))
    assert np.allclose(rows.frame.columns["score.late"].data, late, rtol=1e-5)
    assert rows.frame.columns["prediction"].texts() == model.classes(late)


def test_missing_values_and_labels_stay_missing(written: Path, days: Flights) -> None:
    rows = reference_file.parse(written.read_bytes(), ModelKey("demo", "flights", "1"), {})
    assert np.array_equal(rows.frame.columns["feature.dep_delay_min"].valid, ~np.isnan(days.dep_delay_min))
    assert rows.labels is not None
    assert rows.labels.texts() == model.labels(days)
    minutes = rows.outcomes["arrival_delay_minutes"]
    assert np.array_equal(minutes.valid, days.arrived)
    assert np.array_equal(minutes.data[minutes.valid], days.arr_delay_min[days.arrived])


def test_two_runs_write_the_same_bytes(tmp_path: Path, written: Path, days: Flights, trained: Model) -> None:
    reference.write(tmp_path / "again.csv", days, trained)
    assert (tmp_path / "again.csv").read_bytes() == written.read_bytes()


@pytest.mark.system
def test_the_command_writes_the_days_it_is_asked_for(tmp_path: Path, home, trained: Model) -> None:
    output = tmp_path / "days.csv"
    command = [sys.executable, "-m", "tocsin_demo.reference", "--from", "2013-11-08", "--to", "2013-11-08"]
    done = subprocess.run(
        [*command, "--output", output], env=home.environ, check=True, capture_output=True, text=True, timeout=30
    )
    assert done.stdout == f"{output}\n"
    with output.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert 900 < len(rows) < 1_100
    assert {row["time"][:10] for row in rows} <= {"2013-11-08", "2013-11-09"}
    kept = [path.name for path in home.kept.glob("reference-20131108-20131108-*.csv")]
    assert kept == [f"reference-20131108-20131108-{trained.digest}-1.csv"]
