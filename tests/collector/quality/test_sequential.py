"""A comparison that may be looked at after every window errs no more often than it says."""

import numpy as np
import pytest

from tocsin_collector.quality.sequential import FEWEST_ROWS, compare, sequence
from tocsin_collector.quality.tally import Mean

RUNS, WINDOWS = 300, 150


def means(values):
    """The mean of all rows so far after each window; ``values`` are windows x rows."""
    rows = values.shape[1] * np.arange(1, len(values) + 1)
    total, squares = values.sum(axis=1).cumsum(), (values**2).sum(axis=1).cumsum()
    value = total / rows
    noise = np.maximum(squares / rows - value**2, 0) / (rows - 1)
    return [Mean(*one) for one in zip(rows.tolist(), value.tolist(), noise.tolist(), strict=True)]


def decided(draw, second=None, first_rows=40, second_rows=40):
    """The share of runs that decided, and the median look at which they did."""
    rng = np.random.default_rng(20_261)
    found = [
        compare(
            zip(
                means(draw(rng, (WINDOWS, first_rows))),
                means((second or draw)(rng, (WINDOWS, second_rows))),
                strict=True,
            )
        )
        for _ in range(RUNS)
    ]
    when = [one.decided for one in found if one.decided is not None]
    return len(when) / RUNS, float(np.median(when)) if when else None


def happens(share):
    return lambda rng, shape: (rng.random(shape) < share).astype(float)


def revenue(rng, shape):
    return (rng.random(shape) < 0.05) * rng.lognormal(3, 1, shape)


NULLS = {
    "half": {"draw": happens(0.5)},
    "one in twenty": {"draw": happens(0.05)},
    "one in a hundred": {"draw": happens(0.01)},
    "one in a hundred, few rows on one side": {"draw": happens(0.01), "second_rows": 4},
    "log loss": {"draw": lambda rng, shape: rng.exponential(0.4, shape)},
    "revenue": {"draw": revenue},
    "revenue, few rows on one side": {"draw": revenue, "second_rows": 8},
    "unlike variances": {
        "draw": lambda rng, shape: rng.normal(0, 1, shape),
        "second": lambda rng, shape: rng.normal(0, 5, shape),
        "second_rows": 8,
    },
}


@pytest.mark.parametrize("name", NULLS)
def test_two_equal_versions_are_told_apart_in_at_most_one_run_of_twenty(name):
    share, _ = decided(**NULLS[name])
    assert share <= 0.05


def test_a_t_test_that_is_looked_at_as_often_errs_in_more_than_a_third():
    rng = np.random.default_rng(3)
    wrong = 0
    for _ in range(RUNS):
        pair = zip(means(happens(0.5)(rng, (WINDOWS, 40))), means(happens(0.5)(rng, (WINDOWS, 40))), strict=True)
        wrong += any(abs(b.value - a.value) > 1.96 * (a.noise + b.noise) ** 0.5 for a, b in pair)
    assert wrong / RUNS > 1 / 3


def test_versions_that_differ_are_told_apart_in_time():
    share, when = decided(happens(0.10), happens(0.15))
    assert share > 0.95
    assert when < WINDOWS / 3


def test_the_range_contains_the_truth_at_every_look():
    rng = np.random.default_rng(5)
    outside = 0
    for _ in range(RUNS):
        pair = zip(means(happens(0.10)(rng, (WINDOWS, 40))), means(happens(0.13)(rng, (WINDOWS, 40))), strict=True)
        ranges = [sequence(*look) for look in pair]
        outside += any(one.low is not None and not one.low <= 0.03 <= one.high for one in ranges)
    assert outside / RUNS <= 0.05


def test_few_rows_and_rows_that_never_vary_decide_nothing():
    assert sequence(Mean(FEWEST_ROWS - 1, 0.0, 0.1), Mean(9_999, 1.0, 0.1)) == (1.0, None, None)
    assert sequence(Mean(500, 0.0, 0.0), Mean(500, 0.0, 0.0)) == (0.0, None, None)
    assert compare([]) is None
