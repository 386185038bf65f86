from dataclasses import replace

from tocsin_collector.page import estimated
from tocsin_collector.verdict import EstimateVerdict, ModelKey, ModelView, WindowVerdict

KEY = ModelKey("shop", "credit", "3")
ESTIMATE = EstimateVerdict(9, {"auc": 0.81}, {"auc": (0.79, 0.83)}, {"auc": "cbpe"}, {"cbpe": {"auc": 0.81}})


def _view(*estimates):
    windows = (WindowVerdict(KEY, at, at + 1.0, 0, 9, {}, estimate=one) for at, one in enumerate(estimates))
    return ModelView(KEY, 9, 0, 0, None, None, None, 0, None, {}, tuple(windows))


def test_an_estimate_is_told_with_its_interval():
    assert estimated.told(_view(None, ESTIMATE), "auc") == [("estimated", "0.81 [0.79, 0.83]")]


def test_labels_of_an_earlier_window_say_what_its_change_is_due_to():
    labelled = replace(ESTIMATE, shifts={"auc": (-0.05, 0.01)})
    told = estimated.shift(_view(labelled, ESTIMATE), "auc")
    assert told == "Of the change -0.05 are other rows, +0.01 another relation."


def test_where_nothing_is_estimated_nothing_is_told_or_drawn():
    assert estimated.told(_view(None), "auc") == estimated.line(_view(ESTIMATE), "rmse") == []
    assert estimated.shift(_view(ESTIMATE), "auc") == ""
    assert estimated.newest(_view()) is None


def test_the_line_stands_where_the_windows_are():
    (line,) = estimated.line(_view(ESTIMATE, None, ESTIMATE), "auc")
    assert line.times == [0.5, 2.5]
    assert line.values == [0.81, 0.81]
