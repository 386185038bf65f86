"""Each score against scikit-learn's, on rows that were counted in parts."""

import json

import numpy as np
import pytest
import sklearn.metrics as sk

from tocsin_collector.frame import category, number
from tocsin_collector.quality import calibration, confusion, curve, delay, multilabel, regression
from tocsin_collector.quality.labelled import Labelled
from tocsin_collector.quality.scores import count, scores
from tocsin_collector.quality.tally import merge


def binary(rows, seed, rate=0.0, spread=1.5):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=rows)
    share = 1 / (1 + np.exp(-(spread * x + rate)))
    truth = rng.random(rows) < share
    label = category(["bad" if one else "good" for one in truth])
    return truth, share, Labelled(label, None, {"bad": number(share), "good": number(1 - share)})


def in_parts(rows):
    size = len(rows.label.valid)
    return merge(count(rows.take(part)) for part in np.array_split(np.arange(size), 5))


@pytest.mark.parametrize(("rate", "spread"), [(0, 1.5), (-5, 1.5), (-8, 2.0), (0, 0.2), (2, 6)])
def test_areas_from_cells_are_near_the_exact_ones(rate, spread):
    truth, share, rows = binary(20_000, 3, rate, spread)
    tally = in_parts(rows)
    area, precision = curve.by_class(tally)["bad"]
    exact = sk.roc_auc_score(truth, share)
    assert abs(area.scored.value - exact) <= min(area.unsure, 3e-4)
    assert area.unsure < 0.02
    assert precision.value == pytest.approx(sk.average_precision_score(truth, share), abs=2e-3)


def test_thresholds_are_exact():
    truth, share, rows = binary(5_000, 4)
    for found in curve.thresholds(in_parts(rows))["bad"]:
        said = share >= found.threshold
        assert found.recall.value == sk.recall_score(truth, said)
        assert found.false_positive_rate.value == np.mean(said[~truth])
        if found.precision:
            assert found.precision.value == sk.precision_score(truth, said)
            assert found.f1 == pytest.approx(sk.f1_score(truth, said))


def test_auc_and_accuracy_intervals_cover_as_often_as_they_say():
    inside = {"auc": 0, "accuracy": 0, "pr_auc": 0, "f1_macro": 0, "f1_weighted": 0, "log_loss": 0, "brier": 0}
    truth = {name: scored.value for name, scored in scores(in_parts(binary(300_000, 1, -1)[2])).items()}
    for seed in range(200):
        found = scores(count(binary(400, 100 + seed, -1)[2]))
        for name in inside:
            inside[name] += found[name].low <= truth[name] <= found[name].high
    assert all(0.90 <= times / 200 <= 0.99 for times in inside.values()), inside


def test_precision_recall_and_f1_are_sklearns():
    rng = np.random.default_rng(5)
    truth = rng.choice(list("abcd"), 900, p=[0.5, 0.3, 0.15, 0.05])
    said = np.where(rng.random(900) < 0.6, truth, rng.choice(list("abc"), 900))
    tally = in_parts(Labelled(category(truth), category(said)))
    wanted = sk.precision_recall_fscore_support(truth, said, zero_division=np.nan)
    for at, (name, found) in enumerate(confusion.by_class(tally).items()):
        assert name == "abcd"[at]
        assert found.labelled == wanted[3][at]
        assert found.recall.value == pytest.approx(wanted[1][at])
        assert found.f1.value == pytest.approx(wanted[2][at])
        assert (found.precision is None) == np.isnan(wanted[0][at])
    overall = scores(tally)
    assert overall["recall_macro"].value == pytest.approx(sk.balanced_accuracy_score(truth, said))
    assert overall["f1_weighted"].value == pytest.approx(sk.f1_score(truth, said, average="weighted"))
    assert confusion.table(tally).counts.tolist() == sk.confusion_matrix(truth, said).tolist()


