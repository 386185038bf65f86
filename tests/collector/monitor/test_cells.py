"""A column of numbers or texts is the same after it was packed."""

from hypothesis import given
from hypothesis import strategies as st

from tocsin_collector.frame import category, number
from tocsin_collector.monitor.cells import Names, pack, renamed, unpack

texts = st.lists(st.none() | st.sampled_from(["", "yes", "no", "é", "1"]), max_size=8)
numbers = st.lists(st.none() | st.floats(allow_nan=False, allow_infinity=False), max_size=8)


@given(texts)
def test_texts_come_back(items):
    names = Names(["another", "no"])
    found = unpack(pack(category(items), names), names)
    assert [text if ok else None for text, ok in zip(found.texts(), found.valid, strict=True)] == items


@given(numbers)
def test_numbers_come_back_bit_by_bit(items):
    found = unpack(pack(number(items), Names()), Names())
    assert [value.hex() if ok else None for value, ok in zip(found.data.tolist(), found.valid, strict=True)] == [
        None if item is None else item.hex() for item in items
    ]


@given(texts)
def test_names_that_no_cell_uses_are_dropped(items):
    names = Names(["unused", "yes"])
    cells = pack(category(items), names)
    fewer, left = renamed(cells, names)
    assert unpack(fewer, left).texts() == unpack(cells, names).texts()
    assert len(left) == len({item for item in items if item is not None})
