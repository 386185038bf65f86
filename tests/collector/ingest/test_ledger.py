"""The ledger: a set of 64-bit keys with values, against a dict."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin_collector.ingest.ledger import Ledger

MOST_BYTES = 1 << 30


def everything(time: np.ndarray, stream: np.ndarray, most: int) -> np.ndarray:
    assert most > time.size == stream.size
    return np.ones(time.size, bool)


KEYS = st.tuples(st.integers(0, 5), st.integers(1, 5)).map(lambda parts: parts[0] << 40 | parts[1])  # many share a slot


@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(KEYS, max_size=30), max_size=8))
def test_equal_keys_share_a_slot_and_unlike_keys_do_not(batches: list[list[int]]) -> None:
    ledger, oracle = Ledger(everything, MOST_BYTES), {}
    for batch in batches:
        slots = ledger.claim(np.array(batch, np.uint64))
        for key, slot in zip(batch, slots.tolist(), strict=True):
            assert oracle.setdefault(key, slot) == slot
    assert len(set(oracle.values())) == len(oracle) == len(ledger)


def test_what_was_marked_survives_growth() -> None:
    ledger, rng = Ledger(everything, MOST_BYTES), np.random.default_rng(3)
    keys = rng.integers(0, 1 << 64, 50_000, np.uint64)
    for start in range(0, 50_000, 1_000):
        part = slice(start, start + 1_000)
        slots = ledger.claim(keys[part])
        assert not ledger.read(slots)[0].any()
        ledger.write(slots, keys[part] | np.uint64(1), np.arange(start, start + 1_000), 7)
    assert ledger.size_bytes / 50_000 <= 140
    content, time = ledger.read(ledger.claim(keys))
    assert (content == keys | np.uint64(1)).all()
    assert (time == np.arange(50_000)).all()
    assert len(ledger) == 50_000


def test_another_ledger_takes_over_what_one_knows() -> None:
    ledger, rng = Ledger(everything, MOST_BYTES), np.random.default_rng(3)
    keys = rng.integers(1, 1 << 64, 30_000, np.uint64)
    ledger.write(ledger.claim(keys), keys | np.uint64(1), np.arange(30_000), 7)
    other = Ledger(everything, MOST_BYTES)
    other.load(ledger.columns())
    assert len(other) == len(ledger) == 30_000
    more = np.concatenate([keys, rng.integers(1, 1 << 64, 60_000, np.uint64)])
    for start in range(0, 90_000, 1_000):
        part = more[start : start + 1_000]
        assert [found.tolist() for found in other.read(other.claim(part))] == [
            found.tolist() for found in ledger.read(ledger.claim(part))
        ]


def test_the_same_key_a_million_times_takes_one_slot_and_no_growth() -> None:
    ledger = Ledger(everything, MOST_BYTES)
    before = ledger.size_bytes
    for _ in range(50):
        ledger.claim(np.full(1_000, 5, np.uint64))
    assert len(ledger) == 1
    assert ledger.size_bytes == before


def test_keys_that_all_want_the_same_slots_are_told_apart() -> None:
    ledger = Ledger(everything, MOST_BYTES)
    slots = ledger.claim((np.arange(3_000, dtype=np.uint64) << np.uint64(40)) + np.uint64(2))
    assert len(set(slots.tolist())) == 3_000


def test_a_full_table_moves_without_what_is_not_kept_and_stays_within_its_bytes() -> None:
    ledger = Ledger(lambda time, stream, most: (time >= time.max() - most // 2) & (stream == 3), 1 << 22)
    for start in range(0, 1_000_000, 1_000):
        keys = np.arange(start + 1, start + 1_001, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        slots = ledger.claim(keys)
        ledger.write(slots[:-1], keys[:-1], np.arange(start, start + 999), 3)
        ledger.write(slots[-1:], keys[-1:], np.array([start + 999]), 4)
        assert ledger.size_bytes <= 1 << 22
    content, _ = ledger.read(ledger.claim(keys))
    assert content.all()
    first, _ = ledger.read(ledger.claim(np.array([0x9E3779B97F4A7C15], np.uint64)))
    assert first.tolist() == [0]
