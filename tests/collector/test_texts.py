"""Texts are a list to whoever looks, and bytes to whoever only compares."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tocsin_collector.texts import Texts, ends, lengths

texts = st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=6), max_size=8)
equal = st.integers(1, 5).flatmap(lambda width: st.lists(st.text("ab\0é", min_size=width, max_size=width), max_size=8))


def _lazy(items):
    raw = [item.encode() for item in items]
    return Texts(b"".join(raw), np.cumsum([0, *map(len, raw)]).astype(np.uint32))


@given(texts | equal)
def test_they_are_what_was_packed(items):
    assert _lazy(items) == items
    assert list(_lazy(items)) == items
    assert len(_lazy(items)) == len(items)
    assert lengths(_lazy(items)).tolist() == lengths(items).tolist() == [len(item) for item in items]


@given((texts | equal).filter(bool), st.data())
def test_some_of_them_are_the_same_texts(items, data):
    rows = data.draw(st.lists(st.integers(0, len(items) - 1)))
    assert list(_lazy(items).take(np.array(rows, int))) == [items[row] for row in rows]


long = st.integers(8, 20).flatmap(lambda width: st.lists(st.text("ab\0", min_size=width, max_size=width), max_size=8))


@given(texts | equal | long)
def test_their_ends_are_the_first_and_the_last_eight_bytes(items):
    raw = [item.encode() for item in items]
    first = [int.from_bytes(one[:8], "little") for one in raw]
    last = [int.from_bytes(one[-8:].rjust(8, b"\0"), "little") for one in raw]
    for given_as in (items, _lazy(items), _lazy(["x", *items]).part(1, len(items) + 1)):
        assert [column.tolist() for column in ends(given_as)] == [first, last]
