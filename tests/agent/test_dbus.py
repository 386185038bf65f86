"""Messages of D-Bus."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin_agent.dbus import ERROR, MOST_BYTES, REPLY, Reader, call, length, message, whole

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)


def test_a_call_is_written_as_the_specification_has_it():
    data = call(7, "a.b", ("/x", "i.f", "M", ("hi", "")))
    header = b"l\1\0\1" + struct.pack("<II", 4 + 2 + 1 + 1 + 4 + 1, 7)
    fields = (
        b"\1\1o\0\2\0\0\0/x\0" + bytes(5)
        + b"\6\1s\0\3\0\0\0a.b\0" + bytes(4)
        + b"\2\1s\0\3\0\0\0i.f\0" + bytes(4)
        + b"\3\1s\0\1\0\0\0M\0" + bytes(6)
        + b"\x08\1g\0\2ss\0"
    )  # fmt: skip
    assert data == header + struct.pack("<I", len(fields)) + fields + b"\2\0\0\0hi\0\0\0\0\0\0\0"
    assert length(data) == len(data)


@given(st.lists(TEXT, max_size=4).map(tuple), st.integers(1, 2**32 - 1))
def test_the_strings_of_a_call_come_back(arguments, serial):
    data = call(serial, "a.b", ("/x", "i.f", "M", arguments))
    assert length(data[:16]) == len(data)
    assert message(data) == (1, 0, list(arguments))


@pytest.mark.parametrize("order", ["<", ">"])
def test_every_type_is_read_in_both_orders(order):
    data = struct.pack(order + "BxhIqdI", 1, -2, 1, -3, 0.5, 2) + b"ab\0" + b"\1g\0"
    assert Reader(data, order).values("ynbxdsg") == [1, -2, 1, -3, 0.5, "ab", "g"]


def test_nested_types():
    inside = b"\1\0\0\0a\0" + bytes(2) + struct.pack("<I", 5)
    array = inside + bytes(-len(inside) % 8) + inside
    data = struct.pack("<I", len(array)) + bytes(4) + array
    assert Reader(data, "<").values("a(su)") == [[("a", 5), ("a", 5)]]
    assert Reader(b"\2as\0" + struct.pack("<II", 7, 2) + b"hi\0", "<").values("v") == [["hi"]]
    assert Reader(bytes(8), "<").values("at") == [[]]


@given(st.text("ybnqiuxtdhsogva(){}", max_size=12))
def test_a_signature_is_split_or_refused(outcome, signature):
    while signature:
        found, error = outcome(whole, signature)
        if error:
            return
        assert "".join(found) == signature
        signature = found[1]


@given(st.binary(max_size=120))
def test_torn_messages_are_value_errors(outcome, data):
    for prefix in (b"", b"l\2\0\1", call(1, "a", ("/", "b", "c", ("d",)))[:40]):
        for parser in (length, message):
            found, error = outcome(parser, prefix + data)
            assert error or found is not None


def test_what_is_too_long_or_too_deep_is_refused():
    with pytest.raises(ValueError, match="bytes"):
        length(b"l\2\0\1" + struct.pack("<III", MOST_BYTES, 1, 0))
    with pytest.raises(ValueError, match="too deep"):
        Reader(b"\1v\0" * 100, "<").values("v")
    with pytest.raises(ValueError, match="longer than its message"):
        Reader(struct.pack("<I", 999), "<").values("ay")


def test_kinds_of_replies():
    fields = b"\5\1u\0" + struct.pack("<I", 9)
    for kind in (REPLY, ERROR):
        data = bytes([ord("l"), kind, 0, 1]) + struct.pack("<III", 0, 1, len(fields)) + fields
        assert message(data) == (kind, 9, [])
