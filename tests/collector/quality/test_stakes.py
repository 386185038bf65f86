"""What is stated of a model, what mistakes cost, whom a model treats differently, what cannot be scored."""

import json

import numpy as np
import pytest

from tests.collector.quality.test_quality_judge import window
from tocsin_collector.frame import category, number
from tocsin_collector.quality import Labelled, Stakes, fit_quality, judge
from tocsin_collector.quality.fairness import OPPORTUNITY, PARITY, gaps
from tocsin_collector.quality.scores import count


def verdict(rows, **stated):
    return judge(None, rows, predictions=1_000, min_rows=100, stakes=Stakes(**stated))


def test_a_floor_that_is_surely_missed_alarms_without_a_reference():
    found = verdict(window(1), floors={"auc": 0.97, "log_loss": 0.1, "ndcg": 0.5})
    assert [reason.split(" is ")[0] for reason in found.reasons] == ["AUC", "log loss"]
    assert "at least 0.97 was stated" in found.reasons[0]
    assert "at most 0.1 was stated" in found.reasons[1]
    assert found.floors == {"auc": 0.97, "log_loss": 0.1}


def test_a_floor_that_only_chance_may_miss_does_not_alarm():
    auc = verdict(window(1)).scores["auc"]
    assert not verdict(window(1), floors={"auc": auc + 0.01}).reasons
    assert not verdict(window(1, rows=60), floors={"auc": 1.0}).reasons


def test_costs_are_counted_by_label_and_prediction():
    rows = Labelled(category(["bad"] * 4 + ["good"] * 6), category(["good"] * 2 + ["bad"] * 3 + ["good"] * 5))
    found = verdict(rows, costs={("bad", "good"): 1_200, ("good", "bad"): 50, ("unknown", "bad"): 9})
    assert found.scores["cost"] == pytest.approx((2 * 1_200 + 50) / 10)
    low, high = found.intervals["cost"]
    each = np.array([1_200] * 2 + [50] + [0] * 7)
    assert (high - low) / (2 * 1.96) == pytest.approx(each.std(ddof=1) / 10**0.5, rel=1e-3)


def test_more_scores_are_told_and_the_same_few_are_judged():
    known = fit_quality([window(seed) for seed in range(20)])
    found = judge(known, window(99), predictions=1_000, min_rows=100)
    assert set(found.thresholds) == {"auc", "log_loss", "brier"}
    assert {"pr_auc", "f1_macro", "calibration_error", "accuracy"} <= found.scores.keys()
    assert found.scores.keys() == found.intervals.keys()
    assert found.scores.keys() <= found.reference.keys()
    low, high = found.intervals["auc"]
    assert low < found.scores["auc"] < high


def test_a_ranking_that_got_worse_alarms():
    def shop(seed, luck):
        rng = np.random.default_rng(seed)
        items = [f"i{at}" for at in range(20)]
        right = rng.choice(items, 300).tolist()
        lists = [[one, *items[:9]] if rng.random() < luck else items[:10] for one in right]
        return Labelled(category(right), category(map(json.dumps, lists)))

    known = fit_quality([shop(seed, 0.6) for seed in range(20)])
    assert not judge(known, shop(99, 0.6), predictions=300, min_rows=100).reasons
    found = judge(known, shop(99, 0.2), predictions=300, min_rows=100)
    assert found.reasons[0].startswith("NDCG is")


def loans(rows=4_000, approved=(0.5, 0.3), found=(0.8, 0.8)):
    rng = np.random.default_rng(3)
    tallies = {}
    for value, say, catch in zip(("men", "women"), approved, found, strict=True):
        truth = rng.random(rows) < say
        said = np.where(truth, rng.random(rows) < catch, rng.random(rows) < say * (1 - catch) / (1 - say))
        columns = (category(np.where(column, "yes", "no").tolist()) for column in (truth, said))
        tallies[value] = count(Labelled(*columns))
    return tallies


def test_parity_and_opportunity_are_told_apart_with_intervals():
    of_yes = {gap.measure: gap for gap in gaps(loans()) if gap.name == "yes"}
    assert (of_yes[PARITY].most, of_yes[PARITY].least) == ("men", "women")
    assert of_yes[PARITY].gap.value == pytest.approx(0.2, abs=0.03)
    assert of_yes[PARITY].gap.low > 0.1
    assert of_yes[OPPORTUNITY].gap.low < 0


def test_the_largest_of_many_gaps_is_no_finding_by_chance():
    rng = np.random.default_rng(4)
    findings = 0
    for _ in range(100):
        said = rng.choice(["yes", "no"], (12, 200))
        tallies = {
            f"v{at}": count(Labelled(category(row.tolist()), category(row.tolist()))) for at, row in enumerate(said)
        }
        findings += any(gap.gap.low > 0 for gap in gaps(tallies) if gap.measure == PARITY and gap.name == "yes")
    assert findings <= 8


def test_small_values_other_and_many_classes_are_not_compared():
    assert gaps({"men": loans()["men"]}) == []
    assert gaps({"men": loans()["men"], "_other": loans()["women"]}) == []
    assert gaps(loans(rows=20)) == []
    many = count(Labelled(category(list("abcde") * 50), category(list("abcde") * 50)))
    assert gaps({"x": many, "y": many}) == []


def test_a_class_that_one_value_never_gets_is_a_gap_of_all_of_it():
    yes = count(Labelled(category(["yes", "no"] * 50), category(["yes", "no"] * 50)))
    never = count(Labelled(category(["no"] * 100), category(["no"] * 100)))
    gap = next(gap for gap in gaps({"a": yes, "b": never}) if (gap.measure, gap.name) == (PARITY, "yes"))
    assert (gap.most, gap.least, gap.gap.value) == ("a", "b", 0.5)


nan, inf = float("nan"), float("inf")
HOPELESS = {
    "one class": (Labelled(category(["a"] * 3), None, {"a": number([0.9] * 3), "b": number([0.1] * 3)}), "no AUC"),
    "other type": (Labelled(category(["yes"] * 3), number([0.1, 0.2, 0.3])), "different types"),
    "all missing": (Labelled(category(["a"] * 3), category([None] * 3)), "3 labels (texts), and no prediction"),
    "no prediction": (Labelled(number([1.0])), "1 labels (numbers), and no prediction"),
    "infinite": (Labelled(number([1.0, 2.0]), number([inf, 2.0])), "1 labelled rows are left out"),
    "scores as texts": (Labelled(category(["a"]), None, {"a": category(["high"])}), "no prediction"),
    "unknown class": (
        Labelled(category(["a", "z"]), None, {"a": number([0.9, 0.1]), "b": number([0.1, 0.9])}),
        "no score",
    ),
}


@pytest.mark.parametrize("name", HOPELESS)
def test_what_cannot_be_scored_says_why_and_breaks_nothing(name):
    rows, said = HOPELESS[name]
    found = verdict(rows, floors={"auc": 0.5}, costs={("a", "b"): 1.0})
    assert any(said in remark for remark in found.remarks)
    assert not found.reasons
