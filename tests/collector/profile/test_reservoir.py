"""A bounded sample of rows is the same in whatever order and blocks they came, and merges into that of all rows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin_collector.frame import Frame, category, number
from tocsin_collector.profile import ProfileError, layout_of
from tocsin_collector.profile.coarse import codes
from tocsin_collector.profile.reservoir import kept, merged, nothing, sampled
from tocsin_collector.texts import Texts, ends
from tocsin_collector.verdict import ModelKey

KEY = ModelKey("p", "m", "")


def _frame(rows, seed=1):
    rng = np.random.default_rng(seed)
    columns = {
        "feature.age": number([None if one < -1 else float(one) for one in rng.normal(size=rows)]),
        "feature.city": category(rng.choice(["Lyon", "Nice"], rows).tolist()),
        "prediction": category(["yes"] * rows),
    }
    return Frame("prediction", KEY, rng.integers(0, 10**6, rows), [f"id-{row}" for row in range(rows)], columns)


ALL = _frame(200)
LAYOUT = layout_of([ALL])


def _same(a, b):
    return a.keys.tolist() == b.keys.tolist() and a.codes.tolist() == b.codes.tolist()


def _of(frame, most):
    return kept(nothing(LAYOUT, most), frame)


@given(st.permutations(range(200)), st.integers(1, 250), st.lists(st.integers(0, 200), max_size=6))
def test_any_order_and_any_blocks_give_the_same_rows(order, most, cuts):
    found = nothing(LAYOUT, most)
    for part in np.split(np.array(order), sorted(cuts)):
        found = kept(found, ALL.take(part))
    assert _same(found, _of(ALL, most))


@given(st.integers(0, 200), st.integers(1, 250))
def test_two_samples_merge_into_that_of_all_rows(cut, most):
    parts = [_of(ALL.take(rows), most) for rows in np.split(np.arange(200), [cut])]
    assert _same(merged(*parts), _of(ALL, most))
    assert _same(merged(*parts[::-1]), _of(ALL, most))


def test_frames_that_are_coded_at_once_have_the_codes_of_each_alone():
    frames = [_frame(50, seed) for seed in range(3)]
    frames[1].columns["feature.city"] = category(["Oslo"] * 50)
    del frames[2].columns["feature.age"]
    for most in (10, 100):
        alone = [_of(frame, most).codes.tolist() for frame in frames]
        assert [found.tolist() for found in sampled(frames, LAYOUT, most)] == alone


def test_it_holds_all_rows_while_there_is_room_and_no_more_than_it_may():
    whole = _of(ALL, 500)
    assert sorted(map(tuple, whole.codes.T.tolist())) == sorted(map(tuple, codes(ALL, LAYOUT).T.tolist()))
    assert _of(ALL, 30).codes.shape == (2, 30)


def test_every_row_is_as_likely_to_be_in_it():
    times = np.zeros(20_000)
    for seed in range(20):
        frame = _frame(20_000, seed)
        frame.columns["feature.age"] = number(np.arange(20_000).tolist())
        layout = layout_of([frame])
        found = kept(nothing(layout, 500), frame).codes[0]
        times[: len(found)] += found
    assert times[:500].mean() / 20 == pytest.approx(16.5, abs=0.5)  # the middle of 32 groups of numbered rows


def test_an_absent_column_and_one_of_another_kind_are_missing():
    frame = _frame(5)
    del frame.columns["feature.age"]
    frame.columns["feature.city"] = number([1.0] * 5)
    assert not _of(frame, 10).codes.any()


def test_samples_of_other_cells_do_not_merge():
    other = _frame(50, 9)
    with pytest.raises(ProfileError, match="code them again"):
        merged(_of(ALL, 10), kept(nothing(layout_of([other]), 10), other))


@given(st.lists(st.text(max_size=12), min_size=1, max_size=20))
def test_the_ends_of_a_text_do_not_depend_on_its_neighbours(texts):
    raw = [text.encode("utf-8", "surrogatepass") for text in texts]
    packed = Texts(b"".join(raw), np.cumsum([0, *map(len, raw)]).astype(np.uint32))
    for found in (ends(texts), ends(packed)):
        alone = [ends([text]) for text in texts]
        assert found[0].tolist() == [int(first[0]) for first, _ in alone]
        assert found[1].tolist() == [int(last[0]) for _, last in alone]


def test_the_ends_are_the_first_and_the_last_eight_bytes():
    first, last = ends(["abc", "0123456789"])
    assert first.tobytes() == b"abc\0\0\0\0\0" + b"01234567"
    assert last.tobytes() == b"\0\0\0\0\0abc" + b"23456789"
