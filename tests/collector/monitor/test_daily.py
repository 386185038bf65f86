"""Once a day of event time a model's features are held together against the reference's days, beside the windows."""

from dataclasses import replace

import numpy as np
import pytest

from tests.collector.monitor.test_monitor import _labels
from tests.servers.process import until
from tocsin_collector.alarms.window import conditions
from tocsin_collector.frame import Frame, category, concat, number
from tocsin_collector.monitor.daily import REMEMBERED, Closed, Diary, sampled_most
from tocsin_collector.monitor.judge import Judge
from tocsin_collector.monitor.monitor import Monitor
from tocsin_collector.monitor.nightly import Nightly
from tocsin_collector.monitor.reference_file import ReferenceRows
from tocsin_collector.monitor.windows import DAY_S, Calendar
from tocsin_collector.profile import layout_of
from tocsin_collector.profile.reservoir import Reservoir
from tocsin_collector.verdict import ModelKey

HOUR = 3_600.0
KEY = ModelKey("shop", "credit", "3")
LENGTH_S = 4 * HOUR
DAY = 6
"""Windows of a day."""
CALENDAR = Calendar(LENGTH_S, 0, lateness_s=600, label_wait_s=3 * LENGTH_S)
ROWS = 250


def _window(at, *, xor=0.0, rows=ROWS, seed=1):
    """Three numbers and a category; with ``xor`` the third's sign is the first two's together, though each pair is as
    ever."""
    rng = np.random.default_rng((seed, at))
    a, b, c = rng.normal(size=(3, rows))
    c = np.where(rng.random(rows) < xor, np.abs(c) * np.sign(a * b), c)
    columns = {f"feature.{name}": number(data.tolist()) for name, data in zip("abc", (a, b, c), strict=True)}
    columns["feature.city"] = category(rng.choice(["Lyon", "Nice"], rows).tolist())
    times = ((at * LENGTH_S + np.sort(rng.uniform(0, LENGTH_S - 1, rows))) * 1e6).astype(np.int64)
    return Frame("prediction", KEY, times, [f"{seed}-{at}-{row}" for row in range(rows)], columns)


REFERENCE = ReferenceRows(concat([_window(at, seed=7) for at in range(10 * DAY)]), None, {})
JUDGE = Judge.fit(REFERENCE, CALENDAR, {"source": "a test"})


def _monitor(told, **how):
    monitor = Monitor(CALENDAR, keep=200, min_rows=30, on_verdict=told.append, **how)
    monitor.set_judge(KEY, JUDGE)
    return monitor


def _look(monitor):
    """As a night does, here and now; how many days were looked at."""
    looks = 0
    while (look := monitor.day_due()) is not None:
        monitor.tell_day(look, look.reference.judge(look.due.samples))
        looks += 1
    return looks


def _days(monitor, first, last, **how):
    """The days from the first on, without the last, and ten minutes of that, which close the last window before."""
    for at in range(first * DAY, last * DAY):
        monitor.apply(_window(at, **how), at)
    _minutes(monitor, last, 11)
    monitor.tick()


def _minutes(monitor, day, minutes):
    frame = _window(day * DAY, rows=1, seed=minutes)
    frame.time_us[:] = int((day * DAY_S + minutes * 60) * 1e6)
    monitor.apply(frame, 0)


