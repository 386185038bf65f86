"""The demo's story on all its flights: four weeks of silence, an alarm on 5 December, silence inside the reference."""

from datetime import UTC, date, datetime

import numpy as np
import pytest

from tocsin_collector.commands.up import demo_settings
from tocsin_collector.frame import Frame, Values
from tocsin_collector.monitor.monitor import Monitor
from tocsin_collector.monitor.reference_file import ReferenceRows, parse
from tocsin_collector.monitor.windows import Calendar
from tocsin_collector.verdict import ModelKey
from tocsin_demo import data, model, reference

KEY = ModelKey("demo", "flights", "1")
LABEL_DELAY_US = 4 * 3_600_000_000


def _rows(first, last):
    flights = data.load()
    path = reference.kept(flights, model.load(flights), first, last)
    return parse(path.read_bytes(), KEY, {"carrier": "category", "origin": "category", "dest": "category"})


@pytest.fixture(scope="module")
def normal():
    return _rows(reference.FIRST, reference.LAST)


def _slices(rows: ReferenceRows):
    """Three hours of event time after the other: the predictions, then the labels of the slice before."""
    frame = rows.frame
    step = 3 * 3_600_000_000
    index = frame.time_us // step
    for number in np.unique(index).tolist():
        span = np.flatnonzero(index == number)
        yield frame.take(span)
        labels = rows.labels.take(span)
        known = np.flatnonzero(labels.valid)
        times = frame.time_us[span[known]] + LABEL_DELAY_US
        ids = [frame.ids[row] for row in span[known].tolist()]
        label = Values(labels.kind, labels.data[known], labels.valid[known], labels.names)
        yield Frame("label", KEY, times, ids, {"label": label})


def _replay(normal, rows):
    settings = demo_settings()
    calendar = Calendar(
        *(settings[f"windows.{name}"] for name in ("length_s", "utc_offset_s", "lateness_s", "label_wait_s"))
    )
    final = {}
    monitor = Monitor(
        calendar, keep=400, min_rows=200, on_verdict=lambda verdict: final.update({verdict.start_s: verdict})
    )
    monitor.set_reference(KEY, normal, {"source": "a test"})
    for position, frame in enumerate(_slices(rows)):
        monitor.apply(frame, position)
        monitor.tick()
        while (look := monitor.day_due()) is not None:  # as the thread of the second opinions does
            monitor.tell_day(look, look.reference.judge(look.due.samples))
    return {datetime.fromtimestamp(start_s, UTC).date(): verdict for start_s, verdict in sorted(final.items())}


@pytest.mark.system
def test_four_weeks_are_silent_and_then_departures_are_missing(normal):
    verdicts = _replay(normal, _rows(date(2013, 11, 8), date(2013, 12, 12)))
    alarmed = {day: verdict.reasons for day, verdict in verdicts.items() if verdict.reasons}
    assert min(alarmed) == date(2013, 12, 5)
    assert sum(day < date(2013, 12, 5) for day in verdicts) >= 20
    assert "dep_delay_min: 16." in alarmed[date(2013, 12, 5)][0]
    assert "missing" in alarmed[date(2013, 12, 5)][0]
    quality = [day for day, verdict in verdicts.items() if verdict.quality and verdict.quality.reasons]
    assert quality, "the storms of December cost the model its quality"
    assert min(quality) > date(2013, 12, 5)


@pytest.mark.system
def test_a_replay_from_inside_the_reference_is_silent(normal):
    verdicts = _replay(normal, normal)
    assert len(verdicts) >= 45
    assert sum(verdict.daily is not None for verdict in verdicts.values()) >= 45
    assert {day: verdict.reasons for day, verdict in verdicts.items() if verdict.reasons} == {}
