from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin_agent.logs.lines import MAX_LINE, last, split

texts = st.lists(
    st.one_of(st.binary(max_size=12), st.sampled_from([b"", b" ", b"\r", b"\0\0a", b"x" * 70_000])), max_size=12
)


def whole(data, most=10**9):
    lines, used, cut = split(data, 0, most, cut=False)
    return [(line.offset, line.data, line.cut) for line in lines], used, cut


def test_lines_have_the_offset_of_their_first_byte():
    assert whole(b"one\ntwo\r\n\nthree") == ([(0, b"one", False), (4, b"two", False)], 10, False)


def test_a_long_line_is_cut_and_its_rest_discarded():
    data = b"a" * (MAX_LINE + 10) + b"\nb\n"
    assert whole(data) == ([(0, b"a" * MAX_LINE, True), (MAX_LINE + 11, b"b", False)], len(data), False)


def test_a_long_line_whose_end_has_not_come_is_cut_at_once():
    lines, used, cut = split(b"a" * (MAX_LINE + 1), 7, 10, cut=False)
    assert ([line.offset for line in lines], used, cut) == ([7], MAX_LINE + 1, True)
    assert split(b"aaa", 0, 10, cut=True) == ([], 3, True)
    lines, used, cut = split(b"aaa\nb\nc", 100, 10, cut=True)
    assert ([(line.offset, line.data) for line in lines], used, cut) == ([(104, b"b")], 6, False)


def test_the_hole_that_copytruncate_leaves_belongs_to_no_line():
    assert whole(b"\0" * 5000 + b"one\n") == ([(5000, b"one", False)], 5004, False)
    assert whole(b"\0" * 5000) == ([], 5000, False)


def test_the_last_line_is_taken_when_it_will_not_be_finished():
    assert [(line.offset, line.data) for line in last(b"half", 9)] == [(9, b"half")]
    assert last(b"", 9) == []


@settings(max_examples=100, deadline=None)
@given(texts, st.booleans(), st.lists(st.floats(0, 1), max_size=8), st.integers(1, 5))
def test_however_the_bytes_arrive_the_lines_are_the_same(pieces, ended, shares, most):
    data = b"\n".join(pieces) + (b"\n" if ended else b"")
    found, offset, cut = [], 0, False
    for end in sorted(int(share * len(data)) for share in shares) + [len(data)] * (len(pieces) + 2):
        lines, used, cut = split(data[offset:end], offset, most, cut=cut)
        found += [(line.offset, line.data, line.cut) for line in lines]
        offset += used
    assert found == whole(data)[0]
