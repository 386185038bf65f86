import numpy as np

from tocsin_collector.quality.estimate import direct
from tocsin_collector.quality.estimate.known import Known


def _rows(rng, rows, wide_share):
    """Where the first feature is wide and the second is above its middle, errors are ten times as large."""
    wide = rng.random(rows) < wide_share
    codes = np.array([1 + wide, rng.integers(1, 33, rows)], np.uint8)
    predicted = rng.normal(size=rows)
    errors = rng.normal(size=rows) * np.where(wide & (codes[1] > 16), 10.0, 1.0)
    return Known((), predicted[None, :], predicted + errors, codes)


def test_it_learns_where_errors_are_large_and_says_it_of_other_rows():
    rng = np.random.default_rng(6)
    model = direct.fit(_rows(rng, 20_000, 0.1))
    window = _rows(rng, 5_000, 0.6)
    errors = np.abs(window.table[0] - window.truth)
    found = direct.estimate(model, direct.losses(model, window.table[0], window.codes), 5_000)
    assert abs(found["mae"] / errors.mean() - 1) < 0.1
    assert abs(found["rmse"] / np.sqrt((errors**2).mean()) - 1) < 0.1


def test_sums_are_the_same_in_whatever_blocks_the_rows_come():
    rng = np.random.default_rng(7)
    model, rows = direct.fit(_rows(rng, 1_000, 0.3)), _rows(rng, 999, 0.3)
    whole = direct.losses(model, rows.table[0], rows.codes)
    parts = [direct.losses(model, rows.table[0][at], rows.codes[:, at]) for at in np.array_split(np.arange(999), 7)]
    assert np.array_equal(sum(parts), whole)


def test_a_model_that_never_errs_is_expected_not_to():
    rows = _rows(np.random.default_rng(8), 500, 0.3)
    model = direct.fit(rows._replace(truth=rows.table[0]))
    assert direct.estimate(model, direct.losses(model, rows.table[0], rows.codes), 500) == {"mae": 0.0, "rmse": 0.0}
