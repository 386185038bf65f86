import numpy as np

from tocsin_collector.quality.estimate.raking import MOST, rake


def test_the_weighted_rows_show_the_wanted_shares_of_every_feature():
    rng = np.random.default_rng(2)
    codes = np.array([rng.integers(0, 3, 5_000), rng.integers(0, 2, 5_000)], np.uint8)
    codes[1][codes[0] == 2] = 1  # the features depend on one another
    wanted = [np.array([0.5, 0.3, 0.2]), np.array([0.25, 0.75])]
    weights = rake(codes, wanted)
    for code, share in zip(codes, wanted, strict=True):
        assert np.allclose(np.bincount(code, weights) / len(weights), share, atol=2e-3)
    assert np.isclose(weights.mean(), 1)


def test_equal_shares_leave_equal_weights():
    codes = np.array([[0, 1, 0, 1]], np.uint8)
    assert rake(codes, [np.array([0.5, 0.5])]).tolist() == [1.0] * 4


def test_a_cell_that_no_row_has_is_left_out():
    weights = rake(np.array([[0, 0, 1, 1]], np.uint8), [np.array([0.1, 0.3, 0.6])])
    assert np.allclose(weights, [0.5, 0.5, 1.5, 1.5])


def test_no_row_stands_for_all():
    codes = np.zeros((1, 1_000), np.uint8)
    codes[0, 0] = 1
    assert rake(codes, [np.array([0.0, 1.0])]).max() <= 1_000
    weights = rake(codes, [np.array([0.5, 0.5])])
    assert np.isfinite(weights).all()
    assert weights[0] <= MOST * 2
