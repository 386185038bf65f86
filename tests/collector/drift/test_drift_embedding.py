"""Embeddings are held against their reference: silent by the stated chance, loud where the cloud is another."""

import numpy as np
import pytest

from tests.cloud import cloud, vectors
from tocsin_collector.drift import compare, fit, policy
from tocsin_collector.drift.location import located, moments
from tocsin_collector.frame import Frame, embedding
from tocsin_collector.profile import layout_of, profile
from tocsin_collector.profile.embedding import directions_of
from tocsin_collector.verdict import ModelKey

ROWS = 400
KNOWN = cloud(21, 96)


def frame_of(rows):
    values = embedding(np.asarray(rows, np.float32), np.ones(len(rows), bool))
    return Frame(
        "prediction", ModelKey("", "", ""), np.zeros(len(rows), np.int64), [""] * len(rows), {"feature.e": values}
    )


def learnt(windows):
    frames = [frame_of(rows) for rows in windows]
    layout = layout_of(frames)
    return layout, fit([profile(frame, layout) for frame in frames], layout)


@pytest.fixture(scope="module")
def reference():
    draw = np.random.default_rng(1)
    return learnt([vectors(KNOWN, ROWS, draw) for _ in range(30)])


def told(reference, rows):
    layout, known = reference
    return compare(known, profile(frame_of(rows), layout), 30)


@pytest.mark.parametrize("dimensions", [8, 64, 96])
def test_unchanged_rows_are_as_far_as_chance_says(dimensions):
    known, draw = cloud(5, dimensions), np.random.default_rng(2)
    layout, fitted = learnt([vectors(known, 6_000, draw)])
    found = [
        located(
            layout.spaces["e"],
            moments(profile(frame_of(vectors(known, 200, draw)), layout).tally("e")),
            fitted.features["e"].pool,
        )
        for _ in range(300)
    ]
    squared, noise = np.array([one.squared for one in found]), float(found[0].noise)
    assert noise == pytest.approx((2 * directions_of(dimensions)) ** 0.5 * (1 / 200 + 1 / 6_000))
    assert abs(squared.mean()) < 0.3 * noise
    assert squared.std() == pytest.approx(noise, rel=0.25)


def test_a_move_is_as_far_as_it_is_in_standard_deviations():
    draw = np.random.default_rng(3)
    here = draw.normal(size=(20_000, 8)) + 10 * np.eye(8)[0]
    layout, fitted = learnt([here])
    space = layout.spaces["e"]
    there = here + 0.3 * np.eye(8)[1]
    found = located(space, moments(profile(frame_of(there), layout).tally("e")), fitted.features["e"].pool)
    assert float(found.squared) ** 0.5 == pytest.approx(0.3, rel=0.05)
    assert float(found.cosine) == pytest.approx(0.3**2 / 10**2 / 2, rel=0.1)


def test_unchanged_windows_are_silent_and_changed_ones_say_how_far(reference):
    draw = np.random.default_rng(4)
    for _ in range(20):
        assert not [one.reasons for one in told(reference, vectors(KNOWN, ROWS, draw)).values() if one.reasons]
    for change in ({"new": 0.15}, {"mix": 0.3}, {"shift": 0.15}):
        found = told(reference, vectors(KNOWN, ROWS, draw, **change))["e"]
        assert found.method == "hotelling"
        assert found.score > found.threshold
        assert "the mean of its vectors is" in found.reasons[0]
        assert found.distances["cosine_distance"] > 0
        assert sum(found.distribution.current) == pytest.approx(1)
    spread = told(reference, vectors(KNOWN, ROWS, draw, spread=0.3))
    assert spread["e:cosine"].reasons
    longer = told(reference, 3 * vectors(KNOWN, ROWS, draw))
    assert [name for name, one in longer.items() if one.reasons] == ["e:norm"]


def test_vectors_that_say_nothing_are_told_as_such(reference):
    rows = vectors(KNOWN, ROWS, np.random.default_rng(5))
    missing, empty, alike = rows.copy(), rows.copy(), np.repeat(rows[:1], ROWS, axis=0)
    missing[: ROWS // 2, 3] = np.nan
    empty[: ROWS // 2] = 0
    assert "50.0 % of values are missing" in told(reference, missing)["e"].reasons[0]
    assert "50.0 % of values are all zero, infinite or no embedding[96]" in told(reference, empty)["e"].reasons[0]
    assert told(reference, alike)["e"].score > told(reference, alike)["e"].threshold
    gone = told(reference, np.zeros((ROWS, 96)))
    assert gone["e"].score is None
    assert gone["e"].reasons


@pytest.mark.parametrize(
    "windows", [[np.ones((50, 4))] * 3, [np.zeros((50, 4))] * 3, [np.full((50, 4), np.nan)], [np.eye(4)[:1]]]
)
def test_a_reference_that_shows_nothing_gives_verdicts_all_the_same(windows):
    reference = learnt(windows)
    found = told(reference, np.random.default_rng(6).normal(size=(100, 4)))
    assert all(one.score is None or 0 <= one.score <= 1 for one in found.values())
    assert set(found) == {"e", "e:cosine", "e:norm"}


def test_a_reference_of_fewer_rows_than_directions_does_not_cry_wolf():
    draw = np.random.default_rng(7)
    reference = learnt([vectors(KNOWN, 20, draw) for _ in range(2)])
    for _ in range(10):
        assert not told(reference, vectors(KNOWN, 200, draw))["e"].reasons


def test_the_calibrated_policy_opens_an_incident_of_location():
    draw, hours = np.random.default_rng(8), 15 * 24
    known = cloud(9, 40)
    frames = [frame_of(vectors(known, 60, draw)) for _ in range(hours)]
    layout = layout_of(frames)
    windows = [(hour * 3_600.0, profile(frame, layout)) for hour, frame in enumerate(frames)]
    fitted = policy.fit(windows, layout, window_s=3_600.0)
    assert {one.kind for one in fitted.signals if one.feature == "e"} == {
        "missing",
        "filled",
        "location",
        "new",
        "invalid",
    }
    state, opened = policy.begin(fitted), []
    for hour in range(hours, hours + 48):
        rows = vectors(known, 60, draw, new=0.0 if hour < hours + 24 else 0.4)
        state, decision = policy.step(fitted, state, hour * 3_600.0, profile(frame_of(rows), layout))
        opened.append(decision.open)
    assert not any(opened[:24])
    assert "e:location" in opened[-1]
    empty = profile(frame_of(np.zeros((60, 40))), layout)
    _, decision = policy.step(fitted, state, (hours + 48) * 3_600.0, empty)
    assert "e:invalid" in decision.open
