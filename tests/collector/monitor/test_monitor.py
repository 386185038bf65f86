"""Events become verdicts: windows close by event time, labels are joined late, a reference is what is normal."""

import time
from functools import cache

import numpy as np
import pytest

from tocsin_collector.frame import Frame, category, number
from tocsin_collector.monitor.judge import Judge
from tocsin_collector.monitor.monitor import MODELS_MOST, Monitor
from tocsin_collector.monitor.reference_file import ReferenceRows
from tocsin_collector.monitor.segments import SEGMENTS_MOST
from tocsin_collector.monitor.window import NAMES_MOST
from tocsin_collector.monitor.windows import Calendar
from tocsin_collector.verdict import ModelKey

HOUR = 3_600.0
KEY = ModelKey("shop", "credit", "3")
CALENDAR = Calendar(HOUR, 0, lateness_s=600, label_wait_s=3 * HOUR)
ROWS = 400


def _rows(hour, rows=ROWS, *, seed=1, missing=0.01, wrong=0.2):
    """An hour of predictions with labels; ``missing`` is the share of ages that are not known."""
    rng = np.random.default_rng((seed, hour))
    ages = rng.normal(40, 10, rows)
    known = rng.random(rows) >= missing
    cities = rng.choice(["Lyon", "Nice", "Paris"], rows, p=[0.5, 0.3, 0.2])
    scores = np.clip(rng.beta(2, 2, rows), 0.01, 0.99)
    truth = np.where(rng.random(rows) < wrong, rng.random(rows) < 0.5, scores > 0.5)
    times = (hour * HOUR * 1e6 + np.sort(rng.uniform(0, HOUR * 1e6 - 1, rows))).astype(np.int64)
    columns = {
        "feature.age": number([age if ok else None for age, ok in zip(ages.tolist(), known, strict=True)]),
        "feature.city": category(cities.tolist()),
        "prediction": category(["yes" if score > 0.5 else "no" for score in scores]),
        "score.yes": number(scores.tolist()),
        "score.no": number((1 - scores).tolist()),
        "segment.city": category(cities.tolist()),
        "latency_s": number([0.004] * rows),
    }
    frame = Frame("prediction", KEY, times, [f"{hour}-{row}" for row in range(rows)], columns)
    return frame, ["yes" if yes else "no" for yes in truth]


def _labels(frame, labels, *, at_s=None, version=""):
    times = frame.time_us + 60_000_000 if at_s is None else np.full(frame.rows, int(at_s * 1e6))
    return Frame("label", ModelKey(KEY.project, KEY.model, version), times, frame.ids, {"label": category(labels)})


def _reference(hours=30):
    frames, labels = zip(*(_rows(hour, seed=7) for hour in range(hours)), strict=True)
    from tocsin_collector.frame import concat

    whole = concat(list(frames))
    return ReferenceRows(whole, category([label for some in labels for label in some]), {})


REFERENCE = _reference()


@cache
def judge():
    """What is learnt from the reference: once, for the tests that do not ask how."""
    return Judge.fit(REFERENCE, CALENDAR, {"source": "a test"})


@pytest.fixture
def verdicts():
    return []


@pytest.fixture
def monitor(verdicts):
    monitor = Monitor(CALENDAR, keep=50, min_rows=100, on_verdict=verdicts.append)
    monitor.set_judge(KEY, judge())
    return monitor


def _feed(monitor, hours, **how):
    for hour in hours:
        frame, labels = _rows(hour, **how)
        monitor.apply(frame, hour)
        monitor.apply(_labels(frame, labels), hour)


def test_normal_hours_close_without_a_reason(monitor, verdicts):
    _feed(monitor, range(100, 124))
    monitor.tick()
    assert len({verdict.start_s for verdict in verdicts}) == 23
    assert [verdict.reasons for verdict in verdicts if verdict.reasons] == []


