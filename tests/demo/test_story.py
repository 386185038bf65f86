"""What the README promises: four silent weeks, the data alarms on 5 December, the model later; the past is silent."""

from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pytest

from tocsin_collector.frame import Frame
from tocsin_collector.monitor import reference_file
from tocsin_collector.monitor.monitor import Monitor
from tocsin_collector.monitor.reference_file import ReferenceRows
from tocsin_collector.monitor.windows import Calendar
from tocsin_collector.verdict import ModelKey, WindowVerdict
from tocsin_demo import data, model, reference, traffic

KEY = ModelKey("demo", "flights", "1")
pytestmark = pytest.mark.system  # six seconds of CPU on all of the data: not among the fast ones
CALENDAR = Calendar(length_s=86_400, utc_offset_s=-18_000, lateness_s=3_600, label_wait_s=86_400)
REPLAY = (traffic.FIRST, date(2013, 12, 12))


@pytest.fixture(scope="module")
def stretches(tmp_path_factory: pytest.TempPathFactory) -> dict[str, ReferenceRows]:
    folder = tmp_path_factory.mktemp("story")
    flights = data.load(kept=folder)
    trained = model.load(flights, folder)
    return {
        name: rows_of(folder / f"{name}.csv", flights.between(*days), trained)
        for name, days in (("reference", (reference.FIRST, reference.LAST)), ("replay", REPLAY))
    }


def rows_of(path: Path, flights: data.Flights, trained: model.Model) -> ReferenceRows:
    reference.write(path, flights, trained)
    return reference_file.parse(path.read_bytes(), KEY, {})


def replay(normal: ReferenceRows, rows: ReferenceRows) -> dict[date, WindowVerdict]:
    """The last verdict of each day; a day's labels come before the next day begins."""
    verdicts: dict[date, WindowVerdict] = {}

    def keep(verdict: WindowVerdict) -> None:
        verdicts[datetime.fromtimestamp(verdict.start_s, UTC).date()] = verdict

    monitor = Monitor(CALENDAR, keep=100, min_rows=200, on_verdict=keep)
    monitor.set_reference(KEY, normal, {})
    index = CALENDAR.index(rows.frame.time_us)
    for day in np.unique(index).tolist():
        span = np.flatnonzero(index == day)
        part, labels = rows.frame.take(span), rows.labels.take(span)
        monitor.apply(part, 0)
        monitor.apply(Frame("label", KEY, part.time_us, part.ids, {"label": labels}), 0)
        monitor.tick()
    return verdicts


def test_the_first_alarm_is_the_datas_on_5_december_and_quality_follows(stretches: dict[str, ReferenceRows]) -> None:
    verdicts = replay(stretches["reference"], stretches["replay"])
    alarmed = {day: verdict for day, verdict in verdicts.items() if verdict.reasons}
    silent = [day for day in verdicts if day < date(2013, 12, 5)]
    assert len(silent) == 27
    assert min(alarmed) == date(2013, 12, 5)
    told = "dep_delay_min: 16.5 % of values are missing, the reference's worst window had 6.7 %"
    assert alarmed[date(2013, 12, 5)].reasons[0].startswith(told)
    worse = [day for day, verdict in alarmed.items() if verdict.quality is not None and verdict.quality.reasons]
    assert date(2013, 12, 5) <= min(worse) <= date(2013, 12, 10)


def test_the_reference_itself_replayed_is_silent(stretches: dict[str, ReferenceRows]) -> None:
    verdicts = replay(stretches["reference"], stretches["reference"])
    assert len(verdicts) == 48  # of 49 days: nothing comes after the last that would close it
    assert [verdict.reasons for verdict in verdicts.values() if verdict.reasons] == []