def test_intervals_of_f1_are_those_of_resampling():
    rng = np.random.default_rng(6)
    truth = rng.choice(list("abc"), 600, p=[0.6, 0.3, 0.1])
    said = np.where(rng.random(600) < 0.7, truth, rng.choice(list("abc"), 600))
    found = scores(count(Labelled(category(truth), category(said))))
    again = []
    for _ in range(400):
        rows = rng.integers(0, 600, 600)
        again.append([sk.f1_score(truth[rows], said[rows], average=how) for how in ("macro", "weighted")])
    for name, spread in zip(("f1_macro", "f1_weighted"), np.std(again, axis=0), strict=True):
        assert (found[name].high - found[name].low) / (2 * 1.96) == pytest.approx(spread, rel=0.15)


def test_labels_that_have_no_score_are_misses_and_their_own_row():
    scores_of = {"a": number([0.9, 0.8, 0.2]), "b": number([0.1, 0.2, 0.8])}
    tally = count(Labelled(category(["a", "unheard of", "b"]), None, scores_of))
    assert scores(tally)["accuracy"].value == pytest.approx(2 / 3)
    assert confusion.table(tally).classes == ("a", "b", "_other")
    assert set(confusion.by_class(tally)) == {"a", "b"}


def test_classes_that_somebody_makes_up_are_folded_and_accuracy_stays_exact():
    made_up = [f"id {row}" for row in range(5_000)]
    tally = count(Labelled(category(made_up), category(made_up[:4_000] + ["none"] * 1_000)))
    assert len(tally) < 300
    assert scores(tally)["accuracy"].value == 0.8


def test_the_calibration_curve_is_sklearns():
    from sklearn.calibration import calibration_curve

    truth, share, rows = binary(5_000, 8)
    happened, said = calibration_curve(truth, share**2 / (share**2 + 1 - share), n_bins=10)
    bent = share**2 / (share**2 + 1 - share)
    tally = in_parts(Labelled(rows.label, None, {"bad": number(bent), "good": number(1 - bent)}))
    points = calibration.curve(tally)["bad"]
    assert [point.said for point in points] == pytest.approx(said.tolist())
    assert [point.happened.value for point in points] == pytest.approx(happened.tolist())
    error = scores(tally)["calibration_error"].value
    sure = scores(in_parts(rows))["calibration_error"].value
    assert sure < 0.03 < error


def test_regression_scores_are_sklearns():
    rng = np.random.default_rng(9)
    truth = rng.gamma(2, 30, 2_000) + 1
    said = truth * rng.normal(1.05, 0.1, 2_000)
    found = scores(in_parts(Labelled(number(truth), number(said))))
    wanted = {
        "mae": sk.mean_absolute_error(truth, said),
        "rmse": sk.root_mean_squared_error(truth, said),
        "mape": sk.mean_absolute_percentage_error(truth, said),
        "r2": sk.r2_score(truth, said),
        "bias": float(np.mean(said - truth)),
        "smape": float(np.mean(2 * np.abs(said - truth) / (np.abs(said) + np.abs(truth)))),
    }
    assert {name: scored.value for name, scored in found.items()} == pytest.approx(wanted)
    assert all(scored.low < scored.value < scored.high for scored in found.values())


def test_r2_keeps_its_digits_far_from_zero():
    rng = np.random.default_rng(10)
    truth = 1.7e9 + rng.normal(0, 1e4, 3_000)
    said = truth + rng.normal(0, 3e3, 3_000)
    found = scores(in_parts(Labelled(number(truth), number(said))))
    assert found["r2"].value == pytest.approx(sk.r2_score(truth, said), abs=1e-5)


def test_quantiles_cover_what_they_say_and_cost_what_sklearn_says():
    rng = np.random.default_rng(11)
    truth = rng.normal(100, 10, 4_000)
    low, high = np.full(4_000, 100 - 12.8155), np.full(4_000, 100 + 12.8155)
    columns = {"q0.1": number(low), "q0.9": number(high)}
    tally = in_parts(Labelled(number(truth), number(np.full(4_000, 100.0)), columns))
    covered = regression.coverages(tally)
    assert [one.quantile for one in covered] == [0.1, 0.9]
    assert all(one.covered.low < one.quantile < one.covered.high for one in covered)
    losses = [sk.mean_pinball_loss(truth, bound, alpha=level) for level, bound in ((0.1, low), (0.9, high))]
    assert scores(tally)["pinball"].value == pytest.approx(np.mean(losses))