def test_missing_values_alarm_and_the_reason_names_the_feature(monitor, verdicts):
    _feed(monitor, range(100, 103))
    _feed(monitor, [103], missing=0.3)
    _feed(monitor, range(104, 106))
    alarmed = [verdict for verdict in verdicts if verdict.reasons]
    assert {verdict.start_s for verdict in alarmed} == {103 * HOUR}
    assert "age" in alarmed[0].reasons[0]
    assert alarmed[0].features["age"].alarmed
    assert not alarmed[0].features["city"].alarmed


def test_a_model_that_guesses_alarms_once_its_labels_have_come(monitor, verdicts):
    _feed(monitor, [99], wrong=1.0)
    frame, labels = _rows(100, wrong=1.0)
    monitor.apply(frame, 0)
    monitor.apply(_rows(102)[0], 1)
    assert verdicts[-1].quality is None
    monitor.apply(_labels(frame, labels), 2)
    monitor.tick()
    revised = verdicts[-1]
    assert (revised.start_s, revised.revision) == (100 * HOUR, 1)
    assert any("AUC" in reason and "2 windows in a row" in reason for reason in revised.quality.reasons)
    assert revised.quality.coverage == 1.0


def test_one_bad_window_is_shown_and_does_not_alarm(monitor, verdicts):
    _feed(monitor, [99])
    _feed(monitor, [100], wrong=1.0)
    _feed(monitor, [101, 102, 103])
    bad = [verdict for verdict in verdicts if verdict.start_s == 100 * HOUR][-1]
    assert (bad.quality.strikes, bad.quality.reasons) == (1, ())
    assert bad.quality.scores["auc"] < bad.quality.thresholds["auc"]


