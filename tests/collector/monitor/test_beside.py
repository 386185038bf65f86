"""Windows beside further references: is what alarms new, or was it so in training, or a week ago?"""

import json
from dataclasses import replace

import numpy as np
import pytest

from tests.collector.monitor.test_state import _state, _through_a_file
from tocsin_collector.drift.explain import explain
from tocsin_collector.drift.standing import standings, told
from tocsin_collector.frame import Frame, category, concat, number
from tocsin_collector.monitor.beside import Named
from tocsin_collector.monitor.judge import Judge
from tocsin_collector.monitor.monitor import Monitor
from tocsin_collector.monitor.reference_file import ReferenceRows
from tocsin_collector.monitor.rolling import LAST_DAYS, LAST_WEEK, LEARNT_MOST, Pool, Rolling
from tocsin_collector.monitor.windows import Calendar
from tocsin_collector.profile import layout_of, profile
from tocsin_collector.references.profiles import hours_of
from tocsin_collector.verdict import ModelKey

DAY = 86_400.0
KEY = ModelKey("shop", "credit", "3")
CALENDAR = Calendar(DAY, 0, lateness_s=600, label_wait_s=2 * DAY)
ROWS = 300


def _day(day, *, shift=0.0, rows=ROWS):
    rng = np.random.default_rng(day)
    columns = {
        "feature.age": number((rng.normal(40, 10, rows) + 10 * shift).tolist()),
        "feature.city": category(rng.choice(["Lyon", "Nice", "Paris"], rows).tolist()),
    }
    times = (day * DAY * 1e6 + np.sort(rng.uniform(0, DAY * 1e6 - 1, rows))).astype(np.int64)
    return Frame("prediction", KEY, times, [f"{day}-{row}" for row in range(rows)], columns)


REFERENCE = concat([_day(day) for day in range(30)])
JUDGE = Judge.fit(ReferenceRows(REFERENCE, None, {}), CALENDAR, {"source": "a test"})
TRAINING = Named.of(hours_of(concat([_day(day, shift=0.3) for day in range(30)])), CALENDAR)


def _monitor(named=(("training", TRAINING),), judge=JUDGE, calendar=CALENDAR):
    verdicts = {}
    monitor = Monitor(
        calendar, keep=100, min_rows=100, on_verdict=lambda one: verdicts.__setitem__(round(one.start_s / DAY), one)
    )
    if judge:
        monitor.set_judge(KEY, judge)
    monitor.set_named(KEY, dict(named))
    return monitor, verdicts


def _feed(monitor, days, shift=lambda day: 0.0):
    for day in days:
        monitor.apply(_day(day, shift=shift(day)), 0)


def _beside(verdict):
    return {one.reference: one for one in verdict.beside}


@pytest.fixture(scope="module")
def drifted():
    """Forty days as ever, then eleven that have drifted, told as they are known at the end."""
    monitor, verdicts = _monitor()
    _feed(monitor, range(100, 151), lambda day: 1.0 * (day >= 140))
    return monitor, verdicts


def test_a_drift_that_begins_is_unlike_last_week_and_the_last_28_days(drifted):
    _, verdicts = drifted
    standing = {one.reference: one for one in standings(verdicts[141])}
    assert [standing[name].unlike for name in ("training", LAST_WEEK, LAST_DAYS)] == [("age",)] * 3
    assert standing[LAST_WEEK].drifted == 0


def test_a_drift_of_last_week_is_as_in_last_week_and_says_so(drifted):
    _, verdicts = drifted
    found = explain([verdicts[day] for day in sorted(verdicts)], ())
    standing = {one.reference: one for one in found.standings}
    assert standing[LAST_WEEK].alike == ("age",)
    assert (standing[LAST_WEEK].windows, standing[LAST_WEEK].drifted) == (1, 1)
    assert told(standing[LAST_WEEK]) == "age as in last-week (it had drifted too)"
    assert standing["training"].unlike == ("age",)
    assert standing[LAST_DAYS].windows == 28
    assert 7 <= standing[LAST_DAYS].drifted <= 10


def test_of_missing_values_alone_further_references_say_nothing(drifted):
    _, verdicts = drifted
    window = verdicts[141]
    age = replace(window.features["age"], missing_ratio=0.3, missing_threshold=0.1, reasons=("age: 30 % are missing",))
    assert window.beside
    assert standings(replace(window, features={"age": age})) == ()
    both = replace(age, reasons=(*age.reasons, "age: it moved"))
    assert standings(replace(window, features={"age": both}))[0].unlike == ("age",)


