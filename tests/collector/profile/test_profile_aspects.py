from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin_collector.frame import Frame, category, number
from tocsin_collector.profile import Layout, Profile, layout_of, merged, profile
from tocsin_collector.profile.aspects import TEXT, TIME, form_of
from tocsin_collector.verdict import CATEGORY, NUMBER, ModelKey

START = datetime(2026, 11, 2, 12, tzinfo=UTC)
COMMENTS = [f"order {i} came {'late' if i % 3 else 'early'} and was fine" for i in range(300)]
SIGNUPS = [(START - timedelta(hours=i)).isoformat() for i in range(200)]


def frame(values):
    rows = len(values.valid)
    times = np.full(rows, int(START.timestamp() * 1e6))
    return Frame("prediction", ModelKey("p", "m", "1"), times, ["x"] * rows, {"feature.x": values})


def counted(reference, rows):
    layout = layout_of([frame(category(reference))])
    found = profile(frame(category(rows)), layout)
    return {name.partition(":")[2]: (layout.by_name[name], found.tally(name)) for name in layout.by_name}


def shares(counted, aspect):
    feature, tally = counted[aspect]
    return {name: count for name, count in zip(feature.names, tally.cells.tolist(), strict=False) if count}


@pytest.mark.parametrize(
    ("names", "rows", "form"),
    [
        (COMMENTS, 300, TEXT),
        (COMMENTS, 700, ""),  # they repeat: categories that are long
        ([f"user-{i}" for i in range(300)], 300, ""),
        (["これは長い文です" + chr(0x3042 + i) for i in range(50)], 50, TEXT),
        (SIGNUPS, 200, TIME),
        (["2026-11-02", "2026-11-03"], 1_000, TIME),
        ([*SIGNUPS, "yesterday"], 201, ""),
        (["12.5 kg of sugar"], 1, ""),
        ([], 0, ""),
    ],
)
def test_the_form_of_a_column_is_told_by_what_it_holds(names, rows, form):
    assert form_of(names, rows) == form


def test_a_text_is_told_by_length_script_and_words():
    found = counted(COMMENTS, ["", "order 7", "Заказ опоздал", "¿…?"])
    assert {name: feature.kind for name, (feature, _) in found.items()} == {
        "length": NUMBER,
        "script": CATEGORY,
        "word": CATEGORY,
    }
    assert found["length"][1].cells.sum() == 4
    assert shares(found, "script") == {"Latin": 1}
    assert found["script"][1].new == 3  # empty, Cyrillic, and without a letter
    assert found["word"][1].new == 4 - sum(shares(found, "word").values())


def test_words_come_in_the_shares_in_which_they_are_used():
    found = counted(COMMENTS, COMMENTS)
    words = shares(found, "word")
    assert words["order"] == pytest.approx(300 / 7, rel=0.4)
    assert words["late"] + words["early"] == pytest.approx(300 / 7, rel=0.4)
    changed = counted(COMMENTS, [text.replace("late", "broken") for text in COMMENTS])
    assert found["word"][1].new == 0
    assert 200 / 7 * 0.5 < changed["word"][1].new < 100  # and numbers that were not drawn before


def test_a_time_is_told_by_age_hour_and_weekday():
    rows = ["2026-11-02T11:00:00Z", "2026-11-02T12:00:00+01:00", "2026-11-01", "soon", None]
    found = counted(SIGNUPS, rows)
    feature, age = found["age"]
    edges = [-np.inf, *feature.edges, np.inf]
    assert age.cells.tolist() == np.histogram([3_600, 3_600, 36 * 3_600], edges)[0].tolist()
    assert (age.nan, age.missing) == (1, 1)
    assert shares(found, "hour") == {"11": 2, "00": 1}
    assert shares(found, "weekday") == {"Mon": 2, "Sun": 1}
    assert (found["hour"][1].new, found["weekday"][1].new) == (1, 1)


def test_a_text_that_comes_as_a_number_is_of_another_kind_in_each_aspect():
    layout = layout_of([frame(category(COMMENTS))])
    found = profile(frame(number([1, 2, None])), layout)
    assert all((found.tally(name).other_kind, found.tally(name).missing) == (2, 1) for name in layout.by_name)
    assert found.unknown == 0


def test_a_column_comes_before_an_aspect_that_is_named_alike():
    both = frame(category(COMMENTS))
    both.columns["feature.x:length"] = category(["a"] * 300)
    layout = layout_of([both])
    assert list(layout.by_name) == ["x:length", "x:script", "x:word"]
    assert layout.by_name["x:length"].names == ("a",)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.one_of(st.none(), st.text(max_size=30)), min_size=1, max_size=40), st.integers(1, 5))
def test_any_texts_in_any_grouping_give_the_same_bytes(rows, pieces):
    for reference in (COMMENTS, SIGNUPS):
        layout = layout_of([frame(category(reference[i::pieces])) for i in range(pieces)])
        assert Layout.from_bytes(layout.to_bytes()) == layout
        whole = profile(frame(category(rows)), layout)
        parts = [profile(frame(category(rows[i::pieces])), layout) for i in range(pieces) if rows[i::pieces]]
        assert merged(parts[::-1], layout).to_bytes() == whole.to_bytes()
        assert Profile.from_bytes(whole.to_bytes(), layout).adds_up()


def test_a_window_of_texts_takes_six_kilobytes_at_most():
    rng = np.random.default_rng(1)
    words = [f"word{i}" for i in rng.zipf(1.3, 300_000) % 50_000]
    texts = [" ".join(words[start : start + 15]) for start in range(0, len(words), 15)]
    layout = layout_of([frame(category(texts))])
    assert list(layout.by_name) == ["x:length", "x:script", "x:word"]
    assert len(profile(frame(category(texts)), layout).to_bytes()) <= 6_144
