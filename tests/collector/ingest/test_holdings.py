"""Whose the bytes of the journal are."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from tocsin_collector.ingest.holdings import RECORD_BYTES, STRETCH_BYTES, Holdings

BLOCKS = st.lists(
    st.tuples(st.sampled_from(["shop", "bank", "4"]), st.integers(0, 1 << 24), st.integers(0, 1 << 30)), max_size=40
)


def _made(blocks):
    found = Holdings()
    for project, position, size in blocks:
        found.add(project, position, size)
    return found


@given(BLOCKS)
def test_a_project_holds_what_was_stored_of_it_with_its_records(blocks):
    wanted = Counter()
    for project, _, size in blocks:
        wanted[project] += size + RECORD_BYTES
    assert _made(blocks).size_bytes() == wanted


@given(BLOCKS, st.lists(st.integers(0, 1 << 25), max_size=5))
def test_what_the_journal_drops_is_given_back_to_a_stretch(blocks, drops):
    found = _made(blocks)
    for before in drops:
        found.forget(before)
    first = max(drops, default=0) // STRETCH_BYTES * STRETCH_BYTES
    assert found.size_bytes() == _made([block for block in blocks if block[1] >= first]).size_bytes()


@given(BLOCKS, BLOCKS)
def test_another_one_goes_on_from_its_state(before, after):
    second = Holdings()
    second.load(_made(before).state())
    for block in after:
        second.add(*block)
    assert second.size_bytes() == _made(before + after).size_bytes()
    second.forget(1 << 30)
    assert second.size_bytes() == {}


def test_what_was_erased_is_held_no_more():
    held = Holdings()
    for position in range(0, 4 * STRETCH_BYTES, STRETCH_BYTES // 2):
        held.add("shop", position, 1_000)
        held.add("bank", position, 1_000)
    before = held.size_bytes()["shop"]
    held.erase(STRETCH_BYTES, 2 * STRETCH_BYTES, "shop")
    assert held.size_bytes()["shop"] == before * 3 // 4
    held.erase(0, 4 * STRETCH_BYTES, "shop")
    assert held.size_bytes() == {"bank": before}