def test_what_a_further_reference_says_alarms_nothing(drifted):
    monitor, verdicts = _monitor(
        named=[("training", Named.of(hours_of(concat([_day(0, shift=5), _day(1, shift=5)])), CALENDAR))]
    )
    _feed(monitor, range(100, 141))
    told = [verdicts[day] for day in sorted(verdicts)]
    assert all(_beside(one)["training"].features["age"].distance > 0.9 for one in told)
    assert not any(one.reasons for one in told)
    other, alone = _monitor(named=())
    _feed(other, range(100, 141))
    assert [one.features for one in told] == [alone[day].features for day in sorted(alone)]


def test_the_first_weeks_have_a_distance_and_no_bound():
    monitor, verdicts = _monitor(named=())
    _feed(monitor, range(100, 112))
    assert verdicts[100].beside == ()
    assert LAST_WEEK not in _beside(verdicts[106])
    found = _beside(verdicts[108])
    assert {name: (one.rows, one.windows) for name, one in found.items()} == {
        LAST_WEEK: (ROWS, 1),
        LAST_DAYS: (8 * ROWS, 8),
    }
    assert all(apart.bound is None for one in found.values() for apart in one.features.values())


def test_a_window_of_few_rows_is_beside_nothing(drifted):
    monitor, verdicts = _monitor()
    _feed(monitor, range(100, 110))
    monitor.apply(_day(110, rows=99), 0)
    _feed(monitor, [111, 112])
    assert verdicts[110].beside == ()
    assert _beside(verdicts[111])[LAST_DAYS].windows == 10  # it is in no past either


def test_a_name_is_compared_with_where_nothing_holds():
    monitor, verdicts = _monitor(judge=None)
    _feed(monitor, range(100, 104))
    assert list(_beside(verdicts[101])) == ["training"]
    assert verdicts[101].features == {}


def test_it_goes_on_through_a_file_as_one_that_never_stopped(drifted, tmp_path):
    whole, said = drifted
    first, _ = _monitor()
    _feed(first, range(100, 130), lambda day: 1.0 * (day >= 140))
    again, later = _monitor()
    assert again.load(_through_a_file(first.state(), tmp_path))
    _feed(again, range(130, 151), lambda day: 1.0 * (day >= 140))
    plain = [json.loads(_state(one)) for one in (again, whole)]
    assert plain[0]["models"][0][3]["rolling"] == plain[1]["models"][0][3]["rolling"]
    assert plain[0]["models"][0][3]["verdicts"] == plain[1]["models"][0][3]["verdicts"]
    assert {day: one for day, one in said.items() if day in later} == later


def test_a_snapshot_with_other_names_is_not_taken_up(drifted, tmp_path):
    whole, _ = drifted
    state = _through_a_file(whole.state(), tmp_path)
    assert not _monitor(named=())[0].load(state)
    assert not _monitor(named=[("training", TRAINING._replace(digest="other"))])[0].load(state)
    assert _monitor()[0].load(state)


def test_late_rows_are_in_the_past_too():
    late = _day(103)
    early, rest = late.take(np.arange(0, 200)), late.take(np.arange(200, ROWS))
    monitor, verdicts = _monitor(named=())
    for block in [*map(_day, range(100, 103)), early, _day(104), rest, *map(_day, range(105, 112))]:
        monitor.apply(block, 0)
    assert _beside(verdicts[110])[LAST_WEEK].rows == ROWS


def test_the_past_is_bounded_and_an_hour_is_last_weeks_whatever_a_windows_length():
    layout = layout_of([REFERENCE])
    counted = profile(_day(100), layout)
    minute = 300.0
    rolling = Rolling(layout, Calendar(minute))
    for at in range(40 * 288):
        rolling.seal(at * minute, Pool(counted, 1, 0), {}) if at % 24 == 0 else None
    state = rolling.state()
    assert len(state["hours"]) <= 169
    assert len(state["days"]) <= 29
    assert all(len(flat) == LEARNT_MOST * 4 for _, flat in state["history"])
    assert rolling.pools(40 * DAY, {})[LAST_WEEK].windows == 1  # of the twelve of an hour, one came
