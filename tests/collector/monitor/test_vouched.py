"""A label that carries a receipt is judged without its prediction, and never counted beside it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.collector.monitor.test_monitor import CALENDAR, HOUR, KEY, ROWS, _labels, _rows, judge
from tocsin_collector.frame import category
from tocsin_collector.monitor.monitor import Monitor
from tocsin_schema.receipt import SCORE_STEPS, Receipt

SECRET = b"k" * 32


def _receipts(frame):
    predicted = frame.columns["prediction"].texts()
    scores = np.where(np.array(predicted) == "yes", frame.columns["score.yes"].data, frame.columns["score.no"].data)
    rows = zip(frame.ids, frame.time_us.tolist(), predicted, scores.tolist(), strict=True)
    return [
        Receipt(*KEY, event_id, time, label, round(score * SCORE_STEPS)).mint(SECRET)
        for event_id, time, label, score in rows
    ]


def _vouched(frame, labels, **how):
    late = _labels(frame, labels, **how)
    late.columns["receipt"] = category(_receipts(frame))
    return late


def _judged(*blocks):
    """What is said of hour 100 once these blocks and two later hours have come."""
    found = []
    monitor = Monitor(CALENDAR, keep=50, min_rows=100, on_verdict=found.append)
    monitor.set_judge(KEY, judge())
    for block in (*blocks, _rows(101)[0], _rows(102)[0]):
        monitor.apply(block, 0)
    monitor.tick()
    (verdict,) = [one for one in found if one.start_s == 100 * HOUR][-1:]
    (view,) = monitor.views()
    return verdict, view


def test_the_quality_is_that_of_the_rows_within_the_score_s_thousandths():
    frame, labels = _rows(100)
    whole, _ = _judged(frame, _labels(frame, labels))
    vouched, view = _judged(frame.take(np.arange(10)), _vouched(frame, labels))
    assert (vouched.rows, vouched.quality.labelled, vouched.quality.coverage) == (10, ROWS, 1.0)
    assert (view.labels_total, view.rows_total) == (ROWS, 10 + 2 * ROWS)
    for name, value in whole.quality.scores.items():
        assert vouched.quality.scores[name] == pytest.approx(value, abs=0.002)


def test_without_a_single_prediction_in_the_window_it_is_judged_too():
    frame, labels = _rows(100)
    verdict, _ = _judged(_vouched(frame, labels))
    assert (verdict.rows, verdict.quality.labelled) == (0, ROWS)
    assert 0.7 < verdict.quality.scores["auc"] < 1


@given(st.permutations(["rows", "receipts", "receipts again", "labels"]))
def test_in_any_order_a_prediction_counts_once_and_its_own_row_is_what_counts(order):
    frame, labels = _rows(100, rows=120)
    blocks = {
        "rows": frame,
        "receipts": _vouched(frame, labels),
        "receipts again": _vouched(frame, labels),
        "labels": _labels(frame, labels),
    }
    found, view = _judged(*(blocks[name] for name in order))
    expected, _ = _judged(frame, _labels(frame, labels))
    assert found.quality == expected.quality
    assert (found.rows, view.labels_total) == (120, 120)


def test_a_correction_may_come_with_the_receipt_again():
    frame, labels = _rows(100)
    flipped = ["no" if label == "yes" else "yes" for label in labels]
    wrong, _ = _judged(_vouched(frame, labels), _vouched(frame, flipped, at_s=101 * HOUR))
    assert wrong.quality.labelled == ROWS
    assert wrong.quality.scores["auc"] < 0.3


def test_a_receipt_of_a_sealed_window_says_nothing_and_its_label_is_counted_as_unmatched():
    frame, labels = _rows(100)
    monitor = Monitor(CALENDAR, keep=50, min_rows=100, on_verdict=lambda verdict: None)
    for hour in (104, 108):
        monitor.apply(_rows(hour)[0], 0)
    monitor.apply(_vouched(frame, labels), 0)
    monitor.apply(_rows(112)[0], 0)
    monitor.apply(_rows(113)[0], 0)
    ((waiting, unmatched),) = monitor.unmatched().values()
    assert (waiting, unmatched) == (0, ROWS)
    (view,) = monitor.views()
    assert (view.labels_total, view.late_total) == (0, 0)
