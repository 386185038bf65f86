"""Distances from counts against the same from the rows: scipy's where it has them, else the formula on the rows."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon
from scipy.stats import chi2_contingency, ks_2samp, wasserstein_distance

from tocsin_collector.drift.measures import measures, side
from tocsin_collector.frame import Frame, Values, category
from tocsin_collector.profile import layout_of, profile
from tocsin_collector.verdict import NUMBER, ModelKey

SHAPES = {
    "normal": lambda rng, n: rng.normal(size=n),
    "lognormal": lambda rng, n: rng.lognormal(size=n),
    "uniform": lambda rng, n: rng.random(n),
    "pareto": lambda rng, n: rng.pareto(1.2, n),
    "cauchy": lambda rng, n: rng.standard_cauchy(n),
    "rounded": lambda rng, n: np.round(rng.exponential(20, n)),
    "spike": lambda rng, n: np.where(rng.random(n) < 0.3, 0.0, rng.normal(1, 2, n)),
    "offset": lambda rng, n: 1.7e9 + 1e4 * rng.normal(size=n),
}
CHANGES = {
    "none": lambda rng, rows: rows,
    "shifted": lambda rng, rows: rows + 0.2 * np.subtract(*np.percentile(rows, [75, 25])),
    "wider": lambda rng, rows: np.median(rows) + 1.2 * (rows - np.median(rows)),
    "a spike": lambda rng, rows: np.where(rng.random(len(rows)) < 0.05, np.percentile(rows, 61.8), rows),
}


def frame(values):
    rows = len(values.valid)
    return Frame("prediction", ModelKey("p", "m", "1"), np.zeros(rows, np.int64), ["x"] * rows, {"feature.x": values})


def found(reference, current):
    layout = layout_of([frame(reference)])
    then, now = (profile(frame(values), layout).tally("x") for values in (reference, current))
    return layout.features[0], side(layout.features[0], then), measures(side(layout.features[0], then), now)


def numbers(data):
    return Values(NUMBER, np.asarray(data, np.float64), np.ones(len(data), bool))


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("rows", [2_000, 20_000])
def test_ks_and_wasserstein_are_scipys_within_a_thousandth(shape, change, rows):
    rng = np.random.default_rng(rows)
    reference, current = SHAPES[shape](rng, 100_000), CHANGES[change](rng, SHAPES[shape](rng, rows))
    told = found(numbers(reference), numbers(current))[2]
    assert told["ks"] == pytest.approx(ks_2samp(current, reference).statistic, abs=0.001)
    exact = wasserstein_distance(current, reference)
    assert told["wasserstein"] / reference.std() == pytest.approx(exact / reference.std(), abs=0.001)
    assert told["wasserstein_sd"] == pytest.approx(exact / reference.std(), abs=0.001)
    assert told["mean_shift"] == pytest.approx((current.mean() - reference.mean()) / reference.std(), abs=0.001)


thousandths = st.integers(-(10**9), 10**9).map(lambda whole: whole / 1e3)


@settings(max_examples=80, deadline=None)
@given(st.lists(thousandths, min_size=1, max_size=200), st.lists(thousandths, min_size=1))
def test_few_rows_of_anything_are_told_exactly_enough(reference, current):
    told = found(numbers(reference), numbers(current))[2]
    assert told["ks"] <= _ks(current, reference) + 1e-9
    span = max([*reference, *current]) - min([*reference, *current])
    assert told["wasserstein"] == pytest.approx(wasserstein_distance(current, reference), abs=0.02 * span + 1e-9)
    assert told["mean"] == pytest.approx(np.mean(current), abs=0.002 * span + 1e-9)


def _ks(a, b):
    points = np.array([*a, *b])
    shares = (np.searchsorted(np.sort(side), points, "right") / len(side) for side in (a, b))
    return np.abs(np.subtract(*shares)).max()


@pytest.mark.parametrize("shape", ["normal", "lognormal", "uniform", "rounded", "spike", "offset"])
def test_moments_and_quantiles_are_those_of_the_rows(shape):
    rng = np.random.default_rng(3)
    reference, current = SHAPES[shape](rng, 50_000), CHANGES["wider"](rng, SHAPES[shape](rng, 20_000))
    told = found(numbers(reference), numbers(current))[2]
    assert told["variance_ratio"] == pytest.approx(current.var() / reference.var(), rel=0.01)
    assert told["mean"] == pytest.approx(current.mean(), abs=0.001 * reference.std())
    for share in (5, 50, 95):
        exact = np.subtract(*(np.quantile(rows, share / 100, method="inverted_cdf") for rows in (current, reference)))
        assert told[f"p{share}_shift"] == pytest.approx(exact / reference.std(), abs=0.02)


@pytest.mark.parametrize("shape", SHAPES)
def test_divergences_of_numbers_are_the_formulas_on_the_same_edges(shape):
    rng = np.random.default_rng(8)
    reference, current = SHAPES[shape](rng, 30_000), 1.2 * SHAPES[shape](rng, 5_000)
    feature, known, told = found(numbers(reference), numbers(current))
    edges = [-np.inf, *np.array(feature.edges)[known.tenths[1:] - 1], np.inf]
    counts = np.array([np.histogram(rows, edges)[0] for rows in (current, reference)])
    assert 4 <= counts.shape[1] <= 10
    _same_formulas(told, counts)


def test_divergences_of_categories_are_the_formulas_with_new_and_vanished_ones():
    rng = np.random.default_rng(9)
    reference, current = rng.choice(list("abcd"), 4_000, p=[0.4, 0.3, 0.2, 0.1]), rng.choice(list("abcxy"), 900)
    _, _, told = found(category(reference.tolist()), category(current.tolist()))
    names = ["a", "b", "c", "d", "new"]
    texts = [np.where(np.isin(current, names), current, "new"), reference]
    counts = np.array([[int((side == name).sum()) for name in names] for side in texts])
    _same_formulas(told, counts)
    assert told["new"] == counts[0, 4] / 900
    assert told["vanished"] == counts[1, 3] / 4_000
    assert told["distinct_ratio"] == 3 / 4


def test_of_ids_the_rarer_and_how_many_are_distinct_are_told():
    reference = [f"id-{i % 3_000}" for i in range(9_000)] + ["top"] * 1_000
    _, _, told = found(category(reference), category([f"other-{i % 1_500}" for i in range(3_000)]))
    assert told["distinct_ratio"] == pytest.approx(0.5, rel=0.1)
    rare = sum(count for name, count in Counter(reference).most_common()[64:]) / 10_000
    assert told["rare_shift"] == pytest.approx(1 - rare, abs=0.003)
    assert told["js"] > 0.3


def _same_formulas(told, counts):
    q, p = counts / counts.sum(axis=1, keepdims=True)
    assert told["js"] == pytest.approx(jensenshannon(q, p, base=2), abs=1e-7)
    assert told["chi2"] == pytest.approx(chi2_contingency(counts[:, counts.any(axis=0)], correction=False).statistic)
    assert told["total_variation"] == pytest.approx(np.abs(q - p).sum() / 2)
    assert told["l_infinity"] == pytest.approx(np.abs(q - p).max())
    assert told["hellinger"] == pytest.approx(np.sqrt(1 - np.sqrt(q * p).sum()), abs=1e-6)
    q, p = np.maximum(q, 1e-4), np.maximum(p, 1e-4)
    assert told["psi"] == pytest.approx(((q - p) * np.log(q / p)).sum())


@pytest.mark.parametrize(
    ("reference", "current"),
    [
        (numbers([]), numbers([1.0])),
        (numbers([1.0]), numbers([])),
        (numbers([np.nan, np.inf]), numbers([1.0])),
        (category([None]), category(["a"])),
        (category(["a"]), category([None])),
    ],
)
def test_where_a_side_has_no_value_there_is_no_distance(reference, current):
    assert found(reference, current)[2] == {}


def test_a_constant_has_no_distance_in_standard_deviations_and_has_one_in_its_own_unit():
    told = found(numbers([5.0] * 100), numbers([5.0, 7.0]))[2]
    assert told["wasserstein"] == pytest.approx(1.0, abs=0.01)
    assert (told["ks"], told["mean"]) == (0.5, pytest.approx(6.0, abs=0.01))
    assert "wasserstein_sd" not in told


def test_the_largest_floats_break_no_distance():
    told = found(numbers([-1.7e308, 0.0, 1.7e308]), numbers([1.7e308, 1.7e308]))[2]
    assert told["ks"] == pytest.approx(2 / 3)
