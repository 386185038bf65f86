"""One hash however a text comes: alone, among others, in a list or as a block's column; another key, another hash."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tocsin_collector.keyedhash import KEY_BYTES, KeyedHash
from tocsin_collector.texts import Texts

KEYED = KeyedHash(bytes(range(KEY_BYTES)))
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | st.text("ab\0é", max_size=90)
EQUAL = st.integers(0, 70).flatmap(lambda size: st.lists(st.binary(min_size=size, max_size=size), max_size=9))


@given(st.lists(TEXT, max_size=12))
def test_a_text_has_one_hash_however_it_comes(texts: list[str]) -> None:
    raw = [text.encode() for text in texts]
    ends = np.cumsum([0, *map(len, raw)])
    alone = [KEYED.one(text) for text in raw]
    assert KEYED.texts(texts).tolist() == alone
    assert KEYED.texts(Texts(b"".join(raw), ends.astype(np.uint32))).tolist() == alone
    assert len(set(alone)) == len(set(texts))


@given(EQUAL)
def test_texts_of_one_length_have_the_hash_that_they_have_alone(raw: list[bytes]) -> None:
    ends = np.cumsum([0, *map(len, raw)])
    assert KEYED.spans(b"".join(raw), ends).tolist() == [KEYED.one(text) for text in raw]


def test_another_process_with_the_key_has_the_same_hashes() -> None:
    texts = [f"order-{number}" for number in range(10_000)]
    found = KeyedHash(bytes(range(KEY_BYTES))).texts(texts)
    assert found[:3].tolist() == PINNED
    assert len(set(found.tolist())) == 10_000
    assert not (found == KeyedHash(b"x" * KEY_BYTES).texts(texts)).any()


def test_every_bit_of_the_hash_depends_on_the_text() -> None:
    found = KEYED.texts([f"{number}" for number in range(4_096)])
    ones = [(found >> np.uint64(bit) & np.uint64(1)).sum() / 4_096 for bit in range(64)]
    assert all(0.45 < share < 0.55 for share in ones)
    assert len(set((found & np.uint64(0xFFFF)).tolist())) > 3_900  # slots: 3,970 of 4,096 are expected to differ


PINNED = [6622899113630196800, 17306209686739329127, 9542776186138909838]