def test_a_row_without_a_quantile_still_has_its_error():
    tally = count(Labelled(number([1, 2]), number([2, 4]), {"q0.9": number([3, None]), "scale": number([None, 1])}))
    assert scores(tally)["mae"].value == 1.5
    assert [(one.quantile, one.covered.value) for one in regression.coverages(tally)] == [(0.9, 1.0)]
    assert scores(tally)["mase"].value == 2


def test_mase_divides_by_what_the_event_says_of_its_series():
    rows = Labelled(number([10, 20, 5]), number([12, 17, 5]), {"scale": number([2, 3, 0])})
    found = scores(count(rows))
    assert found["mase"].value == 1.0
    assert found["mae"].value == pytest.approx(5 / 3)


def ranked(rows):
    return Labelled(category([label for label, _ in rows]), category([json.dumps(items) for _, items in rows]))


def test_rankings_are_sklearns_ndcg():
    rng = np.random.default_rng(12)
    items = [f"item {at}" for at in range(30)]
    rows, wanted = [], []
    for _ in range(60):
        grades = dict(zip(rng.choice(items, 5, replace=False).tolist(), rng.integers(1, 5, 5).tolist(), strict=True))
        order = rng.permutation(items).tolist()
        rows.append((json.dumps(grades), order[:12]))
        relevance = [[grades.get(item, 0) for item in order]]
        wanted.append(sk.ndcg_score(relevance, [list(range(30, 0, -1))], k=10))
    assert scores(count(ranked(rows)))["ndcg"].value == pytest.approx(np.mean(wanted))


def test_the_rank_of_the_right_item_decides_mrr_and_hit_rate():
    ten = [f"n{at}" for at in range(10)]
    rows = [("a", ["a", "b"]), ("b", ["a", "b"]), ("c", ["a", "b"]), ("late", [*ten, "late"]), ("7", [7, 8])]
    found = scores(count(ranked(rows)))
    assert found["mrr"].value == pytest.approx((1 + 1 / 2 + 0 + 0 + 1) / 5)
    assert found["hit_rate"].value == pytest.approx(3 / 5)


def test_an_item_that_stands_twice_counts_once_and_no_relevant_item_not_at_all():
    found = scores(count(ranked([("a", ["a", "a", "a"]), ("{}", ["a"]), ('{"a": 0}', ["a"])])))
    assert found["ndcg"].value == 1
    assert found["hit_rate"] == (1, 0, 1)  # one row: nobody knows


def test_lists_with_lists_are_sets():
    truth, said = [["a", "b"], ["c"], [], ["a"]], [["b", "a"], ["c", "a"], [], ["b"]]
    tally = count(Labelled(category(map(json.dumps, truth)), category(map(json.dumps, said))))
    found = {name: scored.value for name, scored in scores(tally).items()}
    table = [[[name in one for name in "abc"] for one in some] for some in (truth, said)]
    assert found["exact_match"] == sk.accuracy_score(*table)
    assert found["jaccard"] == pytest.approx(sk.jaccard_score(*table, average="samples", zero_division=1))
    assert found["f1_micro"] == pytest.approx(sk.f1_score(*table, average="micro"))
    assert found["f1_macro"] == pytest.approx(sk.f1_score(*table, average="macro"))
    assert multilabel.by_label(tally)["c"] == (1, 2)


def test_a_text_that_only_looks_like_a_list_is_a_class():
    found = scores(count(Labelled(category(["[a", "b"]), category(["[a", '["b"]']))))
    assert found["accuracy"].value == 0.5


def test_the_delay_of_labels_is_told_within_a_fifth():
    rows = np.concatenate([np.full(60, 30.0), np.full(39, 3_600.0), [-4.0]])
    found = delay.quantiles(merge(delay.count(part) for part in np.array_split(rows, 7)))
    assert 30 <= found[0.5] <= 36
    assert 3_600 <= found[0.9] <= 4_300
    assert delay.quantiles(delay.count(np.array([]))) == {}
