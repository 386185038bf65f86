import numpy as np

from tocsin_collector.quality.estimate.choice import FEWEST_WINDOWS, Past, choose

NOW = {"cbpe": {"auc": 0.8}, "weighted": {"auc": 0.7}}


def _past(own, other, windows):
    rng = np.random.default_rng(9)
    truth = rng.uniform(0.6, 0.9, windows)
    noise = rng.normal(0, 0.002, (2, windows))
    return [
        Past({"cbpe": {"auc": t + own + a}, "weighted": {"auc": t + other + b}}, {"auc": t})
        for t, a, b in zip(truth.tolist(), *noise.tolist(), strict=True)
    ]


def test_the_default_speaks_until_labels_have_come():
    assert choose(NOW, [], "auc") == ("cbpe", None)
    assert choose(NOW, _past(0.1, 0.0, FEWEST_WINDOWS - 1), "auc") == ("cbpe", None)


def test_another_speaks_once_it_is_evidently_nearer():
    chosen = choose(NOW, _past(0.1, 0.01, 10), "auc")
    assert chosen.estimator == "weighted"
    assert abs(chosen.error - 0.01) < 0.003


def test_being_nearer_by_chance_is_not_enough():
    assert choose(NOW, _past(0.0, 0.0, 10), "auc").estimator == "cbpe"


def test_windows_that_lack_the_score_or_an_estimator_say_nothing():
    odd = [Past({"cbpe": {"auc": 0.9}}, {"auc": 0.5}), Past(NOW, {"brier": 0.1})] * 10
    assert choose(NOW, odd, "auc") == ("cbpe", None)
