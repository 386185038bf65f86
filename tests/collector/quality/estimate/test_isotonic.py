import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tocsin_collector.quality.estimate.isotonic import GROUPS, calibrate, group

rows = st.lists(
    st.tuples(st.sampled_from([0.0, 0.1, 0.3, 0.5, 0.9, 1.0]), st.booleans(), st.integers(0, 3)), min_size=1
)


def _nearest_rising(means, weights):
    """The textbook's max-min formula, block by block."""
    count = len(means)

    def mean(first, last):
        return np.average(means[first : last + 1], weights=weights[first : last + 1])

    return [max(min(mean(a, b) for b in range(at, count)) for a in range(at + 1)) for at in range(count)]


@given(rows)
def test_it_is_the_rising_function_nearest_to_the_labels(listed):
    score, happened, weight = (np.array(column, float) for column in zip(*listed, strict=True))
    if not weight.any():
        weight += 1
    found = calibrate(group(score), happened, weight)
    values = [one for one in np.unique(score) if weight[score == one].any()]
    means = np.array([np.average(happened[score == one], weights=weight[score == one]) for one in values])
    masses = np.array([weight[score == one].sum() for one in values])
    assert np.allclose(found.score, values)
    assert np.allclose(found.share, _nearest_rising(means, masses))


def test_many_scores_are_gathered_without_parting_equal_ones():
    score = np.random.default_rng(1).random(50_000).round(4)
    rows = group(score)
    ordered = score[rows.order]
    assert len(rows.starts) <= GROUPS
    assert (ordered[rows.starts[1:]] != ordered[rows.starts[1:] - 1]).all()


def test_outside_the_known_scores_the_nearest_share_holds():
    found = calibrate(group(np.array([0.2, 0.8])), np.array([0.0, 1.0]), np.ones(2))
    assert np.allclose(found.of(np.array([0.0, 0.5, 1.0])), [0.0, 0.5, 1.0])
