import numpy as np
import pytest

from tocsin_collector.drift import joint
from tocsin_collector.frame import Frame, Values
from tocsin_collector.profile import ProfileError, layout_of
from tocsin_collector.profile.pairs import profile_pairs
from tocsin_collector.verdict import CATEGORY, NUMBER, ModelKey


def _window(rng, *, correlation=0.5, rows=2_000, mean=0.0, rich_in_b=0.7):
    """Two numbers that go together, two more that do not, and a category that goes with the last."""
    a, c, d, noise = rng.normal(size=(4, rows))
    b = correlation * a + (1 - correlation**2) ** 0.5 * noise
    kind = (rng.random(rows) < np.where(d > 0, rich_in_b, 1 - rich_in_b)).astype(np.int64)
    whole = np.ones(rows, bool)
    numbers = {"a": a + mean, "b": b * (1 + mean), "c": c, "d": d}
    columns = {f"feature.{name}": Values(NUMBER, data, whole) for name, data in numbers.items()}
    columns["feature.kind"] = Values(CATEGORY, kind, whole, ["plain", "rich"])
    return Frame("prediction", ModelKey("p", "m", ""), np.zeros(rows, np.int64), ["x"] * rows, columns)


@pytest.fixture(scope="module")
def known():
    rng = np.random.default_rng(1)
    frames = [_window(rng) for _ in range(30)]
    layout = layout_of(frames)
    return joint.fit([profile_pairs(frame, layout) for frame in frames]), layout


def _score(known, seed, **change):
    reference, layout = known
    return joint.score(reference, profile_pairs(_window(np.random.default_rng(seed), **change), layout))


def test_windows_as_ever_are_silent_whatever_their_rows(known):
    found = [_score(known, seed, rows=rows) for seed in range(100, 120) for rows in (300, 2_000, 10_000)]
    assert not any(one.pairs for one in found)


def test_a_pair_that_goes_together_otherwise_is_named_though_each_alone_is_as_ever(known):
    found = _score(known, 2, correlation=0.2)
    assert found.score > found.threshold
    assert found.pairs[0][:2] == ("a", "b")
    assert "a and b go together otherwise" in found.reasons[0]


def test_a_number_and_a_category_are_a_pair_too(known):
    assert {pair[:2] for pair in _score(known, 3, rich_in_b=0.4).pairs} == {("d", "kind")}


def test_what_a_feature_does_alone_does_not_count(known):
    assert not _score(known, 4, mean=0.3).pairs


def test_a_dependence_that_sways_in_the_reference_may_sway(known):
    rng = np.random.default_rng(5)
    frames = [_window(rng, correlation=rng.uniform(0.2, 0.8)) for _ in range(30)]
    layout = layout_of(frames)
    swaying = joint.fit([profile_pairs(frame, layout) for frame in frames]), layout
    assert not _score(swaying, 6, correlation=0.3).pairs
    assert _score(known, 6, correlation=0.3).pairs


def test_too_few_rows_say_nothing_and_an_empty_window_is_no_error(known):
    assert _score(known, 7, rows=joint.FEWEST_ROWS - 1) is None
    assert joint.fit([]) is None


def test_one_window_is_a_reference_whose_bound_is_wide(known):
    frame = _window(np.random.default_rng(8))
    alone = joint.fit([profile_pairs(frame, layout_of([frame]))]), layout_of([frame])
    assert _score(alone, 9).threshold > _score(known, 9).threshold


def test_features_that_are_missing_from_a_window_are_no_joint_drift(known):
    reference, layout = known
    frame = _window(np.random.default_rng(10))
    del frame.columns["feature.a"]
    assert not joint.score(reference, profile_pairs(frame, layout)).pairs


def test_a_bound_that_is_not_finite_is_a_reason_to_alarm(known):
    reference, layout = known
    process = reference.process.copy()
    process[3] = np.nan
    damaged = reference._replace(process=process), layout
    assert "build the reference again" in _score(damaged, 12).reasons[0]


def test_another_layout_is_refused(known):
    frame = _window(np.random.default_rng(11), rows=500)
    with pytest.raises(ProfileError, match="another layout"):
        joint.score(known[0], profile_pairs(frame, layout_of([frame])))
