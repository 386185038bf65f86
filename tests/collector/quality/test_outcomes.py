"""Outcomes of a window, of a segment, and of two versions against each other."""

import numpy as np
import pytest

from tests.collector.quality.test_quality_judge import window
from tocsin_collector.frame import category
from tocsin_collector.quality import judge, outcome, outcomes_by_segment
from tocsin_collector.quality.outcomes import count, told
from tocsin_collector.quality.tally import merge, unpack
from tocsin_collector.quality.versions import compare_versions
from tocsin_collector.verdict import ModelKey, WindowVerdict

HOUR = 3_600.0


def test_the_mean_of_what_came_stands_beside_the_share_of_predictions():
    found = outcome(np.ones(30), 1_000, 1.0)
    assert (found.count, found.mean, found.reference_mean, found.per_prediction) == (30, 1.0, 1.0, 0.03)
    low, high = found.per_prediction_interval
    assert 0.015 < low < 0.03 < high < 0.045


def test_what_is_not_finite_is_left_out_and_nothing_is_0():
    found = outcome(np.array([10, np.nan, 20, np.inf]), 10, None)
    assert (found.count, found.mean, found.per_prediction) == (2, 15.0, 3.0)
    assert outcome(np.array([]), 0, None).mean == 0


def test_segments_add_up_to_the_window():
    rng = np.random.default_rng(1)
    rows, values = rng.choice(1_000, 200, replace=False), rng.gamma(2, 20, 200)
    city = category(rng.choice(["Lyon", "Nice", "Paris"], 1_000).tolist())
    parts = outcomes_by_segment(values, rows, {"city": city})["city"]
    assert set(parts) == {"Lyon", "Nice", "Paris"}
    assert merge(map(unpack, parts.values())) == count(values, 1_000)
    mean, each = told(merge(map(unpack, parts.values())))
    assert mean.value == pytest.approx(values.mean())
    assert each.value == pytest.approx(values.sum() / 1_000)


def verdicts(version, share, seed, hours=range(60), *, strength=2.0, final=True):
    rng = np.random.default_rng(seed)
    found = []
    for hour in hours:
        rows = 300
        bought = rng.random(rows) < share
        outcomes = {"sale": outcome(np.ones(int(bought.sum())), rows, None)} if bought.any() else {}
        quality = judge(None, window((seed, hour), rows=rows, strength=strength), predictions=rows, min_rows=100)
        start = hour * HOUR
        key = ModelKey("shop", "credit", version)
        found.append(WindowVerdict(key, start, start + HOUR, 0, rows, {}, quality, outcomes, final=final))
    return found


def test_a_version_that_sells_more_is_found_and_since_when():
    found = compare_versions(verdicts("3", 0.05, 1), verdicts("4", 0.08, 2))
    sale = found["sale a prediction"]
    assert sale.comparison.difference.low > 0
    assert sale.comparison.difference.value == pytest.approx(0.03, abs=0.01)
    assert 0 < sale.decided_s < 60 * HOUR
    assert found["log_loss"].decided_s is None
    assert found["accuracy"].comparison.first.rows == 60 * 300


def test_a_version_that_knows_less_is_found_by_its_losses():
    found = compare_versions(verdicts("3", 0.05, 1), verdicts("4", 0.05, 2, strength=1.0))
    assert found["log_loss"].comparison.difference.low > 0
    assert found["sale a prediction"].decided_s is None


def test_only_windows_that_both_have_count_and_outcomes_only_when_final():
    found = compare_versions(verdicts("3", 0.05, 1), verdicts("4", 0.05, 2, hours=range(50, 90)))
    assert found["accuracy"].comparison.second.rows == 10 * 300
    found = compare_versions(verdicts("3", 0.05, 1), verdicts("4", 0.05, 2, final=False))
    assert "sale a prediction" not in found
    assert compare_versions(verdicts("3", 0.05, 1), []) == {}


def test_a_version_without_any_outcome_counts_as_0():
    found = compare_versions(verdicts("3", 0.05, 1), verdicts("4", 0.0, 2))
    assert found["sale a prediction"].comparison.second.value == 0
    assert found["sale a prediction"].comparison.difference.high < 0
