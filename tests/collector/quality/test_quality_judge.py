import numpy as np
import pytest

from tocsin_collector.frame import category, number
from tocsin_collector.quality import Labelled, fit_quality, judge


def window(seed, rows=800, strength=2.0, base=0.0, day=0.0):
    """A calibrated model of one feature; ``strength`` is how much the truth follows it."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=rows)
    share = 1 / (1 + np.exp(-(2.0 * x - 1)))
    truth = rng.random(rows) < 1 / (1 + np.exp(-(strength * x - 1 + base + day)))
    label = category(["late" if late else "on time" for late in truth])
    return Labelled(label, None, {"late": number(share.tolist()), "on time": number((1 - share).tolist())})


def weekday(seed, **change):
    return window(seed, day=0.4 * (seed % 7 >= 5), **change)


@pytest.fixture(scope="module")
def reference():
    return fit_quality([weekday(seed) for seed in range(49)])


def verdict(reference, rows, min_rows=100):
    return judge(reference, rows, predictions=1_000, min_rows=min_rows)


def test_thirty_days_like_the_reference_are_silent(reference):
    assert not any(verdict(reference, weekday(seed)).alarmed for seed in range(49, 79))


def test_a_model_that_no_longer_knows_alarms_and_says_so(reference):
    found = verdict(reference, window(99, strength=0.3))
    assert found.alarmed
    assert found.reasons[0].startswith("AUC is 0.5")
    assert "in the reference (bound" in found.reasons[0]
    assert found.scores["auc"] < found.thresholds["auc"] < found.reference["auc"]


def test_a_base_rate_that_jumped_alarms_by_log_loss_and_not_by_auc(reference):
    found = verdict(reference, window(99, base=2.5))
    assert [reason.split(" is ")[0] for reason in found.reasons] == ["log loss", "Brier score"]


def test_accuracy_stands_beside_the_majority_baseline_and_has_no_threshold(reference):
    found = verdict(reference, window(99))
    assert next(iter(found.scores)) == "auc"
    assert 0.5 < found.baseline["accuracy"] < found.scores["accuracy"]
    assert "accuracy" not in found.thresholds


def test_few_labels_are_told_and_not_judged(reference):
    found = verdict(reference, window(99, rows=60, strength=-2), min_rows=100)
    assert found.labelled == 60
    assert found.coverage == pytest.approx(0.06)
    assert found.scores["auc"] < found.thresholds["auc"]
    assert not found.alarmed


def test_few_labels_may_stray_further(reference):
    wide, narrow = (verdict(reference, window(3, rows=rows)).thresholds["auc"] for rows in (100, 5_000))
    assert wide < narrow


def test_without_a_reference_scores_are_told_and_nothing_alarms():
    found = verdict(None, window(1, strength=-3))
    assert found.scores["auc"] < 0.5
    assert (found.thresholds, found.reasons) == ({}, ())
    assert fit_quality([window(1, rows=5)]) is None
    assert fit_quality([]) is None


def test_no_labels_yet_is_no_alarm(reference):
    found = verdict(reference, Labelled(category([]), None, {"late": number([]), "on time": number([])}))
    assert (found.labelled, found.coverage, found.scores, found.reasons) == (0, 0.0, {}, ())


def test_a_perfect_reference_bears_a_single_error_and_no_more_than_a_few():
    def errors(count):
        texts = ["a"] * 500 + ["b"] * 500
        sure = [(0.9 if text == "a" else 0.1) for text in texts]
        label = category(["b"] * count + texts[count:])
        return Labelled(label, None, {"a": number(sure), "b": number([1 - share for share in sure])})

    perfect = fit_quality([errors(0)] * 30)
    assert verdict(perfect, errors(100)).alarmed
    assert all(np.isfinite(list(verdict(perfect, errors(1)).thresholds.values())))


def test_a_damaged_reference_alarms_instead_of_being_silent(reference):
    broken = reference.scores["auc"]._replace(value=float("nan"))
    found = verdict(reference._replace(scores={"auc": broken}), window(1))
    assert found.alarmed


def test_regression_is_judged_by_its_errors():
    def house(seed, error=1.0):
        rng = np.random.default_rng(seed)
        price = rng.normal(100, 20, 500)
        return Labelled(number(price.tolist()), number((price + rng.normal(0, error, 500)).tolist()))

    known = fit_quality([house(seed) for seed in range(20)])
    assert not verdict(known, house(99)).alarmed
    found = verdict(known, house(99, error=2.0))
    assert {reason.split(" is ")[0] for reason in found.reasons} == {"mean absolute error", "RMSE"}
    assert found.baseline["rmse"] == pytest.approx(20, rel=0.1)
