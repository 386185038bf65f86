"""The query of a request."""

from urllib.parse import quote_plus, unquote_plus

from hypothesis import given
from hypothesis import strategies as st

from tocsin_agent.httpd.query import pairs, unquoted


def test_names_and_values_in_their_order():
    assert pairs("collect%5B%5D=cpu&collect[]=mem+info&x&=y&&a=b=c") == [
        ("collect[]", "cpu"),
        ("collect[]", "mem info"),
        ("x", ""),
        ("", "y"),
        ("a", "b=c"),
    ]


def test_nothing_is_no_pair():
    assert pairs("") == []


@given(st.text(alphabet=st.characters(max_codepoint=0x2FFF, exclude_categories=("Cs",)), max_size=40))
def test_what_is_quoted_comes_back(text):
    assert unquoted(quote_plus(text)) == text


@given(st.text(alphabet="%0aF2+cz\xe9", max_size=20))
def test_any_text_is_read_as_the_library_reads_it(text):
    assert unquoted(text) == unquote_plus(text)


def test_the_number_of_pairs_is_bounded():
    assert len(pairs("&".join("a=1" for _ in range(10_000)))) < 300
