"""Quality by segment, by delay and without a reference, from events to verdicts."""

import numpy as np
import pytest

from tests.collector.monitor.test_monitor import CALENDAR, HOUR, KEY, _labels, _rows, judge
from tests.collector.monitor.test_state import _through_a_file
from tocsin_collector.frame import category
from tocsin_collector.monitor.monitor import Monitor, Name
from tocsin_collector.quality import Stakes
from tocsin_collector.quality.delay import quantiles
from tocsin_collector.quality.tally import merge, unpack


def opened(verdicts, own=None, *, reference=True):
    stakes = {Name(KEY.project, KEY.model): own} if own else {}
    monitor = Monitor(CALENDAR, keep=50, min_rows=100, on_verdict=verdicts.append, stakes=stakes)
    if reference:
        monitor.set_judge(KEY, judge())
    return monitor


def feed(monitor, hours):
    for hour in hours:
        frame, labels = _rows(hour)
        monitor.apply(frame, hour)
        monitor.apply(_labels(frame, labels), hour)
    monitor.tick()


@pytest.fixture
def verdicts():
    return []


def test_the_segments_add_up_to_the_window(verdicts):
    feed(opened(verdicts), range(100, 103))
    found = verdicts[0].quality
    assert set(found.segments["city"]) == {"Lyon", "Nice", "Paris"}
    parts = merge(unpack(packed) for packed in found.segments["city"].values())
    assert parts == unpack(found.tally)


def test_labels_a_minute_later_have_a_delay_of_a_minute(verdicts):
    feed(opened(verdicts), range(100, 103))
    assert quantiles(unpack(verdicts[0].quality.tally))[0.9] == pytest.approx(60, rel=0.19)


def test_segments_that_somebody_makes_up_are_folded(verdicts):
    monitor = opened(verdicts)
    for part in range(4):
        frame, labels = _rows(100, seed=part)
        frame.ids = [f"{part}-{event_id}" for event_id in frame.ids]
        frame.columns["segment.city"] = category([f"{part} {row}" for row in range(frame.rows)])
        monitor.apply(frame, 0)
        monitor.apply(_labels(frame, labels), 0)
    feed(monitor, range(101, 106))
    final = next(verdict for verdict in verdicts if verdict.start_s == 100 * HOUR and verdict.final)
    assert len(final.quality.segments["city"]) <= 9
    assert merge(map(unpack, final.quality.segments["city"].values())) == unpack(final.quality.tally)


def test_without_a_reference_quality_is_told_and_a_floor_alarms_when_windows_are_final(verdicts):
    feed(opened(verdicts, Stakes({"auc": 0.999}), reference=False), range(100, 108))
    early = [verdict.quality for verdict in verdicts if not verdict.final and verdict.quality]
    assert all(quality.scores["auc"] > 0.5 for quality in early)
    final = [verdict.quality for verdict in verdicts if verdict.final]
    assert [quality.strikes for quality in final[:3]] == [1, 2, 3]
    assert not final[0].reasons
    assert "was stated as its floor, 2 windows in a row" in final[1].reasons[0]


def test_a_snapshot_under_other_floors_is_left_alone(verdicts, tmp_path):
    monitor = opened(verdicts, Stakes({"auc": 0.5}, {("yes", "no"): 2.0}))
    feed(monitor, range(100, 103))
    state = _through_a_file(monitor.state(), tmp_path)
    same = opened([], Stakes({"auc": 0.5}, {("yes", "no"): 2.0}))
    assert same.load(state)
    assert repr(same.views()) == repr(monitor.views())
    assert not opened([], Stakes({"auc": 0.6}, {("yes", "no"): 2.0})).load(state)


def test_rows_without_a_segment_are_in_none(verdicts):
    monitor = opened(verdicts)
    frame, labels = _rows(100)
    column = frame.columns["segment.city"]
    column.valid = np.arange(frame.rows) >= 100
    monitor.apply(frame, 0)
    monitor.apply(_labels(frame, labels), 0)
    bare, more = _rows(100, seed=9)
    bare.ids = [f"bare {event_id}" for event_id in bare.ids]
    del bare.columns["segment.city"]
    monitor.apply(bare, 0)
    monitor.apply(_labels(bare, more), 0)
    feed(monitor, range(101, 103))
    tallies = [unpack(packed) for packed in verdicts[0].quality.segments["city"].values()]
    assert sum(tally["classified",] for tally in tallies) == 300
    assert verdicts[0].quality.labelled == 800
