"""The calibrated policy along a live stream: incidents are told once, restated for late rows, and outlive restarts."""

import numpy as np
import pytest

from tests.collector.monitor.test_monitor import HOUR, KEY, _reference, _rows
from tests.collector.monitor.test_state import _state, _through_a_file, _told
from tocsin_alerts.alert import DATA, DRIFT
from tocsin_collector.alarms.window import conditions
from tocsin_collector.frame import Frame
from tocsin_collector.monitor.judge import Judge
from tocsin_collector.monitor.monitor import Monitor, Name
from tocsin_collector.monitor.windows import Calendar
from tocsin_collector.profile import profile
from tocsin_collector.quality.rules.parse import parse
from tocsin_collector.verdict import Decision, Onset, WindowVerdict

DAY = 24
CALENDAR = Calendar(HOUR, 0, lateness_s=600, label_wait_s=12 * HOUR)
REFERENCE = _reference(15 * DAY)
JUDGE = Judge.fit(REFERENCE, CALENDAR, {"source": "a test"})
FIRST = 15 * DAY
ONSET, LAST = FIRST + 20, FIRST + 30


def live(hour, part=None):
    """An hour of the stream, in which ages go missing from the onset on; ``part`` takes every second row."""
    frame, _ = _rows(hour, missing=0.3 if hour >= ONSET else 0.01)
    rows = np.arange(frame.rows) if part is None else np.arange(part, frame.rows, 2)
    return Frame("prediction", KEY, frame.time_us[rows], [frame.ids[row] for row in rows], frame.take(rows).columns)


def opened(judge=JUDGE):
    verdicts = []
    monitor = Monitor(CALENDAR, keep=100, min_rows=100, on_verdict=verdicts.append)
    monitor.set_judge(KEY, judge)
    return monitor, verdicts


def fed(monitor, hours):
    for hour in hours:
        monitor.apply(live(hour), 0)
    monitor.tick()


def decisions(monitor):
    return {v.start_s: v.decision for v in monitor.views()[0].verdicts if v.decision}


def test_a_drift_is_one_incident_with_its_evidence():
    monitor, verdicts = opened()
    fed(monitor, range(FIRST, LAST))
    first = next(verdict for verdict in verdicts if verdict.reasons)
    assert first.start_s == ONSET * HOUR
    assert [(onset.feature, onset.kind) for onset in first.decision.onsets] == [("age", "missing")]
    reason = first.features["age"].reasons[0]
    assert "of values are missing, 1.0 % in the reference, since 1970-01-16 20:00 UTC (evidence" in reason
    age = first.features["age"]
    assert (age.method, age.threshold) == ("evidence", 1.0)
    assert max(age.score, first.features["city"].score) < 1
    assert age.missing_ratio > age.missing_threshold == age.missing_reference
    told = conditions(first)
    assert (told[DATA], told[DRIFT]) == ((reason,), ())
    newest = monitor.views()[0].verdicts[-1]
    assert newest.decision.open == ("age:missing",)
    assert not newest.decision.onsets
    assert newest.reasons
    assert next(iter(monitor.models())).alarms_total == 1


def test_missing_values_alarm_by_their_name_until_they_are_there_again():
    def told(missing, *kinds):
        counted = profile(_rows(FIRST, missing=missing)[0], JUDGE.layout)
        incidents = tuple(Onset("age", kind, 20.0, 17.0, 0.0) for kind in kinds)
        decision = Decision(0.0, counted.rows, 20.0, 17.0, (), incidents, (20.0,) * len(JUDGE.layout.features))
        verdict = JUDGE.features(counted, 100, decision)["age"]
        found = conditions(WindowVerdict(KEY, 0.0, HOUR, 0, counted.rows, {"age": verdict}))
        return len(found[DATA]), len(found[DRIFT])

    assert told(0.3, "missing") == (1, 0)
    assert told(0.3, "mean", "missing") == (1, 1)
    assert told(0.005, "missing") == (1, 0)
    assert told(0.0, "missing") == (0, 0)
    assert told(0.0, "filled") == told(0.0, "mean") == (0, 1)


def test_what_decides_is_told():
    assert JUDGE.about["decisions"]["policy"] == "calibrated"
    assert JUDGE.about["decisions"]["false_alarms_per_month"] == 0.1
    short = Judge.fit(_reference(30), CALENDAR, {})
    assert short.policy is None
    assert "30 windows" in short.about["decisions"]["reason"]
    wanted = Judge.fit(REFERENCE, CALENDAR, {}, calibrated=False)
    assert wanted.policy is None
    assert "drift.policy" in wanted.about["decisions"]["reason"]


@pytest.mark.parametrize("late", [ONSET - 3, ONSET])
def test_rows_that_come_late_restate_what_was_decided_after_them(late):
    in_time, _ = opened()
    fed(in_time, range(FIRST, LAST))
    monitor, _ = opened()
    for hour in range(FIRST, LAST):
        monitor.apply(live(hour, 0) if hour == late else live(hour), 0)
    before = decisions(monitor)
    monitor.apply(live(late, 1), 0)
    (model,) = monitor.models()
    fresh = model.revise(1e9) + model.revise(1e9)
    assert decisions(monitor) != before
    assert decisions(monitor) == decisions(in_time)
    restated = {verdict.start_s: verdict.revision for verdict in fresh}
    assert restated[late * HOUR] == 1
    assert len(restated) > 1
    assert model.alarms_total == next(iter(in_time.models())).alarms_total


@pytest.mark.parametrize("stop", [FIRST + 5, ONSET + 1, ONSET + 8])
def test_it_goes_on_after_a_restart_as_one_that_never_stopped(tmp_path, stop):
    (never, told), (stopped, _), (taken_up, told_after) = opened(), opened(), opened()
    for monitor in (never, stopped):
        fed(monitor, range(FIRST, stop))
    assert taken_up.load(_through_a_file(stopped.state(), tmp_path))
    assert _state(taken_up) == _state(stopped)
    count = len(told)
    for monitor in (never, stopped, taken_up):
        fed(monitor, range(stop, LAST))
    assert repr(told_after) == repr(told[count:])
    assert _told(taken_up) == _told(never)
    assert _state(taken_up) == _state(stopped)


def test_another_policy_does_not_take_its_state_over(tmp_path):
    monitor, _ = opened()
    fed(monitor, range(FIRST, FIRST + 4))
    other, _ = opened(Judge.fit(REFERENCE, CALENDAR, {"source": "a test"}, calibrated=False))
    assert not other.load(_through_a_file(monitor.state(), tmp_path))


def test_windows_that_the_reference_reaches_into_are_held_against_thresholds():
    monitor, _ = opened()
    fed(monitor, range(FIRST - 5, FIRST + 3))
    told = {verdict.start_s / HOUR: verdict.decision is not None for verdict in monitor.views()[0].verdicts}
    assert told == {float(hour): hour >= FIRST for hour in range(FIRST - 5, FIRST + 2)}


def test_a_broken_rule_is_an_alarm_of_its_own_beside_the_policys():
    monitor, verdicts = opened()
    rules = b'[[rule]]\ncolumn = "feature.age"\nbetween = [-1, 0]\n'
    monitor.set_rules(Name(KEY.project, KEY.model), parse(rules))
    fed(monitor, range(FIRST, FIRST + 4))
    assert all(verdict.decision and verdict.reasons_beside_features for verdict in verdicts)
    assert next(iter(monitor.models())).alarms_total == len({verdict.start_s for verdict in verdicts}) == 3