def test_early_labels_tell_the_quality_but_do_not_alarm(monitor, verdicts):
    frame, labels = _rows(100, wrong=1.0)
    monitor.apply(frame, 0)
    few = frame.take(np.arange(ROWS // 2))
    monitor.apply(_labels(few, labels[: ROWS // 2]), 1)
    monitor.apply(_rows(101, rows=100)[0], 2)
    monitor.apply(_rows(102, rows=100)[0], 2)
    early = next(verdict for verdict in verdicts if verdict.start_s == 100 * HOUR)
    assert (early.quality.labelled, early.quality.mature, early.quality.reasons) == (ROWS // 2, False, ())


def test_a_label_without_a_version_finds_its_prediction(monitor):
    frame, labels = _rows(100)
    monitor.apply(_labels(frame, labels, version=""), 0)
    monitor.apply(frame, 1)
    assert monitor.views()[0].labels_total == ROWS


def test_the_latest_label_of_an_id_counts(monitor, verdicts):
    frame, labels = _rows(100)
    monitor.apply(frame, 0)
    monitor.apply(_labels(frame, labels, at_s=101 * HOUR), 1)
    flipped = ["no" if label == "yes" else "yes" for label in labels]
    monitor.apply(_labels(frame, flipped, at_s=100 * HOUR), 2)
    monitor.apply(_rows(102)[0], 3)
    assert verdicts[0].quality.scores["auc"] > 0.8


def test_rows_of_a_sealed_window_are_counted_as_late(monitor, verdicts):
    _feed(monitor, [100, 104, 108])
    closed = len(verdicts)
    monitor.apply(_rows(100, seed=9)[0], 5)
    monitor.tick()
    assert (monitor.views()[0].rows_total, next(iter(monitor.models())).late_total) == (4 * ROWS, ROWS)
    assert len(verdicts) == closed


def test_late_rows_of_a_closed_window_raise_its_revision(monitor, verdicts):
    frame, _ = _rows(100)
    monitor.apply(frame.take(np.arange(300)), 0)
    monitor.apply(_rows(101)[0], 1)
    monitor.apply(_rows(102, rows=10)[0], 1)
    assert (verdicts[0].rows, verdicts[0].revision) == (300, 0)
    monitor.apply(frame.take(np.arange(300, ROWS)), 2)
    monitor.tick()
    assert (verdicts[-1].start_s, verdicts[-1].rows, verdicts[-1].revision) == (100 * HOUR, ROWS, 1)


def test_one_prediction_from_1970_is_counted_and_has_no_window(monitor):
    _feed(monitor, [100 * 24, 100 * 24 + 1])
    windows = len(next(iter(monitor.models())).windows)
    frame = _rows(0, rows=1)[0]
    monitor.apply(frame, 0)
    (model,) = monitor.models()
    assert (model.late_total, len(model.windows), model.first_event_s >= 2_400 * HOUR) == (1, windows, True)


def test_one_prediction_from_far_ahead_is_counted_and_has_no_window_once_the_stream_goes_on(monitor, verdicts):
    _feed(monitor, range(100, 103))
    monitor.apply(_rows(1_000_000, rows=1)[0], 0)
    _feed(monitor, range(103, 110))
    (model,) = monitor.models()
    assert (model.early_total, model.late_total, max(model.windows)) == (1, 0, 109)
    assert model.last_event_s < 110 * HOUR
    assert sorted({verdict.start_s / HOUR for verdict in verdicts}) == list(range(100, 109))


def test_what_a_jump_brought_is_in_its_windows_once_the_stream_confirms_it(monitor, verdicts):
    _feed(monitor, range(100, 103))
    _feed(monitor, range(200, 212), rows=20)
    (model,) = monitor.models()
    assert (model.early_total, model.late_total) == (0, 0)
    assert {verdict.start_s / HOUR: verdict.rows for verdict in verdicts}[200] == 20


def test_a_clock_that_is_always_wrong_does_not_let_memory_grow(monitor):
    monitor.apply(_rows(100)[0], 0)
    for turn in range(300):
        monitor.apply(_rows(50_000 + turn, rows=1)[0], 0)
        for _ in range(3):
            monitor.apply(_rows(100, rows=1, seed=turn)[0], 0)
    (model,) = monitor.models()
    assert len(model.windows) < 16
    assert model.early_total + sum(window.rows for window in model.windows.values()) == model.rows_total


def test_a_replay_of_the_journal_gives_the_same_windows(verdicts):
    blocks = [
        _rows(hour, rows=5, seed=turn)[0] for turn, hour in enumerate([100, 101, 90_000, 102, 300, 301, 103, 304])
    ]
    found = []
    for _ in range(2):
        monitor = Monitor(CALENDAR, keep=50, min_rows=100, on_verdict=verdicts.append)
        for block in blocks * 4:
            monitor.apply(block, 0)
        (model,) = monitor.models()
        found.append((model.view(), sorted(model.windows), model.late_total, model.early_total))
    assert found[0] == found[1]


def test_the_order_of_blocks_does_not_change_a_verdict():
    def verdict(order):
        found = []
        monitor = Monitor(CALENDAR, keep=50, min_rows=100, on_verdict=found.append)
        monitor.set_reference(KEY, REFERENCE, {})
        frame, labels = _rows(100, missing=0.2)
        parts = [frame.take(np.arange(at, at + 100)) for at in range(0, ROWS, 100)]
        for at in order:
            monitor.apply(_labels(parts[at], labels[at * 100 : at * 100 + 100]), 0)
            monitor.apply(parts[at], 0)
        monitor.apply(_rows(102, rows=10)[0], 1)
        return found[0]

    assert verdict([0, 1, 2, 3]) == verdict([3, 1, 0, 2])


def test_without_a_reference_rows_are_counted_and_nothing_is_judged(verdicts):
    monitor = Monitor(CALENDAR, keep=50, min_rows=100, on_verdict=verdicts.append)
    _feed(monitor, [100, 102])
    assert (verdicts[0].rows, verdicts[0].features, verdicts[0].reasons) == (ROWS, {}, ())
    assert verdicts[0].latency_s["p50"] == pytest.approx(0.004, rel=0.03)
    assert monitor.views()[0].features == {"age": "number", "city": "category"}


def test_segments_and_classes_are_told(monitor, verdicts):
    _feed(monitor, [100, 102])
    assert sum(verdicts[0].segments["city"].values()) == ROWS
    assert sum(verdicts[0].classes.values()) == pytest.approx(1)


def test_only_so_many_verdicts_are_kept(verdicts):
    monitor = Monitor(CALENDAR, keep=10, min_rows=100, on_verdict=verdicts.append)
    for hour in range(100, 140):
        monitor.apply(_rows(hour, rows=5)[0], hour)
    monitor.tick()
    assert len(monitor.views()[0].verdicts) == 10


def test_a_frame_without_rows_changes_nothing(monitor, verdicts):
    monitor.apply(_rows(100)[0].take(np.arange(0)), 0)
    assert monitor.views()[0].rows_total == 0
    assert verdicts == []


def test_outcomes_are_averaged_by_window(monitor, verdicts):
    frame, _ = _rows(100)
    monitor.apply(frame, 0)
    columns = {"name": category(["cost"] * ROWS), "value": number([2.0, 4.0] * (ROWS // 2))}
    monitor.apply(Frame("outcome", KEY, frame.time_us, frame.ids, columns), 1)
    monitor.apply(_rows(102, rows=10)[0], 2)
    outcome = verdicts[0].outcomes["cost"]
    assert (outcome.count, outcome.mean, outcome.reference_mean) == (ROWS, 3.0, None)


def test_labels_of_many_windows_leave_the_thread_time_for_events(monitor, verdicts):
    _feed(monitor, range(100, 103))
    for hour in range(100, 103):
        monitor.apply(_rows(hour, seed=2)[0], 0)  # more rows of closed windows
    monitor.go_live(lambda: 103 * HOUR, verdicts.append)
    hours = range(100, 102)
    wanted = {hour * HOUR for hour in hours}
    rounds, started, took = 0, time.monotonic(), 0.0
    del verdicts[:]
    spent = 0.0
    while took < 0.5 or (took < 20 and {verdict.start_s for verdict in verdicts} != wanted):
        for hour in hours:
            frame, labels = _rows(hour, seed=2)
            monitor.apply(_labels(frame.take(np.arange(rounds % ROWS, rounds % ROWS + 1)), labels[:1]), 0)
        rounds += 1
        before = time.thread_time()
        monitor.tick()
        spent += time.thread_time() - before
        took = time.monotonic() - started
    assert {verdict.start_s for verdict in verdicts} == wanted
    assert spent < 0.4 * took


def test_no_row_is_late_because_of_a_later_one_in_its_block(monitor, verdicts):
    from tocsin_collector.frame import concat

    monitor.apply(concat([_rows(hour)[0] for hour in range(100, 130)]), 0)
    (view,) = monitor.views()
    assert [verdict.rows for verdict in verdicts] == [ROWS] * 29
    assert (view.rows_total, next(iter(monitor.models())).late_total) == (30 * ROWS, 0)


def test_models_beyond_the_bound_are_counted_and_do_not_grow_the_monitor(monitor):
    frame, labels = _rows(100, rows=1)
    for count in range(MODELS_MOST + 50):
        key = ModelKey("shop", f"made up {count}", "")
        monitor.apply(Frame("prediction", key, frame.time_us, frame.ids, frame.columns), 0)
        monitor.apply(Frame("label", key, frame.time_us, frame.ids, {"label": category(labels)}), 0)
    _feed(monitor, [100])
    assert len(monitor.views()) == MODELS_MOST
    assert monitor.unwatched_total == 2 * 51
    assert [view.rows_total for view in monitor.views() if view.key == KEY] == [ROWS]


def test_names_that_a_sender_makes_up_do_not_grow_a_window_without_end(monitor):
    for block in range(40):
        names = [f"{block} {name}" for name in range(100)]
        columns = {f"feature.{name}": number([1.0]) for name in names}
        columns |= {f"score.{name}": number([0.5]) for name in names}
        columns |= {f"segment.{name}": category(["a"]) for name in names}
        key = ModelKey("shop", "made up", "")
        monitor.apply(Frame("prediction", key, np.array([block]), [str(block)], columns), 0)
    monitor.settle()
    (model,) = (model for model in monitor.models() if model.key.model == "made up")
    (window,) = model.windows.values()
    assert [len(names) for names in (model.schema.features, window.scores(np.array([0]), np.array([], int)))] == [
        NAMES_MOST
    ] * 2
    assert len(window.segments) == SEGMENTS_MOST
