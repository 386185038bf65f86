import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import brier_score_loss, log_loss, mean_absolute_error, roc_auc_score, root_mean_squared_error

from tocsin_collector.frame import category, number
from tocsin_collector.quality import Labelled, measure
from tocsin_collector.quality.measure import baseline


def binary(truth, shares):
    label = category(["yes" if t else "no" for t in truth])
    return Labelled(label, None, {"yes": number(shares), "no": number([1 - share for share in shares])})


def values(rows):
    return {name: score.value for name, score in measure(rows).scores.items()}


rows_of_two = st.lists(st.tuples(st.booleans(), st.integers(0, 20).map(lambda k: k / 20)), min_size=2, max_size=60)


@settings(max_examples=80, deadline=None)
@given(rows_of_two.filter(lambda rows: len({truth for truth, _ in rows}) == 2))
def test_binary_scores_are_sklearns_ties_included(rows):
    truth, shares = map(list, zip(*rows, strict=True))
    found = values(binary(truth, shares))
    assert found["auc"] == pytest.approx(roc_auc_score(truth, shares))
    assert found["log_loss"] == pytest.approx(log_loss(truth, shares, labels=[False, True]))
    assert found["brier"] == pytest.approx(brier_score_loss(truth, shares))


@settings(max_examples=60, deadline=None)
@given(rows_of_two)
def test_auc_keeps_under_any_rising_transform_and_turns_with_the_scores(rows):
    truth, shares = map(list, zip(*rows, strict=True))
    found = values(binary(truth, shares))
    if "auc" not in found:
        assert len(set(truth)) == 1
        return
    assert values(binary(truth, [share**2 for share in shares]))["auc"] == pytest.approx(found["auc"])
    assert values(binary(truth, [1 - share for share in shares]))["auc"] == pytest.approx(1 - found["auc"])


def test_scores_of_many_classes_are_sklearns():
    rng = np.random.default_rng(1)
    table = rng.dirichlet([1, 2, 3], 300)
    truth = np.array([rng.choice(3, p=row) for row in table])
    scores = {name: number(table[:, code].tolist()) for code, name in enumerate("abc")}
    label, prediction = category(["abc"[code] for code in truth]), category(["c"] * 300)
    found = values(Labelled(label, prediction, scores))
    assert found["auc"] == pytest.approx(roc_auc_score(truth, table, multi_class="ovr"))
    assert found["log_loss"] == pytest.approx(log_loss(truth, table))
    assert found["brier"] == pytest.approx(((table - np.eye(3)[truth]) ** 2).sum(axis=1).mean())
    assert found["accuracy"] == pytest.approx((table.argmax(axis=1) == truth).mean())


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6)), min_size=1, max_size=40))
def test_regression_scores_are_sklearns(rows):
    truth, predicted = map(list, zip(*rows, strict=True))
    found = values(Labelled(number(truth), number(predicted)))
    assert found["mae"] == pytest.approx(mean_absolute_error(truth, predicted))
    assert found["rmse"] == pytest.approx(root_mean_squared_error(truth, predicted))


def test_the_noise_is_the_variance_between_windows_of_the_same_size():
    rng = np.random.default_rng(2)
    windows = []
    for _ in range(300):
        share = rng.beta(2, 5, 250)
        windows.append(measure(binary((rng.random(250) < share).tolist(), share.tolist())).scores)
    for name in ("auc", "log_loss", "brier"):
        between = np.var([window[name].value for window in windows])
        assert np.mean([window[name].noise for window in windows]) == pytest.approx(between, rel=0.25)


def test_one_class_alone_has_no_auc_and_still_a_log_loss():
    assert set(values(binary([True, True], [0.9, 0.8]))) == {"log_loss", "brier", "accuracy"}


def test_one_score_column_is_told_against_its_complement():
    label = category(["late", "on time", "late", "early"])
    alone = values(Labelled(label, None, {"late": number([0.9, 0.2, 0.4, 0.1])}))
    assert alone == pytest.approx(values(binary([True, False, True, False], [0.9, 0.2, 0.4, 0.1])))


def test_scores_that_do_not_add_up_are_scaled():
    label = category(["yes", "no"])
    found = values(Labelled(label, None, {"yes": number([0.4, 0.1]), "no": number([0.1, 0.4])}))
    assert found["log_loss"] == pytest.approx(-np.log(0.8))


def test_unusable_rows_are_left_out():
    label = category(["yes", "no", "yes", None, "no", "yes"])
    nan, inf = float("nan"), float("inf")
    scores = {"yes": number([0.9, 0.2, nan, 0.5, inf, -0.1]), "no": number([0.1, 0.8, 0.5, 0.5, 0.5, 1.1])}
    assert measure(Labelled(label, None, scores)).rows == 2


def test_a_label_that_has_no_score_costs_the_most_and_is_not_dropped():
    label = category(["yes", "maybe"])
    found = measure(Labelled(label, None, {"yes": number([1.0, 0.5]), "no": number([0.0, 0.5])}))
    assert found.rows == 2
    assert found.scores["log_loss"].value == pytest.approx(18.02, abs=0.01)
    assert found.scores["brier"].value <= 1


def test_classes_without_scores_give_accuracy_only():
    found = measure(Labelled(category(["a", "b", "b"]), category(["a", "b", "c"])))
    assert {name: score.value for name, score in found.scores.items()} == {"accuracy": pytest.approx(2 / 3)}


def test_numbers_as_classes_are_matched_by_their_text():
    found = values(Labelled(number([1, 0]), None, {"1": number([0.9, 0.2]), "0": number([0.1, 0.8])}))
    assert found["accuracy"] == 1


def test_nothing_to_score_gives_no_scores():
    nothing = (
        Labelled(category([])),
        Labelled(category(["a"])),
        Labelled(number([]), number([])),
        Labelled(category([None]), None, {"a": number([0.5])}),
        Labelled(category(["a"]), None, {"a": category(["high"])}),
    )
    assert [measure(rows) for rows in nothing] == [(0, {}, {})] * len(nothing)


def test_the_baseline_always_says_the_references_majority():
    rows = binary([True, False, False, False], [0.9, 0.2, 0.4, 0.1])
    found = baseline(rows, {"yes": 0.2, "no": 0.8})
    assert found["accuracy"] == 0.75
    assert found["auc"] == 0.5
    assert found["log_loss"] == pytest.approx(-(np.log(0.2) + 3 * np.log(0.8)) / 4)
    assert baseline(Labelled(number([1.0, 3.0]), number([1.0, 1.0])), {"mean": 2.0}) == {"mae": 1.0, "rmse": 1.0}


def test_the_baseline_of_a_class_that_the_reference_lacks_is_bad_and_finite():
    found = baseline(Labelled(category(["new"] * 3), category(["new"] * 3)), {"old": 1.0})
    assert found == {"accuracy": 0.0}
