"""W3C traceparent."""

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin_agent.capture import ids, trace

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
GRAMMAR = re.compile(rb"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


def expected(header: bytes) -> str | None:
    found = GRAMMAR.match(header)
    if not found:
        return None
    rest = header[found.end() :]
    if rest and (header[:2] == b"00" or not rest.startswith(b"-")):
        return None
    return found.group(1).decode()


def test_a_valid_header_gives_its_trace_id():
    assert trace.parse(f"00-{TRACE}-{PARENT}-01".encode()) == TRACE


def test_a_later_version_may_carry_more():
    assert trace.parse(f"cc-{TRACE}-{PARENT}-01-what-comes".encode()) == TRACE
    assert trace.parse(f"cc-{TRACE}-{PARENT}-01x".encode()) is None


def test_what_the_recommendation_forbids_is_no_header():
    for header in (
        f"00-{TRACE.upper()}-{PARENT}-01",
        f"00-{'0' * 32}-{PARENT}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"ff-{TRACE}-{PARENT}-01",
        f"00-{TRACE}-{PARENT}-01-more",
        f"00_{TRACE}-{PARENT}-01",
        f"00-{TRACE}-{PARENT}",
        "",
    ):
        assert trace.parse(header.encode()) is None, header


@settings(max_examples=60)
@given(
    st.binary(max_size=70)
    | st.builds(
        lambda *parts: b"".join(parts),
        *(st.from_regex(rb"\A[0-9a-f]{%d}\Z" % n) | st.binary(max_size=n) for n in (2,)),
        st.sampled_from([b"-", b"_"]),
        st.from_regex(rb"\A[0-9a-g]{32}\Z") | st.just(b"0" * 32),
        st.just(b"-"),
        st.from_regex(rb"\A[0-9a-f]{16}\Z") | st.just(b"0" * 16),
        st.just(b"-"),
        st.from_regex(rb"\A[0-9a-f]{2}\Z"),
        st.sampled_from([b"", b"-x", b"x"]),
    )
)
def test_any_bytes_parse_as_the_grammar_says(header):
    assert trace.parse(header) == expected(header)


def test_two_headers_are_none_and_the_name_is_lower_case():
    header = (b"traceparent", f"00-{TRACE}-{PARENT}-01".encode())
    assert trace.from_headers([(b"host", b"x"), header]) == TRACE
    assert trace.from_headers([header, header]) is None
    assert trace.from_headers([]) is None


def test_a_made_id_is_32_hex_digits_and_never_the_same():
    made = {ids.make() for _ in range(50)}
    assert len(made) == 50
    assert all(re.fullmatch("[0-9a-f]{32}", one) for one in made)
