import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon
from scipy.stats import chi2, kstwobign

from tocsin_collector.drift.distance import JS, KS, js, ks

counts = st.lists(st.integers(0, 1_000), min_size=2, max_size=20).filter(lambda cells: sum(cells) > 0)


@settings(max_examples=80, deadline=None)
@given(counts, st.randoms(use_true_random=False))
def test_a_distance_is_between_0_and_1_and_0_to_itself(cells, random):
    current = np.array(cells)
    reference = np.array(random.sample(cells, len(cells)))
    for measure in (ks, js):
        assert 0 <= measure(current, reference).score <= 1
        assert measure(current, current * 3).score == pytest.approx(0, abs=1e-7)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 500), st.integers(200, 500)), min_size=2, max_size=20))
def test_js_is_scipys_distance_in_bits_where_no_cell_is_rare(pairs):
    current, reference = (np.array(side) for side in zip(*pairs, strict=True))
    current[0] += 500
    assert js(current, reference).score == pytest.approx(jensenshannon(current, reference, 2), abs=1e-6)


def test_js_takes_rare_cells_together_so_that_ids_do_not_look_like_drift():
    rng = np.random.default_rng(1)
    shares = np.full(2_000, 1 / 2_000)
    found = js(rng.multinomial(900, shares), rng.multinomial(50_000, shares))
    assert found.score < 0.05 < jensenshannon(rng.multinomial(900, shares), shares, 2)


def test_the_place_of_the_largest_difference_is_told():
    found = ks(np.array([10, 60, 30]), np.array([40, 30, 30]))
    assert (found.cell, found.now, found.before) == (0, 0.1, 0.4)
    moved = js(np.array([50, 30, 20]), np.array([20, 60, 20]))
    assert (moved.cell, moved.now, moved.before) in {(0, 0.5, 0.2), (1, 0.3, 0.6)}


def test_nothing_new_under_the_floor_more_often_than_stated():
    rng = np.random.default_rng(2)
    shares = np.full(40, 1 / 40)
    for measure, method in ((ks, KS), (js, JS)):
        found = [measure(rng.multinomial(900, shares), rng.multinomial(40_000, shares)) for _ in range(400)]
        assert sum(one.score > one.floor(method, 0.05) for one in found) <= 36  # 20 expected, 3.7 deviations
        assert np.mean([one.score**2 for one in found]) == pytest.approx(found[0].noise, rel=0.15)


def test_the_floors_are_the_known_quantiles():
    even = np.full(30, 1_000)
    assert ks(even, even * 1_000).floor(KS, 1e-4) == pytest.approx(kstwobign.isf(1e-4) / 30_000**0.5, rel=0.01)
    for cells in (2, 3, 30):
        found = js(even[:cells], even[:cells] * 1_000)
        exact = (chi2.isf(1e-4, cells - 1) / (8 * np.log(2)) * 1.001 / (1_000 * cells)) ** 0.5
        assert found.floor(JS, 1e-4) == pytest.approx(exact, rel=0.03)
