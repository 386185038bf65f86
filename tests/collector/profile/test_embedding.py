"""Embeddings are counted in whole numbers: the same bytes in any order and grouping, and what they say is right."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tests.cloud import cloud, vectors
from tocsin_collector.frame import Frame, category, embedding, number
from tocsin_collector.profile import Layout, Profile, ProfileError, layout_of, merged, profile
from tocsin_collector.profile.coarse import chosen
from tocsin_collector.profile.embedding import DIRECTIONS, look, spaces
from tocsin_collector.verdict import ModelKey

ANY = st.floats(width=32, allow_nan=True, allow_infinity=True)


def frame_of(rows, valid=None, name="e"):
    values = embedding(np.asarray(rows, np.float32), np.ones(len(rows), bool) if valid is None else valid)
    return Frame(
        "prediction", ModelKey("", "", ""), np.zeros(len(rows), np.int64), [""] * len(rows), {f"feature.{name}": values}
    )


@settings(max_examples=60, deadline=None)
@given(st.data(), st.sampled_from([2, 5, 64, 65, 300]), st.integers(1, 30))
def test_any_rows_in_any_blocks_and_order_have_the_same_layout_and_profile(data, dimensions, rows):
    few = data.draw(arrays.arrays(np.float32, (rows, 4), elements=ANY))
    draw = np.random.default_rng(data.draw(st.integers(0, 9)))
    with np.errstate(over="ignore", invalid="ignore"):
        every = few[:, draw.integers(0, 4, dimensions)] * draw.normal(size=dimensions).astype(np.float32)
    whole = frame_of(every, draw.random(rows) < 0.9)
    order = draw.permutation(rows)
    cuts = sorted(data.draw(st.lists(st.integers(0, rows), max_size=4)))
    parts = [whole.take(part) for part in np.split(order, cuts) if len(part)]
    layout = layout_of([whole])
    assert layout_of(parts).to_bytes() == layout.to_bytes()
    told = profile(whole, layout)
    assert merged((profile(part, layout) for part in parts), layout).to_bytes() == told.to_bytes()
    assert told.adds_up()
    assert Layout.from_bytes(layout.to_bytes()) == layout
    assert Profile.from_bytes(told.to_bytes(), layout).to_bytes() == told.to_bytes()


def test_a_row_alone_is_counted_as_among_thousands():
    rows = vectors(cloud(1), 3_000, np.random.default_rng(1))
    layout = layout_of([frame_of(rows)])
    alone = merged((profile(frame_of(rows[at : at + 1]), layout) for at in range(200)), layout)
    assert alone.to_bytes() == profile(frame_of(rows[:200]), layout).to_bytes()
    among = look(embedding(rows, np.ones(3_000, bool)), layout.spaces["e"])
    for at in (0, 1_023, 1_024, 2_999):
        one = look(embedding(rows[at : at + 1], np.ones(1, bool)), layout.spaces["e"])
        assert (one.projected[0] == among.projected[at]).all()
        assert one.cosine[0] == among.cosine[at]


@pytest.mark.parametrize("dimensions", [2, 64, 65, 384, 4_096])
def test_cosine_and_norm_are_those_of_the_vectors(dimensions):
    draw = np.random.default_rng(dimensions)
    rows = ((draw.normal(size=(500, dimensions)) + 0.5) * draw.lognormal(0, 5, (500, 1))).astype(np.float32)
    values = embedding(rows, np.ones(500, bool))
    looked = look(values, spaces([values], dimensions))
    exact = rows.astype(np.float64)
    length = np.linalg.norm(exact, axis=1)
    middle = (exact / length[:, None]).sum(axis=0)
    cosine = exact @ middle / length / np.linalg.norm(middle)
    np.testing.assert_allclose(looked.cosine, cosine, atol=1e-3)
    np.testing.assert_allclose(looked.norm, length, rtol=2**-10)


def test_projections_keep_how_far_means_are_apart():
    draw = np.random.default_rng(3)
    known = cloud(3)
    here, there = vectors(known, 4_000, draw), vectors(known, 4_000, draw, new=0.5)
    values = embedding(here, np.ones(4_000, bool))
    space = spaces([values], 384)
    one, other = (look(embedding(rows, np.ones(4_000, bool)), space).projected.mean(axis=0) for rows in (here, there))
    told = np.linalg.norm(one - other) / 2**8 / DIRECTIONS**0.5
    exact = np.linalg.norm(here.mean(axis=0) - there.mean(axis=0))
    assert told == pytest.approx(exact, rel=3 * (2 / DIRECTIONS) ** 0.5)


def test_what_has_no_direction_is_counted_apart():
    rows = np.ones((6, 3), np.float32)
    rows[1], rows[2, 0], rows[3, 0] = 0, np.nan, np.inf
    layout = layout_of([frame_of(np.ones((9, 3)))])
    tally = profile(frame_of(rows, np.arange(6) != 4), layout).tally("e")
    assert tally[:6] == (6, 1, 1, 2, 0, 0)
    assert tally.cells.sum() == 2


@pytest.mark.parametrize(
    "values", [number([1.0] * 5), category(["x"] * 5), embedding(np.ones((5, 4), np.float32), np.ones(5, bool))]
)
def test_a_column_of_another_kind_or_length_is_counted_as_such(values):
    layout = layout_of([frame_of(np.ones((9, 3)))])
    other = Frame("prediction", ModelKey("", "", ""), np.zeros(5, np.int64), [""] * 5, {"feature.e": values})
    counted = profile(other, layout)
    assert [counted.tally(name).other_kind for name in ("e", "e:cosine", "e:norm")] == [5, 5, 5]
    back = layout_of([other])
    assert all(profile(frame_of(np.ones((5, 3))), back).tally(one.name).other_kind == 5 for one in back.features)


def test_a_feature_and_window_take_less_than_six_kilobytes():
    draw, known = np.random.default_rng(4), cloud(4)
    rows = vectors(known, 100_000, draw) * draw.lognormal(0, 1, (100_000, 1)).astype(np.float32)
    layout = layout_of([frame_of(rows[:20_000])])
    assert len(profile(frame_of(rows), layout).to_bytes()) < 6_000


def test_vectors_of_one_length_have_one_norm():
    rows = vectors(cloud(5), 1_000, np.random.default_rng(5))
    layout = layout_of([frame_of(rows)])
    assert 1.0 in layout.by_name["e:norm"].edges
    assert np.count_nonzero(profile(frame_of(rows), layout).tally("e:norm").cells) == 1


def test_embeddings_are_in_no_pair_and_no_code():
    assert chosen(layout_of([frame_of(np.eye(9, 3))])) == ()


def test_a_layout_that_is_damaged_is_refused():
    raw = layout_of([frame_of(np.eye(9, 3))]).to_bytes()
    for a, b in ((b'"embedding[3]"', b'"embedding[4]"'), (b'"number"', b'"category"'), (b"[[37837,", b"[[37837.5,")):
        assert a in raw
        with pytest.raises(ProfileError):
            Layout.from_bytes(raw.replace(a, b, 1))
