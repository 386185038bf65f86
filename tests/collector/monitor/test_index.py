"""Keys become numbers, as a dict would number them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin_collector.monitor import index as module
from tocsin_collector.monitor.index import Index

crowded = st.integers(0, 30).map(lambda n: n << 58 | n % 3)  # many keys want the same few slots
keys = st.lists(st.lists(crowded | st.integers(0, 2**64 - 1), max_size=40), max_size=8)


@given(keys)
def test_equal_keys_have_one_number_and_new_ones_the_next(batches):
    index, known = Index(), {}
    for batch in batches:
        found = index.claim(np.array(batch, np.uint64)).tolist()
        new = {key: number for key, number in zip(batch, found, strict=True) if key not in known}
        assert sorted(new.values()) == list(range(len(known), len(known) + len(new)))
        known |= new
        assert found == [known[key] for key in batch]
    assert len(index) == len(known)


@given(keys, st.randoms())
def test_what_is_kept_is_numbered_anew_in_the_same_order(batches, random):
    index, known = Index(), {}
    for batch in batches:
        known |= zip(batch, index.claim(np.array(batch, np.uint64)).tolist(), strict=True)
    which = [random.random() < 0.5 for _ in known]
    index.keep(np.array(which, bool))
    left = [key for key in sorted(known, key=known.__getitem__) if which[known[key]]]
    assert index.claim(np.array(left, np.uint64)).tolist() == list(range(len(left)))


LAST = 0xFFC0 << 48  # keys from here on want the table's last slots, and go on at its beginning
many = st.tuples(st.integers(0, 2**32), st.sampled_from([0, LAST]), st.integers(1, 3_000))


@given(st.lists(many, min_size=1, max_size=4), st.sampled_from([16, 64, 1 << 14]))
def test_a_table_that_grows_keeps_the_number_of_every_key(parts, piece):
    index, known = Index(), np.empty(0, np.uint64)
    for seed, least, count in parts:
        keys = np.random.default_rng(seed).integers(0, 1 << 64, count, np.uint64) | np.uint64(least)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(module, "_PIECE", piece)
            index.claim(keys)
        known = np.concatenate([known, keys[~np.isin(keys, known)]])
        assert index.claim(known).tolist() == list(range(known.size))


def test_it_grows_and_still_finds_every_key():
    found = np.random.default_rng(1).integers(0, 1 << 64, 100_000, np.uint64)
    index = Index()
    for part in np.split(found, 50):
        index.claim(part)
    again = [index.claim(part) for part in np.split(found, 50)]
    assert np.concatenate(again).tolist() == list(range(100_000))
    assert index.size_bytes < 25 * found.size
