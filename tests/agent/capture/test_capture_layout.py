"""The worker's file as bytes."""

from array import array

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin_agent.capture import layout
from tocsin_agent.capture.layout import LayoutError, Snapshot, pack, parse


def snapshot(**changes):
    words = array("Q", bytes(layout.SLOT_WORDS * 8))
    words[layout.OUTCOME], words[layout.DURATION_NS], words[layout.DURATION + 7] = 3, 12345, 3
    fields = {"id": 7, "pid": 1, "start": 2, "counters": array("Q", range(20)), "folded": (5, 6)}
    fields["series"] = {("p", "m", "", "/a"): words, ("p", "é", "1", "_other"): words[:]}
    return Snapshot(**(fields | changes))


def test_what_is_packed_is_parsed():
    found = parse(pack(snapshot()))
    assert (found.id, found.pid, found.start, found.folded) == (7, 1, 2, (5, 6))
    assert found.series == snapshot().series
    assert found.counters[:20] == array("Q", range(20))


def test_the_longest_names_fit():
    key = ("\U0001f514" * 256, "\U0001f514" * 256, "\U0001f514" * 256, "\U0001f514" * 200)
    words = array("Q", bytes(layout.SLOT_WORDS * 8))
    assert list(parse(pack(snapshot(series={key: words}))).series) == [key]


def words_changed(at, value):
    raw = array("Q", pack(snapshot()))
    raw[at] = value
    return raw.tobytes()


SLOT = layout.stride() // 8


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "0 bytes"),
        (pack(snapshot())[:4095], "the head alone"),
        (words_changed(0, 1), "magic"),
        (words_changed(1, 15), "buckets"),
        (words_changed(2, 8), "stride"),
        (words_changed(2, 1 << 60), "do not fit"),
        (words_changed(layout.SLOTS, 65), "out of bounds"),
        (words_changed(layout.SLOTS, 3), "do not fit"),
        (words_changed(layout.FOLDED, 257), "out of bounds"),
        (words_changed(layout.COUNTERS_AT, 1 << 60), "2\\*\\*53"),
        (words_changed(SLOT, 4089), "labels of 4089 bytes"),
        (words_changed(SLOT, 3), "labels at"),
        (words_changed(SLOT + 1, (1 << 64) - 1), "UTF-8"),
        (words_changed(SLOT + layout.LABEL_WORDS + layout.OUTCOME, 1 << 60), "2\\*\\*53"),
        (words_changed(SLOT + layout.LABEL_WORDS + layout.DURATION, 1 << 60), "2\\*\\*53"),
        (pack(snapshot())[:-1], "do not fit"),
    ],
)
def test_a_broken_file_is_refused_with_its_reason(raw, why):
    with pytest.raises(LayoutError, match=why):
        parse(raw)


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_any_damage_is_refused_or_gives_sound_counts(data):
    raw = bytearray(pack(snapshot()))
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, 600))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(raw)))
    try:
        found = parse(bytes(raw[:cut]))
    except LayoutError:
        return
    assert all(sum(words[layout.DURATION :]) <= 2 * layout.MAX_COUNT for words in found.series.values())
