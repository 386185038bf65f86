"""What is told of a window before its labels, and of features that go together, through the monitor itself."""

import numpy as np
import pytest

from tests.collector.monitor.test_monitor import _labels
from tocsin_collector.alarms.window import conditions
from tocsin_collector.frame import Frame, category, concat, number
from tocsin_collector.monitor.monitor import Monitor
from tocsin_collector.monitor.reference_file import ReferenceRows
from tocsin_collector.monitor.verdict_state import verdicts_of, verdicts_state
from tocsin_collector.monitor.windows import Calendar
from tocsin_collector.verdict import ModelKey

HOUR = 3_600.0
KEY = ModelKey("shop", "credit", "3")
CALENDAR = Calendar(HOUR, 0, lateness_s=0, label_wait_s=50 * HOUR)
ROWS = 1_000


def _hour(hour, *, together=0.6, hard=0.2, regression=False):
    """In the hard segment the score is half as often right; income goes with age."""
    rng = np.random.default_rng(hour)
    age, noise, x = rng.normal(size=(3, ROWS))
    is_hard = rng.random(ROWS) < hard
    score = 1 / (1 + np.exp(-2 * x))
    truth = rng.random(ROWS) < np.where(is_hard, 0.25 + score / 2, score)
    columns = {
        "feature.age": number(age.tolist()),
        "feature.income": number((together * age + (1 - together**2) ** 0.5 * noise).tolist()),
        "feature.kind": category(["hard" if one else "easy" for one in is_hard]),
    }
    if regression:
        columns["prediction"] = number(x.tolist())
        labels = number((x + noise * np.where(is_hard, 3.0, 1.0)).tolist())
    else:
        columns |= {"score.yes": number(score.tolist()), "score.no": number((1 - score).tolist())}
        labels = category(["yes" if one else "no" for one in truth])
    times = (hour * HOUR * 1e6 + np.arange(ROWS) * 1e6).astype(np.int64)
    return Frame("prediction", KEY, times, [f"{hour}-{row}" for row in range(ROWS)], columns), labels


def _monitor(verdicts, **how):
    frames, labels = zip(*(_hour(hour, **how) for hour in range(20)), strict=True)
    parts = [Frame("label", KEY, f.time_us, f.ids, {"label": one}) for f, one in zip(frames, labels, strict=True)]
    rows = ReferenceRows(concat(list(frames)), concat(parts).columns["label"], {})
    monitor = Monitor(CALENDAR, keep=50, min_rows=100, on_verdict=verdicts.append)
    monitor.set_reference(KEY, rows, {})
    return monitor


@pytest.fixture(scope="module")
def classified():
    """Hours without labels; in hour 103 hard rows are many, in hour 104 age and income part."""
    verdicts = []
    monitor = _monitor(verdicts)
    for hour in range(100, 107):
        monitor.apply(_hour(hour, hard=0.8 if hour == 103 else 0.2, together=0.0 if hour == 104 else 0.6)[0], hour)
    return monitor, {int(verdict.start_s // HOUR): verdict for verdict in verdicts}


def test_a_window_without_labels_is_estimated_within_an_interval(classified):
    _, found = classified
    verdict = found[100]
    assert verdict.quality is None
    for name, value in verdict.estimate.scores.items():
        low, high = verdict.estimate.bounds[name]
        assert low < value < high
    assert set(verdict.estimate.answers) == {"cbpe", "weighted"}
    assert set(verdict.estimate.scores) == {"auc", "log_loss", "brier", "accuracy"}


def test_hard_rows_widen_the_interval_and_lower_the_weighted_estimate(classified):
    _, found = classified
    usual, hard = found[100].estimate, found[103].estimate
    assert hard.answers["weighted"]["auc"] < usual.answers["weighted"]["auc"] - 0.05
    assert np.diff(hard.bounds["auc"]) > np.diff(usual.bounds["auc"])


def test_features_that_part_alarm_by_their_names_and_no_other_window_does(classified):
    _, found = classified
    assert found[104].joint.pairs[0][:2] == ("age", "income")
    assert [hour for hour, verdict in found.items() if verdict.joint.reasons] == [104]
    assert "age and income go together otherwise" in found[104].reasons[0]
    assert any("age and income" in reason for reason in conditions(found[104])["joint"])


def test_labels_say_later_what_the_change_is_due_to(classified):
    monitor, found = classified
    frame, labels = _hour(103, hard=0.8)
    told = _labels(frame, labels.texts())
    monitor.apply(told, 200)
    monitor.apply(_hour(108)[0], 201)
    (newest,) = [verdict for verdict in monitor.views()[0].verdicts if verdict.start_s == 103 * HOUR]
    covariate, concept = newest.estimate.shifts["auc"]
    assert newest.estimate.answers == found[103].estimate.answers
    assert covariate < -0.05
    assert abs(concept) < abs(covariate)


def test_verdicts_survive_the_snapshot_with_both(classified):
    monitor, found = classified
    judge = next(iter(monitor.models())).judge
    shares = {name: one.distribution for name, one in found[104].features.items()}
    assert judge is not None
    assert verdicts_of(verdicts_state([found[104]]), shares) == [found[104]]


def test_a_regression_is_estimated_from_the_errors_learnt_as_its_rows_come():
    verdicts = []
    monitor = _monitor(verdicts, regression=True)
    for hour in range(100, 103):
        frame = _hour(hour, regression=True, hard=0.8 if hour == 101 else 0.2)[0]
        for part in np.array_split(np.arange(ROWS), 3):
            monitor.apply(frame.take(part), hour)
    usual, hard = (verdict.estimate for verdict in verdicts[:2])
    assert set(usual.answers) == {"dle", "weighted"}
    assert hard.scores["mae"] > 1.5 * usual.scores["mae"]
