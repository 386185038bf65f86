"""The ledger: a set of 128-bit keys with values, against a dict."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin_collector.ingest.ledger import Ledger


def u64(values: list[int]) -> np.ndarray:
    return np.array(values, np.uint64)


SMALL = st.integers(0, 7)  # few halves, so that keys share one of them, or both
KEYS = st.tuples(SMALL, SMALL.map(lambda n: n << 1))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(KEYS, max_size=30), max_size=8))
def test_equal_keys_share_a_slot_and_unlike_keys_do_not(batches: list[list[tuple[int, int]]]) -> None:
    ledger, oracle = Ledger(), {}
    for batch in batches:
        slots = ledger.claim(u64([high for high, _ in batch]), u64([low for _, low in batch]))
        for key, slot in zip(batch, slots.tolist(), strict=True):
            assert oracle.setdefault(key, slot) == slot
    assert len(set(oracle.values())) == len(oracle) == len(ledger)


def test_what_was_marked_survives_growth() -> None:
    ledger, rng = Ledger(), np.random.default_rng(3)
    high, low = rng.integers(0, 1 << 64, (2, 50_000), np.uint64)
    for start in range(0, 50_000, 1_000):
        part = slice(start, start + 1_000)
        slots = ledger.claim(high[part], low[part])
        assert not ledger.read(slots)[0].any()
        ledger.write(slots, high[part] | np.uint64(1), np.arange(start, start + 1_000))
    assert ledger.size_bytes / 50_000 <= 108
    content, time = ledger.read(ledger.claim(high, low))
    assert (content == high | np.uint64(1)).all()
    assert (time == np.arange(50_000)).all()
    assert len(ledger) == 50_000


def test_the_same_key_a_million_times_takes_one_slot_and_no_growth() -> None:
    ledger = Ledger()
    before = ledger.size_bytes
    for _ in range(50):
        ledger.claim(np.full(1_000, 5, np.uint64), np.full(1_000, 8, np.uint64))
    assert len(ledger) == 1
    assert ledger.size_bytes == before


def test_keys_that_all_want_the_same_slots_are_told_apart() -> None:
    ledger = Ledger()
    high = np.arange(3_000, dtype=np.uint64) << np.uint64(40)
    slots = ledger.claim(high, np.full(3_000, 2, np.uint64))
    assert len(set(slots.tolist())) == 3_000
