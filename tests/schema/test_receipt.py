"""A receipt says what was signed, and nothing that was changed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin_schema.receipt import MAX_BYTES, Receipt, ReceiptError, read, read_keys, verified

KEY, OTHER = b"k" * 32, b"o" * 32
RECEIPT = Receipt("shop", "credit", "3", "a1", 1_764_230_400_000_000, "yes", 810, {"country": "fr"})
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


def _code(token, keys=(KEY,)):
    with pytest.raises(ReceiptError) as caught:
        verified(token, keys)
    return caught.value.code


@given(
    st.builds(
        Receipt,
        *[texts] * 4,
        st.integers(0, (1 << 53) - 1),
        st.none() | texts,
        st.none() | st.integers(0, 1_000),
        st.dictionaries(texts, texts, max_size=3),
    )
)
def test_what_was_signed_is_read(receipt):
    token = receipt.mint(KEY)
    assert verified(token, [OTHER, KEY]) == read(token) == receipt


def test_the_format_does_not_change():
    assert RECEIPT.mint(KEY) == (
        "WyJzaG9wIiwiY3JlZGl0IiwiMyIsImExIiwxNzY0MjMwNDAwMDAwMDAwLCJ5ZXMiLDgxMCx7ImNvdW50cnkiOiJmciJ9XQ."
        "DPJe3iyrv0rQ2FCkyWJhsA"
    )


@given(st.data())
def test_no_changed_byte_and_no_cut_passes(data):
    token = RECEIPT.mint(KEY)
    at = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/"))
    for changed in (token[:at], token[:at] + other + token[at + 1 :]):
        if changed != token:
            assert _code(changed) in ("receipt_malformed", "receipt_forged")


@given(st.text(max_size=60))
def test_any_text_is_refused_with_a_code(text):
    assert _code(text) == "receipt_malformed"


def test_another_key_is_a_forgery():
    assert _code(RECEIPT.mint(OTHER)) == "receipt_forged"
    assert _code(RECEIPT.mint(KEY), ()) == "receipt_forged"


@pytest.mark.parametrize(
    "receipt",
    [
        Receipt("shop", "credit", "3", 7, 1),
        Receipt("shop", "credit", "3", "a1", -1),
        Receipt("shop", "credit", "3", "a1", 1 << 53),
        Receipt("shop", "credit", "3", "a1", True),
        Receipt("shop", "credit", "3", "a1", 1, 5),
        Receipt("shop", "credit", "3", "a1", 1, None, 1_001),
        Receipt("shop", "credit", "3", "a1", 1, None, None, {"country": 1}),
    ],
)
def test_a_signed_body_that_is_not_sound_is_refused(receipt):
    assert _code(receipt.mint(KEY)) == "receipt_malformed"


def test_a_receipt_is_never_longer_than_what_is_read():
    with pytest.raises(ValueError, match=f"at most {MAX_BYTES} bytes"):
        Receipt("shop", "credit", "3", "a" * MAX_BYTES, 1).mint(KEY)
    assert _code("a" * (MAX_BYTES + 1)) == "receipt_malformed"


def test_keys_are_read_by_project_and_a_bad_line_is_named():
    text = f"# keys\nshop {'a' * 32}\nshop {'b' * 40}\n\ntwo words {'c' * 32}\n"
    assert read_keys(text) == {"shop": [b"a" * 32, b"b" * 40], "two words": [b"c" * 32]}
    with pytest.raises(ValueError, match="line 2: a project"):
        read_keys(f"shop {'a' * 32}\nshop short\n")
