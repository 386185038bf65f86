"""A model's rows by window, all versions together."""

import json

import numpy as np

from tocsin_collector.frame import Frame, category
from tocsin_collector.monitor.monitor import Monitor
from tocsin_collector.monitor.traffic import Traffic
from tocsin_collector.monitor.windows import Calendar
from tocsin_collector.verdict import ModelKey

WEEK = 168


def _fed(traffic, windows, version="1"):
    for index in windows:
        traffic.add(index, version, 1_000 + index % 24)
    return traffic


def test_a_version_that_takes_over_changes_nothing_and_the_busiest_one_tells():
    traffic = _fed(Traffic(Calendar()), range(3 * WEEK))
    traffic.add(3 * WEEK, "1", 100)
    traffic.add(3 * WEEK, "2", 900)
    assert traffic.judge(3 * WEEK, "1") is None
    assert traffic.judge(3 * WEEK, "2").reason == ""
    traffic.add(3 * WEEK + 1, "2", 100)
    assert "too few" in traffic.judge(3 * WEEK + 1, "2").reason
    traffic.add(3 * WEEK + 1, "2", 900)
    assert traffic.judge(3 * WEEK + 1, "2").reason == "", "late rows put it right"


def test_a_gap_is_windows_without_rows_and_rows_that_are_given_up_are_none():
    traffic = _fed(Traffic(Calendar()), range(4 * WEEK))
    traffic.add(9_999_999, "1", 5)
    traffic.add(9_999_999, "1", -5)
    assert traffic.judge(9_999_999, "1") is None or traffic.judge(9_999_999, "1").reason == ""
    assert traffic.judge(5 * WEEK, "1") is None


def test_old_windows_are_forgotten_and_short_ones_not_kept():
    traffic = Traffic(Calendar())
    for index in range(9 * WEEK):
        _fed(traffic, [index])
        traffic.judge(index, "1")
    assert len(traffic.state()["rows"]) <= 6 * WEEK + 1
    assert _fed(Traffic(Calendar(length_s=10)), range(9)).state()["rows"] == []
    assert _fed(Traffic(Calendar(length_s=2_592_000)), range(9)).state()["rows"] == []


def test_it_goes_on_from_what_it_told():
    traffic = _fed(Traffic(Calendar()), range(3 * WEEK))
    traffic.judge(3 * WEEK - 1, "1")
    again = Traffic(Calendar())
    again.load(json.loads(json.dumps(traffic.state())))
    assert again.state() == traffic.state()
    assert again.judge(3 * WEEK - 1, "1") == traffic.judge(3 * WEEK - 1, "1")


def test_a_stream_that_falls_silent_is_told_by_the_clock_and_a_version_that_takes_over_is_no_silence():
    told, clock, length_s, week = [], [0.0], 21_600, 28
    monitor = Monitor(
        Calendar(length_s, lateness_s=60, label_wait_s=7_200),
        keep=60,
        min_rows=9,
        on_verdict=told.append,
        clock=lambda: clock[0],
    )
    for number in range(3 * week):
        version = "2" if number >= 3 * week - 5 else "1"
        times = (number * length_s * 1e6 + np.arange(120) * 18e7).astype(np.int64)
        ids = [f"{number} {row}" for row in range(120)]
        clock[0] = (number + 1) * length_s
        columns = {"prediction": category(["yes"] * 120)}
        monitor.apply(Frame("prediction", ModelKey("shop", "credit", version), times, ids, columns), 0)
        monitor.tick()
    assert not [verdict for verdict in told if verdict.reasons]
    for step in range(40):
        clock[0] = 3 * week * length_s + step * 3_600
        monitor.tick()
    silent = {(verdict.key.version, verdict.start_s / length_s, verdict.rows) for verdict in told if verdict.reasons}
    assert silent == {("2", float(3 * week + number), 0) for number in range(6)}
    assert told[-1].reasons[0].startswith("0 rows are too few: the weeks before had 120 in this place")