def _of_days(told):
    return [(int(verdict.start_s // DAY_S), verdict.daily) for verdict in told if verdict.daily]


def test_a_day_is_looked_at_once_all_its_windows_have_closed():
    told = []
    monitor = _monitor(told)
    for at in range(20 * DAY, 21 * DAY):
        monitor.apply(_window(at), at)
    _minutes(monitor, 21, 9)
    monitor.tick()
    assert monitor.day_due() is None  # ten minutes of lateness are not over
    _minutes(monitor, 21, 11)
    monitor.tick()
    assert _look(monitor) == 1
    day, found = _of_days(told)[-1]
    assert (day, found.reasons) == (20, ())
    assert told[-1].end_s == 21 * DAY_S
    assert found.rows == DAY * ROWS
    assert _look(monitor) == 0


def test_three_features_that_only_together_are_odd_alarm_though_no_window_does():
    told = []
    monitor = _monitor(told)
    _days(monitor, 20, 21, xor=0.7)
    assert _look(monitor) == 1
    verdict = told[-1]
    assert verdict.daily.beyond[0][0] == ("a", "b", "c")
    assert conditions(verdict)["daily"] == verdict.daily.reasons != ()
    assert verdict.daily.reasons[0] in verdict.reasons
    assert not any(one.reasons for one in told if one.daily is None)
    assert next(iter(monitor.models())).alarms_total == 1
    assert verdict.revision == 1


def test_what_was_found_stays_when_labels_judge_the_window_again():
    told = []
    monitor = _monitor(told)
    _days(monitor, 20, 21, xor=0.7)
    _look(monitor)
    found = told[-1].daily
    last = _window(21 * DAY - 1, xor=0.7)
    alarms = next(iter(monitor.models())).alarms_total
    monitor.apply(_window(21 * DAY - 1, xor=0.7, rows=5, seed=3), 0)
    monitor.apply(_labels(last, ["yes"] * last.rows), 0)
    told += next(iter(monitor.models())).revise(1.0)
    assert told[-1].end_s == 21 * DAY_S
    assert told[-1].quality is not None
    assert told[-1].daily == found
    assert next(iter(monitor.models())).alarms_total == alarms


def test_rows_that_come_late_bring_a_second_look_when_the_day_is_final():
    told = []
    monitor = _monitor(told)
    _days(monitor, 20, 21)
    assert _look(monitor) == 1
    for at in (21 * DAY - 1, 21 * DAY - 2):
        monitor.apply(_window(at, xor=1.0, rows=2_000, seed=5), 0)
    assert _look(monitor) == 0
    for at in range(21 * DAY, 21 * DAY + 5):
        monitor.apply(_window(at), 0)
    assert _look(monitor) == 1
    alarmed = [bool(found.reasons) for day, found in _of_days(told) if day == 20]
    assert (alarmed[0], alarmed[-1]) == (False, True)


def test_a_copy_of_the_state_goes_on_alike():
    one, other = [], []
    monitor = _monitor(one)
    for at in range(20 * DAY, 21 * DAY - 2):
        monitor.apply(_window(at, xor=0.7), at)
    copy = _monitor(other)
    assert copy.load(_plain(monitor.state()))
    for each in (monitor, copy):
        for at in range(21 * DAY - 2, 21 * DAY + 1):
            each.apply(_window(at, xor=0.7), at)
        assert _look(each) == 1
    assert one[-1].daily == other[-1].daily
    again = _monitor([])
    assert again.load(_plain(copy.state()))
    assert _look(again) == 0
    assert [v.daily for v in again.views()[0].verdicts] == [v.daily for v in copy.views()[0].verdicts]


def _plain(state):
    """As a snapshot makes it plain: lists, and columns."""
    if callable(state):
        return _plain(state())
    if isinstance(state, dict):
        return {name: _plain(value) for name, value in state.items()}
    if isinstance(state, list | tuple):
        return [_plain(value) for value in state]
    return state


def test_another_reference_meanwhile_has_nothing_told_of_it():
    told = []
    monitor = _monitor(told)
    _days(monitor, 20, 21)
    look = monitor.day_due()
    monitor.set_judge(KEY, replace(JUDGE))
    monitor.set_reference(KEY, REFERENCE, {"source": "again"})
    monitor.tell_day(look, look.reference.judge(look.due.samples))
    assert _of_days(told) == []


def test_models_take_turns():
    monitor = _monitor([])
    twin = KEY._replace(version="4")
    monitor.set_judge(twin, JUDGE)
    for at in range(20 * DAY, 22 * DAY + 1):
        frame = _window(at)
        monitor.apply(frame, at)
        monitor.apply(Frame(frame.type, twin, frame.time_us, [f"x{i}" for i in frame.ids], frame.columns), at)
    first = monitor.day_due()
    monitor.tell_day(first, None)
    second = monitor.day_due()
    assert {first.key, second.key} == {KEY, twin}


def test_a_night_looks_in_a_thread_of_its_own_and_counts_what_fails():
    told = []
    monitor = _monitor(told)
    _days(monitor, 20, 21, xor=0.7)
    nightly = Nightly()
    until(lambda: nightly.tick(monitor) or _of_days(told), "the day was looked at")
    assert {sample.name: sample.value for sample in nightly.samples()}["tocsin_daily_looks_total"] == 1
    _days(monitor, 21, 22)
    look = monitor.day_due()
    _, found = nightly._look(look._replace(due=look.due._replace(samples=(np.zeros((1, 600), np.uint8),))))
    assert found is None
    assert {sample.name: sample.value for sample in nightly.samples()}["tocsin_daily_look_failures_total"] == 1
    nightly.close()


def test_an_old_day_is_not_told_as_one_of_now():
    monitor = _monitor([])
    _days(monitor, 20, 21)
    _look(monitor)
    model = next(iter(monitor.models()))
    assert model.latest_day() is not None
    _days(monitor, 21, 24)
    assert model.latest_day() is None


def test_a_journals_months_do_not_gather_up():
    layout = layout_of([_window(1)])
    diary = Diary(CALENDAR)
    sample = Reservoir(layout, 4, np.arange(4, dtype=np.uint64), np.ones((4, 4), np.uint8))
    for day in range(100):
        diary.seal(Closed(day * DAY, 4, sample))
    assert len(diary.sealed) == REMEMBERED
    looks = 0
    while (due := diary.due(1e9, [])) is not None:
        diary.tell(due)
        looks += 1
    assert looks == REMEMBERED
    assert not diary.sealed


@pytest.mark.parametrize(("length_s", "most"), [(HOUR, 128), (60.0, 32), (DAY_S, 3_072), (7 * DAY_S, 3_072)])
def test_the_windows_of_a_day_share_its_rows(length_s, most):
    assert sampled_most(Calendar(length_s)) == most


def test_a_window_longer_than_a_day_is_a_day():
    calendar = Calendar(2 * DAY_S, 0, lateness_s=0)
    diary = Diary(calendar)
    layout = layout_of([_window(1)])
    sample = Reservoir(layout, 4, np.arange(4, dtype=np.uint64), np.ones((4, 4), np.uint8))
    assert diary.due(calendar.end_s(5) - 1, [Closed(5, 4, sample)]) is None
    assert diary.due(calendar.end_s(5), [Closed(5, 4, sample)]) is not None
